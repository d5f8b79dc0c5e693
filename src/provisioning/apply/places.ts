import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { GROUP_FULL } from '../../integrations/provider/provider-error';
import { nextForPlaces } from './known-target';

/**
 * How many places of a full team have members, or are kept for some, how many people find none, and for how many
 * of these one has become free that they have not taken yet. Whom the target itself
 * refused for that is not one of them: it may know of members of whom we do not.
 */
export async function countPlaces(
  tx: Transaction,
  remoteGroupId: string,
): Promise<{ taken: number; wanted: number; offered: number }> {
  const full = 'parked_member WHERE remoteGroupId = ? AND reason = ?';
  const [row] = await tx.query<{ taken: number; wanted: number; offered: number }>(
    `SELECT (SELECT COUNT(*) FROM remote_member WHERE remoteGroupId = ?) AS taken,
            (SELECT COUNT(*) FROM ${full} AND attempts = 0) AS wanted,
            (SELECT COUNT(*) FROM ${full} AND nextAttemptAt <= ?) AS offered`,
    [remoteGroupId, remoteGroupId, GROUP_FULL, remoteGroupId, GROUP_FULL, Date.now()],
  );
  return { taken: Number(row!.taken), wanted: Number(row!.wanted), offered: Number(row!.offered) };
}

/** As many of those for whom there was no place are tried as places have become free. */
export async function offerFreedPlaces(
  tx: Transaction,
  remoteGroupId: string,
  places: number,
): Promise<void> {
  const userIds = await nextForPlaces(tx, remoteGroupId, places);
  if (userIds.length === 0) return;
  await tx.query(
    `UPDATE parked_member SET nextAttemptAt = ? WHERE remoteGroupId = ? AND userId IN (${inList(userIds)})`,
    [Date.now(), remoteGroupId, ...userIds],
  );
}
