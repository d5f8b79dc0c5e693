import { inList } from '../../database/dialect';
import { type CountedSlice, type Pauses, countedSlices, keysetSlices } from '../../database/keyset-slices';
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
/** No id follows it. */
const LAST_ID = '~';
const MEMBERS_AT_ONCE = 5_000;

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

interface Team {
  groupId: string;
  /** Empty when there is no team yet. */
  remoteGroupId: string;
}

interface Recent {
  events: (Counted & { remoteGroupId: string; kind: GuardEvent['kind'] })[];
  waiting: (Counted & { groupId: string })[];
  deletions: number;
}

/**
 * Counts what the guard goes by. What it has read it does not read again, so it serves one decision, or a dry run, which
 * changes nothing.
 */
export class RemovalHistory {
  private readonly windowStart = Date.now() - GUARD_WINDOW_MS;
  private recent: Promise<Recent> | null = null;
  private readonly teams = new Map<string, Promise<Counted[]>>();
  private readonly counted = new Map<number, { members: number; enough: number }>();

  constructor(
    private readonly db: Asked,
    private readonly pauses: Pauses,
    private readonly integrationId: string,
    private readonly policy: GuardPolicy,
  ) {}

  /**
   * Members now, what the last hour removed, and what waits. Nobody is counted as joined: who did so with the change that
   * is looked at, its planner knows.
   *
   * @param more removals that come on top of what is counted, and members who are to be left out
   */
  async counts(
    { groupId, remoteGroupId }: Team,
    more: { removals: number; joined: number },
  ): Promise<RemovalCounts> {
    const { windowStart } = this;
    const { events, waiting, deletions } = await (this.recent ??= this.readRecent());
    const removed = events.filter(({ kind }) => kind === 'removal');
    const ofTeam = {
      members: await this.membersOfTeam(remoteGroupId),
      removed: removed.filter((row) => row.remoteGroupId === remoteGroupId),
      waiting: waiting.filter((row) => row.groupId === groupId),
    };
    const filledAt = [...ofTeam.members, ...ofTeam.removed].reduce(
      (least, row) => Math.min(least, joinTime(row)),
      Infinity,
    );
    const starts = { team: Math.max(windowStart, filledAt), integration: windowStart };
    const countsOf = async (since: WindowStarts): Promise<MemberCounts> => {
      const integrationRemoved = sum(removed, since.integration);
      const integrationWaiting = sum(waiting, since.integration);
      const enough = membersToCount(this.policy, integrationRemoved + integrationWaiting + more.removals);
      return {
        teamMembers: sum(ofTeam.members, since.team),
        teamRemoved: sum(ofTeam.removed, since.team),
        teamWaiting: sum(ofTeam.waiting, since.team),
        integrationMembers: enough === 0 ? 0 : await this.members(since.integration, enough + more.joined),
        integrationRemoved,
        integrationWaiting,
      };
    };
    return {
      ...(await countsOf({ team: EVER, integration: EVER })),
      teamJoined: 0,
      teamsDeleted: sum(events.filter(({ kind }) => kind === 'deletion')) + deletions,
      atStart: await countsOf(starts),
      starts,
    };
  }

  private async readRecent(): Promise<Recent> {
    return { events: await this.events(), ...(await this.itemsThatWait()) };
  }

  private async events(): Promise<Recent['events']> {
    type Event = {
      id: string;
      at: number;
      remoteGroupId: string;
      kind: GuardEvent['kind'];
      joinedAt: number | null;
    };
    const tally = new Tally<{ remoteGroupId: string; kind: GuardEvent['kind'] }>(this.windowStart);
    const slices = keysetSlices<Event>(this.pauses, (last, limit) =>
      this.db.query<Event>(
        `SELECT id, at, remoteGroupId, kind, joinedAt FROM guard_event
         WHERE integrationId = ? AND at >= ? AND (at > ? OR id > ?) ORDER BY at, id LIMIT ?`,
        [
          this.integrationId,
          last?.at ?? this.windowStart,
          last?.at ?? this.windowStart,
          last?.id ?? LAST_ID,
          limit,
        ],
      ),
    );
    for await (const events of slices) {
      for (const { remoteGroupId, kind, joinedAt } of events) {
        tally.add(`${remoteGroupId} ${kind}`, { remoteGroupId, kind }, joinedAt);
      }
    }
    return tally.rows();
  }

