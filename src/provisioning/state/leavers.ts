import type { DataSource } from 'typeorm';
import { inList } from '../../database/dialect';
import { type CountedSlice, type Pauses, countedSlices } from '../../database/keyset-slices';
import type { Transaction } from '../../database/transaction-runner';
import { LASTS_FROM } from '../plan/backoff';

/** A leaver that the target keeps as a member: an admin has to act on this before anything else. */
export const LEAVER_STILL_ON_TEAM = 'leaver_still_on_team';

/**
 * SQL condition: the member is still there because the target refuses the removal or the call keeps failing.
 *
 * @param member alias of `remote_member`
 */
function isKept(member: string): string {
  return `(${member}.state = 'removing' AND (${member}.kind = 'waiting'
    OR (${member}.kind = 'passing' AND ${member}.attempts >= ${LASTS_FROM})))`;
}

/**
 * SQL condition: the member is a leaver, and the target keeps it.
 *
 * @param member alias of `remote_member`
 * @param integrationId expression
 */
export function isLeaverStillOnTeam(member: string, integrationId: string): string {
  return `(${isKept(member)} AND ${isLeaver(member, integrationId)})`;
}

/**
 * SQL condition: all linked IdP users of the member are inactive or deleted, and there is at least one. Same
 * parameters; uses the integration twice.
 */
function isLeaver(member: string, integrationId: string): string {
  const linked = `FROM remote_user lu LEFT JOIN scim_user su ON su.id = lu.userId
    WHERE lu.integrationId = ${integrationId} AND lu.remoteUserId = ${member}.remoteUserId`;
  return `(EXISTS (SELECT 1 ${linked})
    AND NOT EXISTS (SELECT 1 ${linked} AND su.active = 1 AND su.deletedAt IS NULL))`;
}

/** The remote users among these whose linked IdP users are all inactive or deleted. */
export async function leaversAmong(
  tx: Transaction,
  integrationId: string,
  remoteUserIds: readonly string[],
): Promise<Set<string>> {
  if (remoteUserIds.length === 0) return new Set();
  const rows = await tx.query<{ remoteUserId: string }>(
    `SELECT DISTINCT t.remoteUserId AS remoteUserId FROM remote_user t
     WHERE t.integrationId = ? AND t.remoteUserId IN (${inList(remoteUserIds)}) AND ${isLeaver('t', '?')}`,
    [integrationId, ...remoteUserIds, integrationId, integrationId],
  );
  return new Set(rows.map(({ remoteUserId }) => remoteUserId));
}

/**
 * When to process a group that is put off: earlier than planned if the removal of a leaver, or any removal from
 * the remote group of a deleted group, is due before. Removals of unmanaged members do not count.
 *
 * @param putOffUntil epoch milliseconds
 */
export async function nextLookAt(
  tx: Transaction,
  { integrationId, id }: { integrationId: string; id: string },
  putOffUntil: number,
): Promise<number> {
  const [row] = await tx.query<{ dueAt: number | null }>(
    `SELECT MIN(t.nextAttemptAt) AS dueAt FROM remote_group g JOIN remote_member t ON t.remoteGroupId = g.id
     WHERE g.id = ? AND t.kind IS NOT NULL AND t.state = 'removing'
       AND (g.deletingSince IS NOT NULL OR ((t.managed = 1 OR t.preexisting = 1) AND ${isLeaver('t', '?')}))`,
    [id, integrationId, integrationId],
  );
  return Math.min(putOffUntil, Number(row?.dueAt ?? putOffUntil));
}

/**
 * SQL condition, by index: the remote group r has a waiting member. Without one there is no leaver to search for.
 */
export const HAS_WAITING_MEMBERS = `EXISTS (SELECT 1 FROM remote_member w
  WHERE w.remoteGroupId = r.id AND w.kind IN ('waiting', 'passing'))`;

/** Leavers that the target keeps in the remote group, in slices. */
export async function* leaversOnTeam(
  reader: DataSource,
  pauses: Pauses,
  integrationId: string,
  remoteGroupId: string,
): AsyncGenerator<{ remoteUserId: string; message: string | null }[]> {
  let after = '';
  const read = async (from: string, limit: number) => {
    after = from;
    const [slice] = await reader.query<(CountedSlice & { waiting: number | null })[]>(
      `SELECT COUNT(*) AS counted, MAX(t.remoteUserId) AS last,
              SUM(CASE WHEN ${isKept('t')} THEN 1 ELSE 0 END) AS waiting
       FROM (SELECT remoteUserId, state, kind, attempts FROM remote_member WHERE remoteGroupId = ? AND remoteUserId > ?
             ORDER BY remoteUserId LIMIT ?) t`,
      [remoteGroupId, from, limit],
    );
    return slice;
  };
  for await (const { last, waiting } of countedSlices(pauses, read)) {
    if (Number(waiting) === 0) continue;
    yield await reader.query<{ remoteUserId: string; message: string | null }[]>(
      `SELECT t.remoteUserId AS remoteUserId, t.message AS message FROM remote_member t
       WHERE t.remoteGroupId = ? AND t.remoteUserId > ? AND t.remoteUserId <= ?
         AND ${isLeaverStillOnTeam('t', '?')} ORDER BY t.remoteUserId`,
      [remoteGroupId, after, last, integrationId, integrationId],
    );
    if (pauses.isOver) await pauses.next();
  }
}

/** @param refusal the answer of the target, and what to do about it */
export function leaverMessage(refusal: string | null): string {
  const cause = 'A user that the identity provider deactivated or deleted is still in the team.';
  return refusal === null ? cause : `${cause} ${refusal}`;
}
