import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { GROUP_FULL } from '../../integrations/provider/provider-error';
import { LASTS_FROM } from '../plan/backoff';
import { nextForPlaces } from './known-target';

/**
 * SQL condition on `remote_member`: has a place in the team, or it is kept for them. For somebody whose addition keeps failing
 * it is kept no longer than until it is known that it does: somebody else may take it.
 */
export const TAKES_PLACE = `NOT (state = 'adding' AND attempts >= ${LASTS_FROM})`;

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
    `SELECT (SELECT COUNT(*) FROM remote_member WHERE remoteGroupId = ? AND ${TAKES_PLACE}) AS taken,
            (SELECT COUNT(*) FROM ${full} AND attempts = 0) AS wanted,
            (SELECT COUNT(*) FROM ${full} AND nextAttemptAt <= ?) AS offered`,
    [remoteGroupId, remoteGroupId, GROUP_FULL, remoteGroupId, GROUP_FULL, Date.now()],
  );
  return { taken: Number(row!.taken), wanted: Number(row!.wanted), offered: Number(row!.offered) };
}

/** As many of those for whom there was no place are tried, in the next look at the group, as places have become free. */
export async function offerFreedPlaces(
  tx: Transaction,
  remoteGroupId: string,
  places: number,
): Promise<void> {
  const userIds = await nextForPlaces(tx, remoteGroupId, places);
  if (userIds.length === 0) return;
  const now = Date.now();
  await tx.query(
    `UPDATE parked_member SET nextAttemptAt = ? WHERE remoteGroupId = ? AND userId IN (${inList(userIds)})`,
    [now, remoteGroupId, ...userIds],
  );
  await tx.query(
    `UPDATE remote_group SET nextAttemptAt = ?
     WHERE id = ? AND nextAttemptAt > ? AND (notBefore IS NULL OR notBefore <= ?)`,
    [now, remoteGroupId, now, now],
  );
}

/** Of these people, whose addition has failed once more, those whose place is offered to others from now on. */
export async function countGivenUp(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<number> {
  if (remoteUserIds.length === 0) return 0;
  const [row] = await tx.query<{ people: number }>(
    `SELECT COUNT(*) AS people FROM remote_member
     WHERE remoteGroupId = ? AND state = 'adding' AND attempts = ? AND remoteUserId IN (${inList(remoteUserIds)})`,
    [remoteGroupId, LASTS_FROM, ...remoteUserIds],
  );
  return Number(row!.people);
}
