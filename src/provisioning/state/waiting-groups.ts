import type { Transaction } from '../../database/transaction-runner';

/**
 * What waits of these groups and their members is tried now, or at that time.
 *
 * @param which condition on `remote_group`
 */
export async function makeGroupsDue(
  tx: Transaction,
  which: string,
  params: readonly unknown[],
  at: number = Date.now(),
): Promise<void> {
  const groups = `SELECT id FROM remote_group WHERE ${which}`;
  await tx.query(
    `UPDATE remote_user SET nextCheckAt = ? WHERE remoteUserId IS NULL AND userId IN
       (SELECT userId FROM parked_member WHERE remoteGroupId IN (${groups}))`,
    [at, ...params],
  );
  await tx.query(`UPDATE parked_member SET nextAttemptAt = ? WHERE remoteGroupId IN (${groups})`, [
    at,
    ...params,
  ]);
  await tx.query(
    `UPDATE remote_member SET nextAttemptAt = ? WHERE nextAttemptAt IS NOT NULL AND remoteGroupId IN (${groups})`,
    [at, ...params],
  );
  await tx.query(
    `UPDATE remote_group SET notBefore = NULL, nextAttemptAt = ?,
       nameNextAttemptAt = CASE WHEN nameNextAttemptAt IS NULL THEN NULL ELSE ? END
     WHERE ${which} AND nextAttemptAt IS NOT NULL`,
    [at, at, ...params],
  );
}
