import type { DiagnosisCheck, ProviderConnection } from '../provider/integration-provider';
import { ProviderError, type SettingsError } from '../provider/provider-error';
import { SETTINGS_REFUSED } from '../suspension-reasons';

/** Limit for the provider's text about the settings, so the remedy also fits into the message. */
const SHOWN_LENGTH = 600;

/** A defect in the stored data of an integration. */
type Defect = Required<Pick<DiagnosisCheck, 'id' | 'title' | 'message'>> & { reason: string; remedy: string };

/** For an integration whose secret no configured key opens. */
export function withUnreadableSecret(): ProviderConnection {
  return unusable({
    id: 'secret_readable',
    title: 'The stored secret can be decrypted',
    reason: 'secret_unreadable',
    message: 'The stored secret cannot be decrypted, so Scimify sends nothing to the target.',
    remedy:
      'Store the secret again. If many integrations show this, ask the operator to check SCIMIFY_ENCRYPTION_KEY and who has written to the database.',
  });
}

/** For an integration whose settings were stored by another version. */
export function withRefusedSettings({ message }: SettingsError): ProviderConnection {
  const shown = message.length > SHOWN_LENGTH ? `${message.slice(0, SHOWN_LENGTH)}…` : message;
  return unusable({
    id: 'settings_accepted',
    title: 'This version of Scimify accepts the stored settings',
    reason: SETTINGS_REFUSED,
    message: `This version of Scimify does not accept the stored settings, so it sends nothing to the target: ${shown}`,
    remedy: 'Change these settings of the integration. It continues at once.',
  });
}

/** A connection on which each call fails before Scimify sends a request. */
function unusable({ id, title, reason, message, remedy }: Defect): ProviderConnection {
  const refuse = (): Promise<never> =>
    Promise.reject(
      new ProviderError({ kind: 'credentials', outcome: 'not-applied', reason, message, remedy }),
    );
  return {
    account: refuse,
    resolveUsers: refuse,
    getUser: refuse,
    findGroups: refuse,
    getGroup: refuse,
    createGroup: refuse,
    updateGroup: refuse,
    deleteGroup: refuse,
    mayWrite: refuse,
    listMembers: refuse,
    snapshot: refuse,
    async *changeMembers() {
      await refuse();
    },
    async *diagnose() {
      yield { id, title, status: 'failed', message, remedy, reason };
    },
  };
}
