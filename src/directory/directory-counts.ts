import type { Transaction } from '../database/transaction-runner';
import { upsert } from '../database/upsert';
import type { ChangeContext, DirectoryQuotas } from './change-context';
import { DirectoryCount } from './directory-count.entity';
import { QuotaReachedError } from './directory-errors';

/** How many a change adds; a negative number removes. */
export type CountChange = Partial<Record<keyof DirectoryQuotas, number>>;

const COUNTED = ['users', 'groups', 'memberships'] as const;

/**
 * Keeps the counts of an integration exact. Call it last in a transaction: on MySQL, other writers of the integration wait
 * for this row.
 *
 * @throws QuotaReachedError when the change takes the tenant above a quota
 */
export async function countChange(
  tx: Transaction,
  context: ChangeContext,
  change: CountChange,
): Promise<void> {
  if (COUNTED.every((counted) => (change[counted] ?? 0) === 0)) return;
  const { integrationId, tenantId } = context;
  const { users = 0, groups = 0, memberships = 0 } = change;
  await upsert(tx, DirectoryCount, [{ integrationId, tenantId, users, groups, memberships }], {
    update: [],
    add: COUNTED,
  });
  await assertWithinQuotas(tx, context, change, {});
}

/**
 * The same check before the work, so that a change above the quota is refused before it writes anything.
 *
 * @throws QuotaReachedError
 */
export async function assertRoomFor(
  tx: Transaction,
  context: ChangeContext,
  change: CountChange,
): Promise<void> {
  await assertWithinQuotas(tx, context, change, change);
}

/** @param toCome what the counts do not include yet */
async function assertWithinQuotas(
  tx: Transaction,
  { tenantId, quotas }: ChangeContext,
  change: CountChange,
  toCome: CountChange,
): Promise<void> {
  const grown = COUNTED.filter((counted) => (change[counted] ?? 0) > 0);
  if (quotas === undefined || grown.length === 0) return;
  // On MySQL, two integrations of one tenant that write at the same moment do not see each other's change.
  const [sums] = await tx.query<Record<'users' | 'groups_' | 'memberships', number | string | null>>(
    `SELECT SUM(users) AS users, SUM(groups_) AS groups_, SUM(memberships) AS memberships
     FROM directory_count WHERE tenantId = ?`,
    [tenantId],
  );
  const present = { users: sums?.users, groups: sums?.groups_, memberships: sums?.memberships };
  for (const counted of grown) {
    const total = Number(present[counted] ?? 0) + (toCome[counted] ?? 0);
    if (total > quotas[counted]) throw new QuotaReachedError(counted, quotas[counted]);
  }
}
