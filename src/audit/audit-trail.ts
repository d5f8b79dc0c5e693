import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type CountedSlice, countedSlices } from '../database/keyset-slices';
import { Slice } from '../event-loop/slice';
import type { ActorKind } from './actor';
import type { AuditEvent, AuditOutcome } from './audit-event.entity';

/** Which events somebody wants to see; what is left out does not matter. */
export interface AuditFilter {
  /** Events of this tenant alone. */
  tenantId?: string;
  integrationId?: string;
  actorKind?: ActorKind;
  /** Name of a key or of a part of Scimify, or the prefix of a key. */
  actor?: string;
  /** `integration.enabled`, or `integration` for all of that noun. */
  action?: string;
  targetType?: string;
  targetId?: string;
  outcome?: AuditOutcome;
  /** Epoch milliseconds, inclusive. */
  since?: number;
  /** Epoch milliseconds, exclusive. */
  until?: number;
}

/** Events with all that they say, that one statement answers. */
const EVENTS_AT_ONCE = 100;
/** How long the search for one page may keep the thread in all, in slices; what it has found by then is the page. */
const SEARCHED_FOR_MS = 1_000;

/** All of an event but what it is found by. */
export type ShownEvent = Omit<AuditEvent, 'attemptKey'>;

export interface AuditPage {
  events: ShownEvent[];
  /** Id of the last event that was looked at; null where there is none left. */
  next: string | null;
}

type Order = 'newest first' | 'oldest first';

/** Reads what the audit log holds: a slice of it with each statement, whatever is asked for. */
@Injectable()
export class AuditTrail {
  constructor(@InjectDataSource() private readonly reader: DataSource) {}

  /**
   * The newest first. A page may hold fewer events than the limit, even none, and yet not be the last one: the search for
   * what is rare ends after a while and goes on with the next page.
   *
   * @param before id of the event after which the page begins, empty for the first page
   */
  async newest(filter: AuditFilter, before: string, limit: number): Promise<AuditPage> {
    const slice = new Slice();
    const events: ShownEvent[] = [];
    for await (const part of this.parts(filter, slice, 'newest first', before)) {
      for await (const some of this.found(filter, part)) {
        for (const event of some) {
          if (events.length === limit) return { events, next: events.at(-1)!.id };
          events.push(event);
        }
        if (slice.isOver) await slice.next();
      }
      if (slice.busyMs >= SEARCHED_FOR_MS) return { events, next: part.last };
    }
    return { events, next: null };
  }

  /** The oldest first, a hundred at a time: however many there are, no more of them are in memory. */
  async *all(filter: AuditFilter): AsyncGenerator<ShownEvent> {
    const slice = new Slice();
    for await (const part of this.parts(filter, slice, 'oldest first', '')) {
      for await (const some of this.found(filter, part)) {
        for (const event of some) {
          yield event;
          if (slice.isOver) await slice.next();
        }
      }
    }
  }

  /** Ranges of ids, one after the other, in which something was found. */
  private async *parts(filter: AuditFilter, slice: Slice, order: Order, from: string): AsyncGenerator<Part> {
    const range = rangeOf(filter);
    const wanted = conditionsOf(filter);
    const direction = order === 'newest first' ? 'DESC' : 'ASC';
    let before = from;
    const parts = countedSlices<CountedSlice & { found: number }>(
      slice,
      async (after, limit) => {
        before = after;
        const within = [...range, ...positionAfter(order, after)];
        const [row] = await this.reader.query<(CountedSlice & { found: number })[]>(
          `SELECT COUNT(*) AS counted, ${order === 'newest first' ? 'MIN' : 'MAX'}(e.id) AS last,
                  SUM(CASE WHEN ${sqlOf(wanted)} THEN 1 ELSE 0 END) AS found
           FROM (SELECT id, at, tenantId, integrationId, actorKind, actorName, actorKeyPrefix, action, targetType, targetId,
                        outcome
                 FROM audit_event WHERE ${sqlOf(within)} ORDER BY id ${direction} LIMIT ?) e`,
          [...valuesOf(wanted), ...valuesOf(within), limit],
        );
        return row;
      },
      from,
    );
    for await (const { last, found } of parts) {
      yield { order, after: before, last: last!, found: Number(found) };
    }
  }

