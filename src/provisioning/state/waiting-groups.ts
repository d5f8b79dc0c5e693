import { setImmediate as breathe } from 'node:timers/promises';
import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';

/** Groups of one statement: each may have thousands of people who wait. */
const GROUPS_AT_ONCE = 10;

/**
 * What waits of these groups and their members is tried now, or at that time. A few groups at a time: others are let in
 * between.
 *
 * @param which condition on `remote_group`
 */
export async function makeGroupsDue(
  tx: Transaction,
  which: string,
  params: readonly unknown[],
  at: number = Date.now(),
): Promise<void> {
  const groups = await tx.query<{ id: string }>(`SELECT id FROM remote_group WHERE ${which}`, params);
  for (let start = 0; start < groups.length; start += GROUPS_AT_ONCE) {
    if (start > 0) await breathe();
    const ids = groups.slice(start, start + GROUPS_AT_ONCE).map(({ id }) => id);
    await makeSomeDue(tx, ids, at);
  }
}

async function makeSomeDue(tx: Transaction, remoteGroupIds: readonly string[], at: number): Promise<void> {
  const groups = inList(remoteGroupIds);
  await tx.query(
    `UPDATE remote_user SET nextCheckAt = ? WHERE remoteUserId IS NULL AND userId IN
       (SELECT userId FROM parked_member WHERE remoteGroupId IN (${groups}))`,
    [at, ...remoteGroupIds],
  );
  await tx.query(`UPDATE parked_member SET nextAttemptAt = ? WHERE remoteGroupId IN (${groups})`, [
    at,
    ...remoteGroupIds,
  ]);
  await tx.query(
    `UPDATE remote_member SET nextAttemptAt = ? WHERE nextAttemptAt IS NOT NULL AND remoteGroupId IN (${groups})`,
    [at, ...remoteGroupIds],
  );
  await tx.query(
    `UPDATE remote_group SET notBefore = NULL, nextAttemptAt = ?,
       nameNextAttemptAt = CASE WHEN nameNextAttemptAt IS NULL THEN NULL ELSE ? END
     WHERE id IN (${groups}) AND nextAttemptAt IS NOT NULL`,
    [at, at, ...remoteGroupIds],
  );
}
