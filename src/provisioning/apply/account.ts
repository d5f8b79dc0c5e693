import type { Integration } from '../../integrations/integration.entity';
import type { RemoteAccount } from '../../integrations/provider/integration-provider';
import type { RunContext } from './run-context';

/** The account's identity where it need not be asked for: neither after a change of the integration nor to probe it. */
export function checkedAccount(integration: Integration): string | null {
  const checked = integration.accountCheckedRevision === integration.revision;
  return checked && integration.suspensionReason === null ? integration.accountIdentity : null;
}

/** @param found what the target says; null for an account with nothing in it that names it */
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

/** No other integration has the same. */
function standIn({ id, provider }: Integration, name: string): RemoteAccount {
  return { identity: `${provider}:integration:${id}`, name, url: '' };
}
