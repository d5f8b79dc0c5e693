import type {
  AccountSnapshot,
  DiagnosisCheck,
  MemberOutcome,
  ProviderConnection,
} from '../provider/integration-provider';
import { ProviderError } from '../provider/provider-error';

const MESSAGE = 'The stored secret can not be decrypted, so nothing is sent to the target.';
const REMEDY =
  'Store the secret anew. If many integrations say so, have the operator see to SCIMIFY_ENCRYPTION_KEY and to who has written to the database.';
const REASON = 'secret_unreadable';

/** Of an integration whose secret no key opens: each call fails before anything is sent. */
export class UnreadableSecretConnection implements ProviderConnection {
  account = refuse;
  resolveUsers = refuse;
  getUser = refuse;
  findGroups = refuse;
  getGroup = refuse;
  createGroup = refuse;
  updateGroup = refuse;
  deleteGroup = refuse;
  mayWrite = refuse;
  listMembers = refuse;
  snapshot: () => Promise<AccountSnapshot> = refuse;

  async *changeMembers(): AsyncGenerator<MemberOutcome> {
    await refuse();
  }

  async *diagnose(): AsyncGenerator<DiagnosisCheck> {
    yield {
      id: 'secret_readable',
      title: 'The stored secret can be decrypted',
      status: 'failed',
      message: MESSAGE,
      remedy: REMEDY,
      reason: REASON,
    };
  }
}

async function refuse(): Promise<never> {
  throw new ProviderError({
    kind: 'credentials',
    outcome: 'not-applied',
    reason: REASON,
    message: MESSAGE,
    remedy: REMEDY,
  });
}
