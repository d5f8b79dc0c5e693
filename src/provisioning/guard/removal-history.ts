import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import type { GuardPolicy } from '../../integrations/policies';
import {
  GUARD_WINDOW_MS,
  type MemberCounts,
  type RemovalCounts,
  type WindowStarts,
  membersToCount,
} from '../plan/mass-change-guard';
import type { GuardEvent, HeldItemState } from './guard.entities';

/** The subject of a held item that is about the deletion of the team, and not about somebody in it. */
export const WHOLE_TEAM = '';

type Asked = Pick<Transaction, 'query'>;

const EVER = Number.MAX_SAFE_INTEGER;

/** By subject, what was decided about its removal from the team. */
export async function itemStates(
  db: Asked,
  groupId: string,
  subjects: readonly string[],
): Promise<Map<string, HeldItemState>> {
  const rows = await db.query<{ subject: string; state: HeldItemState }>(
    `SELECT subject, state FROM held_item WHERE groupId = ? AND subject IN (${inList(subjects)})`,
    [groupId, ...subjects],
  );
  return new Map(rows.map(({ subject, state }) => [subject, state]));
}

/** Remote users of the team whose removal is not carried out, in the order of their ids. */
export async function heldAfter(db: Asked, groupId: string, after: string, limit: number): Promise<string[]> {
  const rows = await db.query<{ subject: string }>(
    `SELECT subject FROM held_item WHERE groupId = ? AND subject > ? AND state IN ('held', 'pinned')
     ORDER BY subject LIMIT ?`,
    [groupId, after, limit],
  );
  return rows.map(({ subject }) => subject);
}

/** By remote user of the team, when they joined, as far as we added them. */
export async function joinTimes(
  db: Asked,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await db.query<{ remoteUserId: string; joinedAt: number }>(
    `SELECT remoteUserId, joinedAt FROM remote_member
     WHERE remoteGroupId = ? AND joinedAt IS NOT NULL AND remoteUserId IN (${inList(remoteUserIds)})`,
    [remoteGroupId, ...remoteUserIds],
  );
  return new Map(rows.map(({ remoteUserId, joinedAt }) => [remoteUserId, Number(joinedAt)]));
}

/**
 * Members now, what the last hour removed, and what waits. Nobody is counted as joined: who did so with the change that
 * is looked at, its planner knows.
 *
 * @param more removals that come on top of what is counted, and members who are to be left out
 */
export async function removalCounts(
  db: Asked,
  {
    integrationId,
    groupId,
    remoteGroupId,
    policy,
  }: { integrationId: string; groupId: string; remoteGroupId: string; policy: GuardPolicy },
  more: { removals: number; joined: number },
): Promise<RemovalCounts> {
  const windowStart = Date.now() - GUARD_WINDOW_MS;
  const events = await db.query<Counted & { remoteGroupId: string; kind: GuardEvent['kind'] }>(
    `SELECT remoteGroupId, kind, joinedAt, COUNT(*) AS counted FROM guard_event
     WHERE integrationId = ? AND at > ? GROUP BY remoteGroupId, kind, joinedAt`,
    [integrationId, windowStart],
  );
  const members = await db.query<Counted>(
    `SELECT joinedAt, COUNT(*) AS counted FROM remote_member
     WHERE remoteGroupId = ? AND state = 'present' GROUP BY joinedAt`,
    [remoteGroupId],
  );
  const waiting = await db.query<Counted & { groupId: string }>(
    `SELECT i.groupId AS groupId, m.joinedAt AS joinedAt, COUNT(*) AS counted FROM held_item i
     JOIN remote_group g ON g.integrationId = i.integrationId AND g.groupId = i.groupId
     JOIN remote_member m ON m.remoteGroupId = g.id AND m.remoteUserId = i.subject AND m.state <> 'removing'
     WHERE i.integrationId = ? AND i.state IN ('held', 'approved') GROUP BY i.groupId, m.joinedAt`,
    [integrationId],
  );
  const [deletions] = await db.query<{ counted: number }>(
    `SELECT COUNT(*) AS counted FROM held_item i
     JOIN remote_group g ON g.integrationId = i.integrationId AND g.groupId = i.groupId AND g.letThroughAt IS NULL
     WHERE i.integrationId = ? AND i.state IN ('held', 'approved') AND i.subject = '${WHOLE_TEAM}'`,
    [integrationId],
  );
  const removed = events.filter(({ kind }) => kind === 'removal');
  const ofTeam = {
    members,
    removed: removed.filter((row) => row.remoteGroupId === remoteGroupId),
    waiting: waiting.filter((row) => row.groupId === groupId),
  };
  const filledAt = Math.min(...[...ofTeam.members, ...ofTeam.removed].map(joinTime));
  const starts = { team: Math.max(windowStart, filledAt), integration: windowStart };
  const countsOf = async (since: WindowStarts): Promise<MemberCounts> => {
    const integrationRemoved = sum(removed, since.integration);
    const integrationWaiting = sum(waiting, since.integration);
    const enough = membersToCount(policy, integrationRemoved + integrationWaiting + more.removals);
    return {
      teamMembers: sum(ofTeam.members, since.team),
      teamRemoved: sum(ofTeam.removed, since.team),
      teamWaiting: sum(ofTeam.waiting, since.team),
      integrationMembers:
        enough === 0 ? 0 : await membersOf(db, integrationId, since.integration, enough + more.joined),
      integrationRemoved,
      integrationWaiting,
    };
  };
  return {
    ...(await countsOf({ team: EVER, integration: EVER })),
    teamJoined: 0,
    teamsDeleted: sum(events.filter(({ kind }) => kind === 'deletion')) + Number(deletions?.counted ?? 0),
    atStart: await countsOf(starts),
    starts,
  };
}

/** How many have been members of teams of the integration since then, or so many if there are more. */
async function membersOf(db: Asked, integrationId: string, since: number, enough: number): Promise<number> {
  const [row] = await db.query<{ counted: number }>(
    `SELECT COUNT(*) AS counted FROM (
       SELECT m.remoteUserId FROM remote_group g
       JOIN remote_member m ON m.remoteGroupId = g.id AND m.state = 'present'
         AND (m.joinedAt IS NULL OR m.joinedAt <= ?)
       WHERE g.integrationId = ? LIMIT ?) counted_members`,
    [since, integrationId, enough],
  );
  return Number(row?.counted ?? 0);
}

interface Counted {
  counted: number;
  joinedAt: number | null;
}

function joinTime({ joinedAt }: Pick<Counted, 'joinedAt'>): number {
  return Number(joinedAt ?? 0);
}

/** @param until whoever joined later is left out */
function sum(rows: readonly Counted[], until = EVER): number {
  return rows.reduce((total, row) => (joinTime(row) <= until ? total + Number(row.counted) : total), 0);
}
