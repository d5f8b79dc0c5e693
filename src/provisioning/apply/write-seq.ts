import type { Transaction } from '../../database/transaction-runner';

const RAISED = 'writeSeq = writeSeq + 1, lastWriteAt = ?';

/** The team is about to be written to: what is being read of it tells nothing. */
export async function raiseWriteSeq(tx: Transaction, remoteGroupId: string): Promise<void> {
  await tx.query(`UPDATE remote_group SET ${RAISED} WHERE id = ?`, [Date.now(), remoteGroupId]);
}

/** As `raiseWriteSeq`, for members: the group shows that they are under way. */
export async function beginWriting(tx: Transaction, remoteGroupId: string): Promise<void> {
  await tx.query(`UPDATE remote_group SET ${RAISED}, state = 'syncing' WHERE id = ?`, [
    Date.now(),
    remoteGroupId,
  ]);
}
