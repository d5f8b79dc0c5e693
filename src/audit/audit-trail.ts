import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
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

const EXPORTED_AT_ONCE = 1_000;

/** Reads what the audit log holds. */
@Injectable()
export class AuditTrail {
  constructor(@InjectDataSource() private readonly reader: DataSource) {}

  /** The newest first. @param before id of the event after which the page begins, empty for the first page */
  newest(filter: AuditFilter, before: string, limit: number): Promise<AuditEvent[]> {
    return this.read(filter, before === '' ? [] : [['id < ?', before]], `id DESC LIMIT ${limit}`);
  }

  /** The oldest first, a page at a time: however many there are, a thousand of them are in memory. */
  async *all(filter: AuditFilter): AsyncGenerator<AuditEvent> {
    for (let after = ''; ;) {
      const events = await this.read(filter, [['id > ?', after]], `id LIMIT ${EXPORTED_AT_ONCE}`);
      yield* events;
      if (events.length < EXPORTED_AT_ONCE) return;
      after = events.at(-1)!.id;
    }
  }

  private async read(
    filter: AuditFilter,
    position: readonly [string, unknown][],
    order: string,
  ): Promise<AuditEvent[]> {
    const conditions = [...position, ...conditionsOf(filter)];
    const where = conditions.map(([condition]) => condition).join(' AND ') || '1 = 1';
    const rows = await this.reader.query<(Omit<AuditEvent, 'detail'> & { detail: string | null })[]>(
      `SELECT id, at, tenantId, integrationId, actorKind, actorName, actorKeyPrefix, action, targetType, targetId,
              outcome, requestId, detail
       FROM audit_event WHERE ${where} ORDER BY ${order}`,
      conditions.flatMap(([, value]) => value),
    );
    return rows.map((row) => ({
      ...row,
      at: Number(row.at),
      detail: row.detail === null ? null : (JSON.parse(row.detail) as object),
    }));
  }
}

const MATCHED_COLUMNS = [
  'tenantId',
  'integrationId',
  'actorKind',
  'targetType',
  'targetId',
  'outcome',
] as const;

/** SQL conditions with their parameters; an array holds several. */
function conditionsOf(filter: AuditFilter): [string, unknown][] {
  const { actor, action, since, until } = filter;
  const conditions: [string, unknown][] = [];
  for (const column of MATCHED_COLUMNS) {
    if (filter[column] !== undefined) conditions.push([`${column} = ?`, filter[column]]);
  }
  if (actor !== undefined) conditions.push(['(actorName = ? OR actorKeyPrefix = ?)', [actor, actor]]);
  if (action !== undefined) {
    // '/' follows '.'
    conditions.push(
      action.includes('.')
        ? ['action = ?', action]
        : ['action >= ? AND action < ?', [`${action}.`, `${action}/`]],
    );
  }
  // The ids are in the order of time, and indexed; a second of play, as clock and id are read one after the other.
  if (since !== undefined) {
    conditions.push(['id >= ? AND at >= ?', [firstIdAt(since - 1_000), since]]);
  }
  if (until !== undefined) {
    conditions.push(['id < ? AND at < ?', [firstIdAt(until + 1_000), until]]);
  }
  return conditions;
}

/** The least UUIDv7 of that millisecond (RFC 9562 §5.7). */
export function firstIdAt(time: number): string {
  return uuid({ msecs: Math.max(0, Math.trunc(time)), seq: 0, random: new Uint8Array(16) });
}
