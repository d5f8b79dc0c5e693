import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { chunksOf } from '../database/chunks';
import { inList, placeholders } from '../database/dialect';
import type { Transaction } from '../database/transaction-runner';
import type { Actor } from './actor';
import type { AuditOutcome } from './audit-event.entity';

export interface AuditEntry {
  actor: Actor;
  /** `noun.verb`, e.g. `integration.enabled`. */
  action: string;
  target: { type: string; id: string };
  tenantId?: string | null;
  integrationId?: string | null;
  /** Default: `succeeded`. */
  outcome?: AuditOutcome;
  /**
   * For an action that repeats until it succeeds: identifies it together with action and target. If it fails like
   * the last time, the event of that failure counts it.
   */
  attempt?: string;
  /** No secrets. No personal data except ids, names and the addresses that identify a user. */
  detail?: Record<string, unknown>;
}

/** Writes each event in the transaction of its action, so both are committed or neither. */
@Injectable()
export class AuditLog {
  async record(tx: Transaction, entry: AuditEntry): Promise<void> {
    await this.recordAll(tx, [entry]);
  }

  /** @param entries at most one for each attempt */
  async recordAll(tx: Transaction, entries: readonly AuditEntry[]): Promise<void> {
    const news = (await countRepeated(tx, entries.map(asRow))).filter(({ isCounted }) => !isCounted);
    if (news.length === 0) return;
    await tx.query(
      `INSERT INTO audit_event (id, at, tenantId, integrationId, actorKind, actorName, actorKeyPrefix, action,
         targetType, targetId, outcome, requestId, detail, attemptKey) VALUES ${placeholders(news.length, 14)}`,
      news.flatMap(({ entry, outcome, detail, attemptKey }) => [
        uuid(),
        Date.now(),
        entry.tenantId ?? null,
        entry.integrationId ?? null,
        entry.actor.kind,
        entry.actor.name,
        entry.actor.keyPrefix,
        entry.action,
        entry.target.type,
        entry.target.id,
        outcome,
        entry.actor.requestId,
        detail,
        outcome === 'failed' ? attemptKey : null,
      ]),
    );
  }
}

interface Row {
  entry: AuditEntry;
  outcome: AuditOutcome;
  detail: string | null;
  attemptKey: string | null;
  /** True if an earlier event counts this failure. */
  isCounted: boolean;
}

function asRow(entry: AuditEntry): Row {
  return {
    entry,
    outcome: entry.outcome ?? 'succeeded',
    detail: entry.detail === undefined ? null : JSON.stringify(entry.detail),
    attemptKey: attemptKeyOf(entry),
    isCounted: false,
  };
}

function attemptKeyOf({ integrationId, action, target, attempt }: AuditEntry): string | null {
  if (attempt === undefined) return null;
  const parts = [integrationId ?? null, action, target.type, target.id, attempt];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** Counts an equal failure on the last event of its attempt. Any other result of the attempt ends that count. */
async function countRepeated(tx: Transaction, rows: readonly Row[]): Promise<Row[]> {
  const attempted = rows.filter(({ attemptKey }) => attemptKey !== null);
  const lastOf = new Map<string, LastFailure>();
  for await (const some of chunksOf(attempted)) {
    const last = await tx.query<LastFailure>(
      `SELECT id, attemptKey, requestId, detail FROM audit_event WHERE attemptKey IN (${inList(some)})`,
      some.map(({ attemptKey }) => attemptKey),
    );
    for (const failure of last) lastOf.set(failure.attemptKey, failure);
  }
  const counted: string[] = [];
  const ended: string[] = [];
  const compared = rows.map((row) => {
    const last = row.attemptKey === null ? undefined : lastOf.get(row.attemptKey);
    if (!last) return row;
    const { requestId } = row.entry.actor;
    // Without a request id it is a retry of the same cause.
    const isSameCause = requestId === null || requestId === last.requestId;
    const isCounted = row.outcome === 'failed' && row.detail === last.detail && isSameCause;
    (isCounted ? counted : ended).push(last.id);
    return { ...row, isCounted };
  });
  for await (const ids of chunksOf(counted)) {
    await tx.query(
      `UPDATE audit_event SET attempts = COALESCE(attempts, 1) + 1, lastAt = ? WHERE id IN (${inList(ids)})`,
      [Date.now(), ...ids],
    );
  }
  for await (const ids of chunksOf(ended)) {
    await tx.query(`UPDATE audit_event SET attemptKey = NULL WHERE id IN (${inList(ids)})`, ids);
  }
  return compared;
}

interface LastFailure {
  id: string;
  attemptKey: string;
  requestId: string | null;
  detail: string | null;
}
