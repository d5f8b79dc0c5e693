import { inList } from '../../database/dialect';
import { type CountedSlice, type Pauses, countedSlices, keysetSlices } from '../../database/keyset-slices';
import type { SqlReader } from '../../database/transaction-runner';
import type { GuardPolicy } from '../../integrations/policies';
import {
  GUARD_WINDOW_MS,
  type GuardScope,
  type MemberCounts,
  type RemovalCounts,
  type WindowStarts,
  membersToCount,
} from '../plan/mass-change-guard';
import type { HeldItemState } from './guard.entities';
import {
  type CountedRemovals,
  type Recent,
  RecentRemovals,
  Tally,
  WHOLE_TEAM,
  eventOf,
  joinedAtSql,
} from './recent-removals';

const EVER = Number.MAX_SAFE_INTEGER;
const MEMBERS_AT_ONCE = 5_000;

/** By subject, the state of its removal from the remote group. */
export async function itemStates(
  db: SqlReader,
  groupId: string,
  subjects: readonly string[],
): Promise<Map<string, HeldItemState>> {
  const rows = await db.query<{ subject: string; state: HeldItemState }>(
    `SELECT subject, state FROM held_item WHERE groupId = ? AND subject IN (${inList(subjects)})`,
    [groupId, ...subjects],
  );
  return new Map(rows.map(({ subject, state }) => [subject, state]));
}

/** Remote users of the group whose removal is held or pinned, in the order of their ids. */
export async function heldAfter(
  db: SqlReader,
  groupId: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const rows = await db.query<{ subject: string }>(
    `SELECT subject FROM held_item WHERE groupId = ? AND subject > ? AND state IN ('held', 'pinned')
     ORDER BY subject LIMIT ?`,
    [groupId, after, limit],
  );
  return rows.map(({ subject }) => subject);
}

/**
 * By remote user, the join time of the members that we added. A member removed within the window has its earlier
 * join time.
 */
export async function joinTimes(
  db: SqlReader,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await db.query<{ remoteUserId: string; joinedAt: number | null }>(
    `SELECT m.remoteUserId AS remoteUserId, ${joinedAtSql('m', 'e')} AS joinedAt
     FROM remote_member m ${eventOf('m', 'e')}
     WHERE m.remoteGroupId = ? AND m.remoteUserId IN (${inList(remoteUserIds)})`,
    [windowStart(), remoteGroupId, ...remoteUserIds],
  );
  return joinsAmong(rows);
}

/** The remote users among these that were removed within the window, with their join times. */
export async function takenOutAmong(
  db: SqlReader,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await db.query<{ remoteUserId: string; joinedAt: number | null }>(
    `SELECT remoteUserId, joinedAt FROM guard_event
     WHERE remoteGroupId = ? AND at >= ? AND remoteUserId IN (${inList(remoteUserIds)})`,
    [remoteGroupId, windowStart(), ...remoteUserIds],
  );
  return joinsAmong(rows);
}

/** @returns the scope that holds removals from this remote group, or null; reads only an index */
export async function membersHeldBy(db: SqlReader, groupId: string): Promise<GuardScope | null> {
  const [held] = await db.query<{ scope: GuardScope }>(
    `SELECT c.scope AS scope FROM held_item i JOIN held_change c ON c.id = i.heldChangeId
     WHERE i.groupId = ? AND i.subject > ? AND i.state = 'held' LIMIT 1`,
    [groupId, WHOLE_TEAM],
  );
  return held?.scope ?? null;
}

function windowStart(): number {
  return Date.now() - GUARD_WINDOW_MS;
}

function joinsAmong(rows: readonly { remoteUserId: string; joinedAt: number | null }[]): Map<string, number> {
  return new Map(rows.map(({ remoteUserId, joinedAt }) => [remoteUserId, Number(joinedAt ?? 0)]));
}

interface GroupOfHistory {
  groupId: string;
  /** Empty while there is no remote group yet. */
  remoteGroupId: string;
}

/**
 * Counts the guard's input. It reads everything only once, so an instance serves one decision, or one dry run,
 * which changes nothing.
 */
export class RemovalHistory {
  private readonly windowStart = windowStart();
  private recent: Promise<Recent> | null = null;
  private readonly teams = new Map<string, Promise<CountedRemovals[]>>();
  private readonly counted = new Map<number, { members: number; enough: number }>();

  constructor(
    private readonly db: SqlReader,
    private readonly pauses: Pauses,
    private readonly integrationId: string,
    private readonly policy: GuardPolicy,
  ) {}

  /**
   * Current members, members removed within the last hour and not added back, and what waits. `teamJoined` is
   * always 0: only the planner knows who joins with the change.
   *
   * @param more removals on top of what is counted, and joining members to leave out
   */
  async counts(
    { groupId, remoteGroupId }: GroupOfHistory,
    more: { removals: number; joined: number },
  ): Promise<RemovalCounts> {
    const { gone, back, waiting } = await this.readRecent();
    const isOfTeam = (row: { remoteGroupId: string }) => row.remoteGroupId === remoteGroupId;
    const ofTeam = {
      members: await this.membersOfGroup(remoteGroupId),
      gone: gone.filter(isOfTeam),
      back: back.filter(isOfTeam),
      waiting: waiting.filter((row) => row.groupId === groupId),
    };
    const ofIntegration = waiting.filter(({ ofTeamAlone }) => !ofTeamAlone);
    const filledAt = [...ofTeam.members, ...ofTeam.gone, ...ofTeam.back].reduce(
      (least, row) => Math.min(least, row.joinedAt),
      Infinity,
    );
    const starts = { team: Math.max(this.windowStart, filledAt), integration: this.windowStart };
    const countsOf = async (since: WindowStarts): Promise<MemberCounts> => {
      const integrationRemoved = sum(gone, since.integration);
      const integrationWaiting = sum(ofIntegration, since.integration);
      const enough = membersToCount(this.policy, integrationRemoved + integrationWaiting + more.removals);
      const members = enough === 0 ? 0 : await this.members(since.integration, enough + more.joined);
      return {
        teamMembers: sum(ofTeam.members, since.team) + sumBack(ofTeam.back, since.team),
        teamRemoved: sum(ofTeam.gone, since.team),
        teamWaiting: sum(ofTeam.waiting, since.team),
        integrationMembers: members + sumBack(back, since.integration),
        integrationRemoved,
        integrationWaiting,
      };
    };
    return {
      ...(await countsOf({ team: EVER, integration: EVER })),
      teamJoined: 0,
      atStart: await countsOf(starts),
      starts,
    };
  }

