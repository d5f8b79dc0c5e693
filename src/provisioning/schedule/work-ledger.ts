import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { upsertSql } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { type Lease, Leases } from './lease';

/** When each integration is to be looked at next, beside its fresh changes. */
@Injectable()
export class WorkLedger {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
  ) {}

  /** A run came to its end: nothing is tried before `dueAt` but fresh changes and the next reconciliation. */
  async settle(lease: Lease, dueAt: number | null): Promise<void> {
    await this.leases.run(lease, async (tx) => {
      const { reconcileAt } = await reconciliationOf(tx, lease.integrationId);
      const next = Math.min(dueAt ?? Infinity, reconcileAt ?? Infinity);
      await write(tx, lease.integrationId, {
        dueAt: next === Infinity ? null : next,
        notBefore: null,
        failures: 0,
      });
    });
  }

  /**
   * Whether the target is to be looked at as a whole now. An integration that was never looked at is looked at one
   * interval after its first run.
   */
  async reconciliationDue(lease: Lease, everyMs: number): Promise<{ due: boolean; acceptMissing: boolean }> {
    return this.leases.run(lease, async (tx) => {
      const now = Date.now();
      const { reconcileAt, acceptMissing } = await reconciliationOf(tx, lease.integrationId);
      if (reconcileAt !== null) return { due: reconcileAt <= now, acceptMissing };
      await setReconciliation(tx, lease.integrationId, now + everyMs, false);
      return { due: false, acceptMissing };
    });
  }

  async reconciled(lease: Lease, everyMs: number): Promise<void> {
    await this.leases.run(lease, (tx) =>
      setReconciliation(tx, lease.integrationId, Date.now() + everyMs, false),
    );
  }

  /** @param acceptMissing teams that are not to be seen were really deleted */
  async requestReconciliation(tx: Transaction, integrationId: string, acceptMissing: boolean): Promise<void> {
    await this.hurry(tx, integrationId);
    await setReconciliation(tx, integrationId, Date.now(), acceptMissing);
  }

  /** The account is away: nothing at all is tried for that long. */
  async backOff(lease: Lease, ms: number): Promise<void> {
    const at = Date.now() + ms;
    await this.leases.run(lease, (tx) =>
      write(tx, lease.integrationId, { dueAt: at, notBefore: at, failures: 0 }),
    );
  }

  /**
   * @param progressed whether the run achieved anything before it failed
   * @param delay milliseconds after that many runs in a row that achieved nothing
   */
  async backOffAfterFailure(
    lease: Lease,
    progressed: boolean,
    delay: (failures: number) => number,
  ): Promise<void> {
    await this.leases.run(lease, async (tx) => {
      const [row] = await tx.query<{ failures: number }>(
        'SELECT failures FROM integration_work WHERE integrationId = ?',
        [lease.integrationId],
      );
      const failures = (progressed ? 0 : (row?.failures ?? 0)) + 1;
      const at = Date.now() + delay(failures);
      await write(tx, lease.integrationId, { dueAt: at, notBefore: at, failures });
    });
  }

  /** An admin wants it tried now. */
  async hurry(tx: Transaction, integrationId: string): Promise<void> {
    await write(tx, integrationId, { dueAt: Date.now(), notBefore: null, failures: 0 });
  }

  /** The integration is being deleted: it is worked on now, and never looked at as a whole again. */
  async beginDeletion(tx: Transaction, integrationId: string): Promise<void> {
    await this.hurry(tx, integrationId);
    await tx.query('UPDATE integration_work SET reconcileAt = NULL WHERE integrationId = ?', [integrationId]);
  }

  /** The integration is gone, and with it the lease under which it was removed. */
  async forget(tx: Transaction, integrationId: string): Promise<void> {
    await tx.query('DELETE FROM integration_work WHERE integrationId = ?', [integrationId]);
    await tx.query('DELETE FROM lease WHERE integrationId = ?', [integrationId]);
  }

  /** Until when the account is left alone; 0 when it is not. */
  async notBefore(integrationId: string): Promise<number> {
    const [row] = await this.reader.query<{ notBefore: number | null }[]>(
      'SELECT notBefore FROM integration_work WHERE integrationId = ?',
      [integrationId],
    );
    return Number(row?.notBefore ?? 0);
  }

  /** Integrations that have something to do now. Whatever is left of one that is gone wakes nobody. */
  async due(now: number): Promise<string[]> {
    const rows = await this.reader.query<{ integrationId: string }[]>(
      `SELECT DISTINCT c.integrationId AS integrationId FROM group_change c
       JOIN integration i ON i.id = c.integrationId AND i.mode = 'enabled'
       LEFT JOIN integration_work w ON w.integrationId = c.integrationId
       WHERE w.notBefore IS NULL OR w.notBefore <= ?
       UNION SELECT o.integrationId FROM integration_work o JOIN integration p ON p.id = o.integrationId
       WHERE o.dueAt <= ?
       UNION SELECT d.id FROM integration d LEFT JOIN integration_work e ON e.integrationId = d.id
       WHERE d.deletingSince > 0 AND (e.dueAt IS NULL OR e.dueAt <= ?)`,
      [now, now, now],
    );
    return rows.map(({ integrationId }) => integrationId);
  }
}

function write(
  tx: Transaction,
  integrationId: string,
  { dueAt, notBefore, failures }: { dueAt: number | null; notBefore: number | null; failures: number },
): Promise<unknown> {
  return tx.query(
    upsertSql({
      table: 'integration_work',
      columns: ['integrationId', 'dueAt', 'notBefore', 'failures', 'acceptMissing'],
      key: ['integrationId'],
      update: ['dueAt', 'notBefore', 'failures'],
      rows: 1,
    }),
    [integrationId, dueAt, notBefore, failures, 0],
  );
}

async function reconciliationOf(tx: Transaction, integrationId: string) {
  const [row] = await tx.query<{ reconcileAt: number | null; acceptMissing: number }>(
    'SELECT reconcileAt, acceptMissing FROM integration_work WHERE integrationId = ?',
    [integrationId],
  );
  const reconcileAt = row?.reconcileAt ?? null;
  return {
    reconcileAt: reconcileAt === null ? null : Number(reconcileAt),
    acceptMissing: Boolean(row?.acceptMissing),
  };
}

async function setReconciliation(
  tx: Transaction,
  integrationId: string,
  reconcileAt: number,
  acceptMissing: boolean,
): Promise<void> {
  await tx.query(
    upsertSql({
      table: 'integration_work',
      columns: ['integrationId', 'failures', 'reconcileAt', 'acceptMissing'],
      key: ['integrationId'],
      update: ['reconcileAt', 'acceptMissing'],
      rows: 1,
    }),
    [integrationId, 0, reconcileAt, acceptMissing ? 1 : 0],
  );
}
