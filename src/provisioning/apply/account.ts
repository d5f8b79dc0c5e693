import type { Integration } from '../../integrations/integration.entity';
import type { RemoteAccount } from '../../integrations/provider/integration-provider';
import type { RunContext } from './run-context';

/**
 * The identity of the account if no request is needed: no change of the integration since the last check, and no
 * probe.
 */
export function checkedAccount(integration: Integration): string | null {
  const checked = integration.accountCheckedRevision === integration.revision;
  return checked && integration.suspensionReason === null ? integration.accountIdentity : null;
}

/** @param found the target's answer; null if nothing in the account names it */
export function accountOf(
  { integration, provider }: Pick<RunContext, 'integration' | 'provider'>,
  found: RemoteAccount | null,
): RemoteAccount {
  return found ?? recordedAccount(integration) ?? standIn(integration, provider.description.displayName);
}

function recordedAccount({ accountIdentity, accountName, accountUrl }: Integration): RemoteAccount | null {
  if (accountIdentity === null) return null;
  return { identity: accountIdentity, name: accountName ?? '', url: accountUrl ?? '' };
}

/** An identity that no other integration has. */
function standIn({ id, provider }: Integration, name: string): RemoteAccount {
  return { identity: `${provider}:integration:${id}`, name, url: '' };
}
