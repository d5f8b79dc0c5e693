import type { DiagnosisCheck, ProviderConnection } from '../provider/integration-provider';
import { ProviderError, type SettingsError } from '../provider/provider-error';
import { SETTINGS_REFUSED } from '../suspension-reasons';

/** Of what a provider says of settings: what is to be done about it has to have its place in a message, too. */
const SHOWN_LENGTH = 600;

/** What is wrong with what is stored of an integration. */
type Defect = Required<Pick<DiagnosisCheck, 'id' | 'title' | 'message'>> & { reason: string; remedy: string };

/** Of an integration whose secret no key opens. */
export function withUnreadableSecret(): ProviderConnection {
  return unusable({
    id: 'secret_readable',
    title: 'The stored secret can be decrypted',
    reason: 'secret_unreadable',
    message: 'The stored secret can not be decrypted, so nothing is sent to the target.',
    remedy:
      'Store the secret anew. If many integrations say so, have the operator see to SCIMIFY_ENCRYPTION_KEY and to who has written to the database.',
  });
}

/** Of an integration whose settings were stored by another version. */
export function withRefusedSettings({ message }: SettingsError): ProviderConnection {
  const shown = message.length > SHOWN_LENGTH ? `${message.slice(0, SHOWN_LENGTH)}…` : message;
  return unusable({
    id: 'settings_accepted',
    title: 'The stored settings are accepted',
    reason: SETTINGS_REFUSED,
    message: `This version of Scimify does not accept the stored settings, so nothing is sent to the target: ${shown}`,
    remedy: 'Change these settings of the integration; it goes on at once.',
  });
}

/** Each call fails before anything is sent. */
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
