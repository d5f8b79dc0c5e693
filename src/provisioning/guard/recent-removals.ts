import { type Pauses, keysetSlices } from '../../database/keyset-slices';
import type { SqlReader } from '../../database/transaction-runner';
import type { HeldItemState } from './guard.entities';

/** The subject of an item or event about the deletion of the remote group, and not about a member. */
export const WHOLE_TEAM = '';

/** Sorts after every id. */
const LAST_ID = '~';

/** The number of members with the same join time; every time before the window counts as 0. */
export interface CountedRemovals {
  counted: number;
  joinedAt: number;
}

/** What was removed from remote groups within the window, and what waits. */
export interface Recent {
  /** Members that were removed and are not back, each once per remote group, however often they were removed. */
  gone: (CountedRemovals & { remoteGroupId: string })[];
  /**
   * Members that were removed and are back. They count from their first join time, although the target has them
   * only since `backAt`.
   */
  back: (CountedRemovals & { remoteGroupId: string; backAt: number })[];
  /**
   * Members whose removal waits for an admin, or is approved and not sent yet. `ofTeamAlone`: held since before
   * the window by the threshold of their own group.
   */
  waiting: (CountedRemovals & { groupId: string; ofTeamAlone: boolean })[];
  /** Remote groups deleted in the window, plus deletions that wait in the same way. */
  deletions: number;
}

/**
 * SQL expression: the join time of a member, as the guard counts it. A member that was removed and added back
 * within the window keeps its first join time. Takes the start of the window as its parameter.
 *
 * @param member alias of `remote_member`
 * @param event alias of its `guard_event`, which may not exist
 */
export function joinedAtSql(member: string, event: string): string {
  return `CASE WHEN ${event}.at >= ? THEN ${event}.joinedAt ELSE ${member}.joinedAt END`;
}

/** SQL join of each member with its event. */
export function eventOf(member: string, event: string): string {
  return `LEFT JOIN guard_event ${event} ON ${event}.remoteGroupId = ${member}.remoteGroupId
    AND ${event}.remoteUserId = ${member}.remoteUserId`;
}

/** Reads the guard's input except for the members, one slice at a time. */
export class RecentRemovals {
  constructor(
    private readonly db: SqlReader,
    private readonly pauses: Pauses,
    private readonly integrationId: string,
    private readonly windowStart: number,
  ) {}

  async read(): Promise<Recent> {
    const { gone, back, deletions } = await this.events();
    const waits = await this.itemsThatWait();
    return { gone, back, waiting: waits.waiting, deletions: deletions + waits.deletions };
  }

  private async events(): Promise<Omit<Recent, 'waiting'>> {
    const gone = new Tally<{ remoteGroupId: string }>(this.windowStart);
    const back = new Tally<{ remoteGroupId: string; backAt: number }>(this.windowStart);
    let deletions = 0;
    const slices = keysetSlices<Event>(this.pauses, (last, limit) => {
      const at = last?.at ?? this.windowStart;
      const team = last?.remoteGroupId ?? LAST_ID;
      return this.db.query<Event>(
        `SELECT e.at AS at, e.remoteGroupId AS remoteGroupId, e.remoteUserId AS remoteUserId, e.joinedAt AS joinedAt,
                m.state AS state, m.joinedAt AS backAt
         FROM (SELECT at, remoteGroupId, remoteUserId, joinedAt FROM guard_event
               WHERE integrationId = ? AND at >= ?
                 AND (at > ? OR remoteGroupId > ? OR (remoteGroupId = ? AND remoteUserId > ?))
               ORDER BY at, remoteGroupId, remoteUserId LIMIT ?) e
         LEFT JOIN remote_member m ON m.remoteGroupId = e.remoteGroupId AND m.remoteUserId = e.remoteUserId
         ORDER BY e.at, e.remoteGroupId, e.remoteUserId`,
        [this.integrationId, at, at, team, team, last?.remoteUserId ?? '', limit],
      );
    });
    for await (const events of slices) {
      for (const { remoteGroupId, remoteUserId, state, ...event } of events) {
        const backAt = Number(event.backAt ?? 0);
        if (remoteUserId === WHOLE_TEAM) deletions += 1;
        else if (state !== 'present') gone.add(remoteGroupId, { remoteGroupId }, event.joinedAt);
        else if (backAt > this.windowStart) {
          back.add(`${remoteGroupId} ${backAt}`, { remoteGroupId, backAt }, event.joinedAt);
        }
      }
    }
    return { gone: gone.rows(), back: back.rows(), deletions };
  }

