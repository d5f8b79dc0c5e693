import { upsertSql } from '../database/dialect';
import type { Transaction } from '../database/transaction-runner';
import type { ChangeContext, DirectoryQuotas } from './change-context';
import { QuotaReachedError } from './directory-errors';

/** What a change adds (or, below zero, takes away). */
export type CountChange = Partial<Record<keyof DirectoryQuotas, number>>;

const COUNTED = ['users', 'groups', 'memberships'] as const;

/**
 * Keeps the counts of an integration exact. It is the last step of a transaction: on MySQL whoever else changes this
 * integration waits for the row.
 *
 * @throws QuotaReachedError where the change adds something of which the tenant has enough
 */
export async function countChange(
  tx: Transaction,
  context: ChangeContext,
  change: CountChange,
): Promise<void> {
  if (COUNTED.every((counted) => (change[counted] ?? 0) === 0)) return;
  await tx.query(
    upsertSql({
      table: 'directory_count',
      columns: ['integrationId', 'tenantId', 'users', 'groups_', 'memberships'],
      key: ['integrationId'],
      update: [],
      add: ['users', 'groups_', 'memberships'],
      rows: 1,
    }),
    [context.integrationId, context.tenantId, ...COUNTED.map((counted) => change[counted] ?? 0)],
  );
  await assertWithinQuotas(tx, context, change, {});
}

/**
 * The same question before the work is done, so that what cannot fit is not written first.
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

/** @param toCome what the counts do not hold yet */
async function assertWithinQuotas(
  tx: Transaction,
  { tenantId, quotas }: ChangeContext,
  change: CountChange,
  toCome: CountChange,
): Promise<void> {
  const grown = COUNTED.filter((counted) => (change[counted] ?? 0) > 0);
  if (quotas === undefined || grown.length === 0) return;
  // Of two integrations of one tenant that write at the same moment on MySQL, neither sees the other's change yet.
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
