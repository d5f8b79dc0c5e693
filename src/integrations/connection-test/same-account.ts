import type { Integration } from '../integration.entity';
import type { DiagnosisCheck, RemoteAccount } from '../provider/integration-provider';
import { ACCOUNT_MISMATCH } from '../suspension-reasons';
import { CredentialRefused } from './credential-refused';
import { explanationOf } from './diagnosis';

/**
 * Whether the credential still reaches the account whose groups and people this integration knows by their ids.
 * @returns null where the one or the other is not known
 */
export function sameAccountCheck(
  integration: Integration,
  found: RemoteAccount | null,
): DiagnosisCheck | null {
  // Without an address it is a stand-in for an account that could not be told.
  if (found === null || integration.accountIdentity === null || !integration.accountUrl) return null;
  const title = 'The account is the one of before';
  const { accountUrl } = integration;
  if (integration.accountIdentity === found.identity) {
    return {
      id: 'same_account',
      title,
      status: 'passed',
      message: `It is ${accountUrl} as before.`,
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
 * For what is about to be stored: the account may have become known since that was tried.
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
