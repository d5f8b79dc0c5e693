import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type CountedSlice, countedSlices } from '../database/keyset-slices';
import { Slice } from '../event-loop/slice';
import type { ActorKind } from './actor';
import type { AuditEvent, AuditOutcome } from './audit-event.entity';

/** Selects events. An omitted field matches every event. */
export interface AuditFilter {
  /** Only events of this tenant. */
  tenantId?: string;
  integrationId?: string;
  actorKind?: ActorKind;
  /** Name or prefix of a key, or name of a part of Scimify. */
  actor?: string;
  /** `integration.enabled`, or `integration` for all actions with that noun. */
  action?: string;
  targetType?: string;
  targetId?: string;
  outcome?: AuditOutcome;
  /** Epoch milliseconds, inclusive. */
  since?: number;
  /** Epoch milliseconds, exclusive. */
  until?: number;
}

/** Complete events that one statement returns. */
const EVENTS_AT_ONCE = 100;
/** Total thread time of the search for one page, in slices. After it the page has what was found so far. */
const SEARCHED_FOR_MS = 1_000;

/** An event without its internal key. */
export type ShownEvent = Omit<AuditEvent, 'attemptKey'>;

export interface AuditPage {
  events: ShownEvent[];
  /** Id of the last event that was searched. Null at the end. */
  next: string | null;
}

type Order = 'newest first' | 'oldest first';

/** Reads the audit log. For every filter each statement reads only a limited part of it. */
@Injectable()
export class AuditTrail {
  constructor(@InjectDataSource() private readonly reader: DataSource) {}

  /**
   * The newest first. A page may have fewer events than the limit, or none, and still not be the last one: the
   * search for rare events stops after a time and continues with the next page.
   *
   * @param before the page begins after this event id. Empty for the first page
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

  /** The oldest first. Never holds more than a hundred events in memory. */
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

  /** Consecutive ranges of ids, with the number of matching events in each. */
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

/** The range of ids that one statement searched. */
interface Part {
  order: Order;
  /** Id of the event before the range. Empty at the beginning. */
  after: string;
  last: string;
  /** Number of matching events in the range. */
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

/** Conditions that an index answers: owner and time. */
function rangeOf({ tenantId, integrationId, since, until }: AuditFilter): Condition[] {
  const range: Condition[] = [];
  if (integrationId !== undefined) range.push(['integrationId = ?', [integrationId]]);
  else if (tenantId !== undefined) range.push(['tenantId = ?', [tenantId]]);
  // Ids are in the order of time. Allow one second, because the id and `at` read the clock separately.
  if (since !== undefined) range.push(['id >= ?', [firstIdAt(since - 1_000)]]);
  if (until !== undefined) range.push(['id < ?', [firstIdAt(until + 1_000)]]);
  return range;
}

/** Conditions that no index answers. */
function conditionsOf(filter: AuditFilter): Condition[] {
  const { actor, action, since, until } = filter;
  const conditions: Condition[] = [];
  for (const column of MATCHED_COLUMNS) {
    if (filter[column] !== undefined) conditions.push([`${column} = ?`, [filter[column]]]);
  }
  if (actor !== undefined) conditions.push(['(actorName = ? OR actorKeyPrefix = ?)', [actor, actor]]);
  if (action !== undefined) {
    // In ASCII '/' follows '.', so this selects all actions with the prefix.
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

/** The smallest UUIDv7 of that millisecond (RFC 9562 §5.7). */
export function firstIdAt(time: number): string {
  return uuid({ msecs: Math.max(0, Math.trunc(time)), seq: 0, random: new Uint8Array(16) });
}
