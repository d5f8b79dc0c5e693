import type { Actor } from '../audit/actor';
import type { Quotas } from '../config/settings';
import type { Transaction } from '../database/transaction-runner';

/** How many users, groups and memberships all integrations of a tenant may have together. */
export type DirectoryQuotas = Pick<Quotas, 'users' | 'groups' | 'memberships'>;

/** Who changes the desired state, and in which integration. */
export interface ChangeContext {
  integrationId: string;
  tenantId: string;
  actor: Actor;
  /**
   * The first step of every transaction: the key may have been revoked since the request was authenticated.
   *
   * @throws the error that the API answers with when the caller may no longer write
   */
  admit: (tx: Transaction) => Promise<void>;
  /** Left out for an admin's decision: it adds nothing, so no quota applies. */
  quotas?: DirectoryQuotas;
}

/** For changes that do not come from a SCIM key. */
export const withoutAdmission = (): Promise<void> => Promise.resolve();
