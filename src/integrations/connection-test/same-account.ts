import type { Integration } from '../integration.entity';
import type { DiagnosisCheck, RemoteAccount } from '../provider/integration-provider';
import { ACCOUNT_MISMATCH } from '../suspension-reasons';

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