  private async *found(filter: AuditFilter, part: Part): AsyncGenerator<ShownEvent[]> {
    const { order, last } = part;
    const upTo: Condition = [order === 'newest first' ? 'id >= ?' : 'id <= ?', [last]];
    const direction = order === 'newest first' ? 'DESC' : 'ASC';
    let { after } = part;
    for (let left = part.found; left > 0;) {
      const where = [...rangeOf(filter), ...conditionsOf(filter), upTo, ...positionAfter(order, after)];
      const rows = await this.reader.query<(Omit<ShownEvent, 'detail'> & { detail: string | null })[]>(
        `SELECT id, at, tenantId, integrationId, actorKind, actorName, actorKeyPrefix, action, targetType, targetId,
                outcome, requestId, detail, attempts, lastAt
         FROM audit_event WHERE ${sqlOf(where)} ORDER BY id ${direction} LIMIT ${EVENTS_AT_ONCE}`,
        valuesOf(where),
      );
      if (rows.length === 0) return;
      yield rows.map((row) => ({
        ...row,
        at: Number(row.at),
        lastAt: row.lastAt === null ? null : Number(row.lastAt),
        detail: row.detail === null ? null : (JSON.parse(row.detail) as object),
      }));
      left -= rows.length;
      after = rows.at(-1)!.id;
    }
  }
}

/** What one statement went through. */
interface Part {
  order: Order;
  /** Id of the event before it, empty at the beginning. */
  after: string;
  last: string;
  /** Events in it that are wanted. */
  found: number;
}

const MATCHED_COLUMNS = [
  'tenantId',
  'integrationId',
  'actorKind',
  'targetType',
  'targetId',
  'outcome',
] as const;

type Condition = [sql: string, values: unknown[]];

function sqlOf(conditions: readonly Condition[]): string {
  return conditions.map(([sql]) => sql).join(' AND ') || '1 = 1';
}

function valuesOf(conditions: readonly Condition[]): unknown[] {
  return conditions.flatMap(([, values]) => values);
}

function positionAfter(order: Order, id: string): Condition[] {
  if (id === '') return [];
  return [[order === 'newest first' ? 'id < ?' : 'id > ?', [id]]];
}

/** What an index answers: whose events, and from when. */
function rangeOf({ tenantId, integrationId, since, until }: AuditFilter): Condition[] {
  const range: Condition[] = [];
  if (integrationId !== undefined) range.push(['integrationId = ?', [integrationId]]);
  else if (tenantId !== undefined) range.push(['tenantId = ?', [tenantId]]);
  // The ids are in the order of time; a second of play, as clock and id are read one after the other.
  if (since !== undefined) range.push(['id >= ?', [firstIdAt(since - 1_000)]]);
  if (until !== undefined) range.push(['id < ?', [firstIdAt(until + 1_000)]]);
  return range;
}

/** What each event has to be looked at for. */
function conditionsOf(filter: AuditFilter): Condition[] {
  const { actor, action, since, until } = filter;
  const conditions: Condition[] = [];
  for (const column of MATCHED_COLUMNS) {
    if (filter[column] !== undefined) conditions.push([`${column} = ?`, [filter[column]]]);
  }
  if (actor !== undefined) conditions.push(['(actorName = ? OR actorKeyPrefix = ?)', [actor, actor]]);
  if (action !== undefined) {
    // '/' follows '.'
    conditions.push(
      action.includes('.')
        ? ['action = ?', [action]]
        : ['action >= ? AND action < ?', [`${action}.`, `${action}/`]],
    );
  }
  if (since !== undefined) conditions.push(['at >= ?', [since]]);
  if (until !== undefined) conditions.push(['at < ?', [until]]);
  return conditions;
}

/** The least UUIDv7 of that millisecond (RFC 9562 §5.7). */
export function firstIdAt(time: number): string {
  return uuid({ msecs: Math.max(0, Math.trunc(time)), seq: 0, random: new Uint8Array(16) });
}
