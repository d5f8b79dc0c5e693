import type { Transaction } from '../../database/transaction-runner';

/** The team is about to be written to: what is being read of it tells nothing. */
export async function raiseWriteSeq(tx: Transaction, remoteGroupId: string): Promise<void> {
  await tx.query('UPDATE remote_group SET writeSeq = writeSeq + 1, lastWriteAt = ? WHERE id = ?', [
    Date.now(),
    remoteGroupId,
  ]);
}

/**
 * As `raiseWriteSeq`, for members: the group shows that they are under way. One that is deleted goes on showing why its team is
 * not let go, and its last write stays the last attempt to let it go.
 */
export async function beginWriting(tx: Transaction, remoteGroupId: string): Promise<void> {
  await tx.query(
    `UPDATE remote_group SET writeSeq = writeSeq + 1,
       lastWriteAt = CASE WHEN deletingSince IS NULL THEN ? ELSE lastWriteAt END,
       state = CASE WHEN deletingSince IS NULL THEN 'syncing' ELSE state END WHERE id = ?`,
    [Date.now(), remoteGroupId],
  );
}
