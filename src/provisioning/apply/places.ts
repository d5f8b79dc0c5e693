import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { GROUP_FULL } from '../../integrations/provider/provider-error';
import { LASTS_FROM } from '../plan/backoff';
import { nextForPlaces } from './known-target';

/**
 * SQL condition on `remote_member`: the user has a place in the remote group, or one is reserved. An addition that
 * keeps failing (LASTS_FROM attempts) loses its reserved place to another user.
 */
export const TAKES_PLACE = `NOT (state = 'adding' AND attempts >= ${LASTS_FROM})`;

/**
 * For a full remote group: how many places are taken or reserved, how many users find no place, and how many users
 * have an offered place that they have not taken yet. Users that the target itself refused because the group is
 * full do not count as wanting: the target may know members that we do not.
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

/** Offers freed places: as many waiting users are tried at the next look at the group. */
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

/** How many of these failed additions have just lost their reserved place. */
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