  /**
   * Remote groups deleted in the last hour, plus deletions that wait for an admin or are approved and not sent
   * yet.
   */
  async teamsDeleted(): Promise<number> {
    return (await this.readRecent()).deletions;
  }

  private readRecent(): Promise<Recent> {
    return (this.recent ??= new RecentRemovals(
      this.db,
      this.pauses,
      this.integrationId,
      this.windowStart,
    ).read());
  }

  private membersOfGroup(remoteGroupId: string): Promise<CountedRemovals[]> {
    const known = this.teams.get(remoteGroupId) ?? this.readMembersOfGroup(remoteGroupId);
    this.teams.set(remoteGroupId, known);
    return known;
  }

  private async readMembersOfGroup(remoteGroupId: string): Promise<CountedRemovals[]> {
    type Member = { remoteUserId: string; state: string; joinedAt: number | null };
    const tally = new Tally<object>(this.windowStart);
    const slices = keysetSlices<Member>(this.pauses, (last, limit) =>
      this.db.query<Member>(
        `SELECT remoteUserId, state, joinedAt FROM remote_member WHERE remoteGroupId = ? AND remoteUserId > ?
         ORDER BY remoteUserId LIMIT ?`,
        [remoteGroupId, last?.remoteUserId ?? '', limit],
      ),
    );
    for await (const members of slices) {
      for (const { state, joinedAt } of members) if (state === 'present') tally.add('', {}, joinedAt);
    }
    return tally.rows();
  }

  /** How many members of the integration's remote groups joined by that time; at most `enough`. */
  private async members(since: number, enough: number): Promise<number> {
    const known = this.counted.get(since);
    if (known && (known.members < known.enough || enough <= known.enough)) {
      return Math.min(known.members, enough);
    }
    const members = (await this.someMembers(since, enough)) ?? (await this.allMembers(since, enough));
    this.counted.set(since, { members, enough });
    return members;
  }

  /** Nearly always a part of the members is enough; null if it is not and there are more members. */
  private async someMembers(since: number, enough: number): Promise<number | null> {
    const [row] = await this.db.query<{ counted: number; members: number | null }>(
      `SELECT COUNT(*) AS counted, SUM(CASE WHEN m.state = 'present' AND (m.joinedAt IS NULL OR m.joinedAt <= ?)
                                       THEN 1 ELSE 0 END) AS members
       FROM (SELECT t.state AS state, t.joinedAt AS joinedAt FROM remote_group g
             JOIN remote_member t ON t.remoteGroupId = g.id WHERE g.integrationId = ? LIMIT ${MEMBERS_AT_ONCE}) m`,
      [since, this.integrationId],
    );
    const members = Number(row?.members ?? 0);
    if (members >= enough) return enough;
    return Number(row?.counted ?? 0) < MEMBERS_AT_ONCE ? members : null;
  }

  private async allMembers(since: number, enough: number): Promise<number> {
    let members = 0;
    const teams = keysetSlices<{ id: string; groupId: string }>(this.pauses, (last, limit) =>
      this.db.query(
        'SELECT id, groupId FROM remote_group WHERE integrationId = ? AND groupId > ? ORDER BY groupId LIMIT ?',
        [this.integrationId, last?.groupId ?? '', limit],
      ),
    );
    for await (const some of teams) {
      for (const { id } of some) {
        for await (const slice of this.countedMembers(id, since)) members += Number(slice.members);
        if (members >= enough) return enough;
      }
    }
    return members;
  }

  private countedMembers(remoteGroupId: string, since: number) {
    return countedSlices<CountedSlice & { members: number }>(this.pauses, async (after, limit) => {
      const [slice] = await this.db.query<CountedSlice & { members: number }>(
        `SELECT COUNT(*) AS counted, MAX(m.remoteUserId) AS last,
                SUM(CASE WHEN m.state = 'present' AND (m.joinedAt IS NULL OR m.joinedAt <= ?) THEN 1 ELSE 0 END) AS members
         FROM (SELECT remoteUserId, state, joinedAt FROM remote_member WHERE remoteGroupId = ? AND remoteUserId > ?
               ORDER BY remoteUserId LIMIT ?) m`,
        [since, remoteGroupId, after, limit],
      );
      return slice;
    });
  }
}

/** @param until leaves out members that joined later */
function sum(rows: readonly CountedRemovals[], until: number): number {
  return rows.reduce((total, { joinedAt, counted }) => (joinedAt <= until ? total + counted : total), 0);
}

/** Members at that time that were removed and are back, so their current row has a later join time. */
function sumBack(rows: Recent['back'], since: number): number {
  return sum(
    rows.filter(({ backAt }) => backAt > since),
    since,
  );
}