  private async itemsThatWait(): Promise<Pick<Recent, 'waiting' | 'deletions'>> {
    const tally = new Tally<Pick<Recent['waiting'][number], 'groupId' | 'ofTeamAlone'>>(this.windowStart);
    let deletions = 0;
    const waits = await this.db.query<unknown>(
      "SELECT 1 FROM held_item WHERE integrationId = ? AND state IN ('held', 'approved') LIMIT 1",
      [this.integrationId],
    );
    if (waits.length === 0) return { waiting: [], deletions };
    const teams = keysetSlices<HeldGroup>(this.pauses, (last, limit) =>
      this.db.query<HeldGroup>(
        `SELECT g.id AS id, g.groupId AS groupId, g.letThroughAt AS letThroughAt,
                CASE WHEN EXISTS (SELECT 1 FROM held_item i WHERE i.groupId = g.groupId) THEN 1 ELSE 0 END AS held
         FROM (SELECT id, groupId, letThroughAt FROM remote_group WHERE integrationId = ? AND groupId > ?
               ORDER BY groupId LIMIT ?) g ORDER BY g.groupId`,
        [this.integrationId, last?.groupId ?? '', limit],
      ),
    );
    for await (const some of teams) {
      for (const team of some.filter(({ held }) => Number(held) === 1)) {
        const { groupId } = team;
        for await (const items of this.itemsOf(team)) {
          for (const { subject, state, memberState, joinedAt, scope, heldAt } of items) {
            if (state !== 'held' && state !== 'approved') continue;
            if (subject === WHOLE_TEAM) deletions += team.letThroughAt === null ? 1 : 0;
            else if (memberState !== null && memberState !== 'removing') {
              const ofTeamAlone = state === 'held' && scope === 'team' && Number(heldAt) < this.windowStart;
              tally.add(`${groupId} ${ofTeamAlone}`, { groupId, ofTeamAlone }, joinedAt);
            }
          }
        }
      }
    }
    return { waiting: tally.rows(), deletions };
  }

  private itemsOf({ id, groupId }: HeldGroup): AsyncGenerator<HeldItemRow[]> {
    return keysetSlices<HeldItemRow>(this.pauses, (last, limit) =>
      this.db.query<HeldItemRow>(
        `SELECT i.subject AS subject, i.state AS state, i.heldAt AS heldAt, c.scope AS scope, m.state AS memberState,
                ${joinedAtSql('m', 'e')} AS joinedAt
         FROM (SELECT subject, state, heldAt, heldChangeId FROM held_item
               WHERE groupId = ? AND ${last ? 'subject > ?' : 'subject >= ?'} ORDER BY subject LIMIT ?) i
         LEFT JOIN held_change c ON c.id = i.heldChangeId
         LEFT JOIN remote_member m ON m.remoteGroupId = ? AND m.remoteUserId = i.subject
         ${eventOf('m', 'e')} ORDER BY i.subject`,
        [this.windowStart, groupId, last?.subject ?? WHOLE_TEAM, limit, id],
      ),
    );
  }
}

interface Event {
  at: number;
  remoteGroupId: string;
  /** Empty for the deletion of the remote group. */
  remoteUserId: string;
  joinedAt: number | null;
  /** The current state of the member; null if it is no member. */
  state: string | null;
  backAt: number | null;
}

interface HeldGroup {
  id: string;
  groupId: string;
  letThroughAt: number | null;
  /** 1 if the group has any held, pinned or approved item. */
  held: number;
}

interface HeldItemRow {
  subject: string;
  state: HeldItemState;
  heldAt: number | null;
  scope: string | null;
  memberState: string | null;
  joinedAt: number | null;
}

/** Counts by a given key and by join time. All join times before the window count as one. */
export class Tally<Of extends object> {
  private readonly counts = new Map<string, Of & CountedRemovals>();

  constructor(private readonly windowStart: number) {}

  add(name: string, of: Of, joinedAt: number | null): void {
    const at = Number(joinedAt ?? 0) <= this.windowStart ? 0 : Number(joinedAt);
    const key = `${name} ${at}`;
    const row = this.counts.get(key);
    if (row) row.counted += 1;
    else this.counts.set(key, { ...of, joinedAt: at, counted: 1 });
  }

  rows(): (Of & CountedRemovals)[] {
    return [...this.counts.values()];
  }
}
