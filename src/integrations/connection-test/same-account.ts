import type { Integration } from '../integration.entity';
import type { DiagnosisCheck, RemoteAccount } from '../provider/integration-provider';
import { ACCOUNT_MISMATCH } from '../suspension-reasons';
import { CredentialRefused } from './credential-refused';
import { explanationOf } from './diagnosis';

/**
 * Whether the credential still reaches the account whose group and user ids this integration has stored.
 * @returns null when one of the two accounts is not known
 */
export function sameAccountCheck(
  integration: Integration,
  found: RemoteAccount | null,
): DiagnosisCheck | null {
  // An identity without an address stands for an account that is not known yet.
  if (found === null || integration.accountIdentity === null || !integration.accountUrl) return null;
  const title = 'The credential still reaches the same account';
  const { accountUrl } = integration;
  if (integration.accountIdentity === found.identity) {
    return {
      id: 'same_account',
      title,
      status: 'passed',
      message: `The credential still reaches ${accountUrl}.`,
      remedy: null,
    };
  }
  return {
    id: 'same_account',
    title,
    status: 'failed',
    message: `The credential belongs to ${found.url}, but this integration writes to ${accountUrl}.`,
    remedy: `Give a credential of ${accountUrl}; to move to the other account, rebind the integration.`,
    reason: ACCOUNT_MISMATCH,
  };
}

/**
 * Checks again right before storing: the account may have become known since the test.
 * @throws CredentialRefused 409 for another account
 */
export function assertSameAccount(current: Integration, found: RemoteAccount | null): void {
  const check = sameAccountCheck(current, found);
  if (check?.status === 'failed') throw anotherAccount(check);
}

export function anotherAccount(check: DiagnosisCheck): CredentialRefused {
  const detail = `${explanationOf(check)} Nothing was stored.`;
  return new CredentialRefused(ACCOUNT_MISMATCH, detail, ACCOUNT_MISMATCH);
}
