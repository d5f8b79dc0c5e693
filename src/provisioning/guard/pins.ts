import { FOR_UPDATE, inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';

/**
 * A user leaves the IdP: drops the pins on the removals of its remote user from these groups. The admin rejected
 * the removal of a user of the company, not of a leaver. Undecided items stay held; a later rejection is about a
 * leaver.
 *
 * A remote user has not left while another active user is linked to it.
 *
 * @param groupIds as many as one statement takes
 */
export async function liftPinsOfLeaver(
  tx: Transaction,
  integrationId: string,
  remoteUserId: string,
  groupIds: readonly string[],
): Promise<void> {
  // Locked: of two users that leave at the same time, the later one sees that the other has left.
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
