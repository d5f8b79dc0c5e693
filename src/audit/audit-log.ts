import { Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { placeholders } from '../database/dialect';
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
  /** Default: succeeded. */
  outcome?: AuditOutcome;
  /** Never a secret, and no personal data beyond ids, names and the addresses that identify a user. */
  detail?: Record<string, unknown>;
}

/** Append-only: an event is written in the transaction of what it tells, so neither exists without the other. */
@Injectable()
export class AuditLog {
  async record(tx: Transaction, entry: AuditEntry): Promise<void> {
    await this.recordAll(tx, [entry]);
  }

  async recordAll(tx: Transaction, entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length === 0) return;
    await tx.query(
      `INSERT INTO audit_event (id, at, tenantId, integrationId, actorKind, actorName, actorKeyPrefix, action,
         targetType, targetId, outcome, requestId, detail) VALUES ${placeholders(entries.length, 13)}`,
      entries.flatMap((entry) => [
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
        entry.outcome ?? 'succeeded',
        entry.actor.requestId,
        entry.detail === undefined ? null : JSON.stringify(entry.detail),
      ]),
    );
  }
}
