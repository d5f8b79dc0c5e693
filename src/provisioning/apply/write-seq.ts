import type { Transaction } from '../../database/transaction-runner';

/** A write is about to be sent: a read that is in progress proves nothing. */
export async function raiseWriteSeq(tx: Transaction, remoteGroupId: string): Promise<void> {
  await tx.query('UPDATE remote_group SET writeSeq = writeSeq + 1, lastWriteAt = ? WHERE id = ?', [
    Date.now(),
    remoteGroupId,
  ]);
}

/**
 * As `raiseWriteSeq`, for members: the group is shown as syncing. A deleted group keeps showing why its remote
 * group is not released, and its last write stays the last attempt to release it.
 */
export async function beginWriting(tx: Transaction, remoteGroupId: string): Promise<void> {
  await tx.query(
    `UPDATE remote_group SET writeSeq = writeSeq + 1,
       lastWriteAt = CASE WHEN deletingSince IS NULL THEN ? ELSE lastWriteAt END,
       state = CASE WHEN deletingSince IS NULL THEN 'syncing' ELSE state END WHERE id = ?`,
    [Date.now(), remoteGroupId],
  );
}