  /** What an admin has to agree to, or has agreed to, and which is not sent yet. */
  private async itemsThatWait(): Promise<Pick<Recent, 'waiting' | 'deletions'>> {
    const tally = new Tally<{ groupId: string }>(this.windowStart);
    let deletions = 0;
    const waits = await this.db.query<unknown>(
      "SELECT 1 FROM held_item WHERE integrationId = ? AND state IN ('held', 'approved') LIMIT 1",
      [this.integrationId],
    );
    if (waits.length === 0) return { waiting: [], deletions };
    const teams = keysetSlices<HeldTeam>(this.pauses, (last, limit) =>
      this.db.query<HeldTeam>(
        `SELECT g.id AS id, g.groupId AS groupId, g.letThroughAt AS letThroughAt,
                CASE WHEN EXISTS (SELECT 1 FROM held_item i WHERE i.groupId = g.groupId) THEN 1 ELSE 0 END AS held
         FROM (SELECT id, groupId, letThroughAt FROM remote_group WHERE integrationId = ? AND groupId > ?
               ORDER BY groupId LIMIT ?) g ORDER BY g.groupId`,
        [this.integrationId, last?.groupId ?? '', limit],
      ),
    );
    for await (const some of teams) {
      for (const team of some.filter(({ held }) => Number(held) === 1)) {
        for await (const items of this.itemsOf(team)) {
          for (const { subject, state, memberState, joinedAt } of items) {
            if (state !== 'held' && state !== 'approved') continue;
            if (subject === WHOLE_TEAM) deletions += team.letThroughAt === null ? 1 : 0;
            else if (memberState !== null && memberState !== 'removing') {
              tally.add(team.groupId, { groupId: team.groupId }, joinedAt);
            }
          }
        }
      }
    }
    return { waiting: tally.rows(), deletions };
  }

  private itemsOf({ id, groupId }: HeldTeam): AsyncGenerator<HeldItemRow[]> {
    return keysetSlices<HeldItemRow>(this.pauses, (last, limit) =>
      this.db.query<HeldItemRow>(
        `SELECT i.subject AS subject, i.state AS state, m.state AS memberState, m.joinedAt AS joinedAt
         FROM (SELECT subject, state FROM held_item WHERE groupId = ? AND ${last ? 'subject > ?' : 'subject >= ?'}
               ORDER BY subject LIMIT ?) i
         LEFT JOIN remote_member m ON m.remoteGroupId = ? AND m.remoteUserId = i.subject ORDER BY i.subject`,
        [groupId, last?.subject ?? WHOLE_TEAM, limit, id],
      ),
    );
  }

  private membersOfTeam(remoteGroupId: string): Promise<Counted[]> {
    const known = this.teams.get(remoteGroupId) ?? this.readMembersOfTeam(remoteGroupId);
    this.teams.set(remoteGroupId, known);
    return known;
  }

  private async readMembersOfTeam(remoteGroupId: string): Promise<Counted[]> {
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

  /** How many have been members of teams of the integration since then, or so many if there are more. */
  private async members(since: number, enough: number): Promise<number> {
    const known = this.counted.get(since);
    if (known && (known.members < known.enough || enough <= known.enough)) {
      return Math.min(known.members, enough);
    }
    const members = (await this.someMembers(since, enough)) ?? (await this.allMembers(since, enough));
    this.counted.set(since, { members, enough });
    return members;
  }

  /** As nearly always a part of the members is enough; null where it is not, and there are more. */
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

interface HeldTeam {
  id: string;
  groupId: string;
  letThroughAt: number | null;
  /** 1 where anything of it is held, pinned or approved. */
  held: number;
}

interface HeldItemRow {
  subject: string;
  state: HeldItemState;
  memberState: string | null;
  joinedAt: number | null;
}

/** Counts by whatever is asked and by when they joined. Who joined before the window began is one of them all. */
class Tally<Of extends object> {
  private readonly counts = new Map<string, Of & Counted>();

  constructor(private readonly windowStart: number) {}

  add(name: string, of: Of, joinedAt: number | null): void {
    const at = Number(joinedAt ?? 0) <= this.windowStart ? 0 : Number(joinedAt);
    const key = `${name} ${at}`;
    const row = this.counts.get(key);
    if (row) row.counted += 1;
    else this.counts.set(key, { ...of, joinedAt: at, counted: 1 });
  }

  rows(): (Of & Counted)[] {
    return [...this.counts.values()];
  }
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
