import { FOR_UPDATE, inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';

/**
 * Somebody leaves the IdP: that they are to leave these groups' teams is no longer what an admin rejected, who decided about
 * somebody of the company. What was held and not decided yet stays held, and a rejection that comes later is of a leaver.
 *
 * A remote user whom another active user is has not left.
 *
 * @param groupIds as many as one statement takes
 */
export async function liftPinsOfLeaver(
  tx: Transaction,
  integrationId: string,
  remoteUserId: string,
  groupIds: readonly string[],
): Promise<void> {
  // Locked: of two users who leave at the same time the later one finds that the other has left.
  const linked = await tx.query<{ userId: string }>(
    `SELECT userId FROM remote_user WHERE integrationId = ? AND remoteUserId = ? ORDER BY userId${FOR_UPDATE}`,
    [integrationId, remoteUserId],
  );
  const active = await tx.query(
    `SELECT 1 FROM scim_user WHERE active = 1 AND deletedAt IS NULL AND id IN (${inList(linked)}) LIMIT 1`,
    linked.map(({ userId }) => userId),
  );
  if (active.length > 0) return;
  await tx.query(
    `DELETE FROM held_item WHERE groupId IN (${inList(groupIds)}) AND subject = ? AND state = 'pinned'`,
    [...groupIds, remoteUserId],
  );
}
