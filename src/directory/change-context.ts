import type { Actor } from '../audit/actor';
import type { Quotas } from '../config/settings';
import type { Transaction } from '../database/transaction-runner';

/** How much of the directory a whole tenant may have. */
export type DirectoryQuotas = Pick<Quotas, 'users' | 'groups' | 'memberships'>;

/** On whose behalf, and in which integration, the desired state is changed. */
export interface ChangeContext {
  integrationId: string;
  tenantId: string;
  actor: Actor;
  /**
   * The first step of every transaction: the request may have been let in long before, and its key revoked since.
   *
   * @throws what the door answers where the caller may no longer write
   */
  admit: (tx: Transaction) => Promise<void>;
  /** Left out where nothing is limited: by an admin's decision nothing is added. */
  quotas?: DirectoryQuotas;
}

/** For changes that no SCIM key asks for. */
export const withoutAdmission = (): Promise<void> => Promise.resolve();
