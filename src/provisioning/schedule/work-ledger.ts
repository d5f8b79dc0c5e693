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

  /** A run came to its end: nothing is tried before `dueAt` but fresh changes. */
  async settle(lease: Lease, dueAt: number | null): Promise<void> {
    await this.leases.run(lease, (tx) =>
      write(tx, lease.integrationId, { dueAt, notBefore: null, failures: 0 }),
    );
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

  /** Until when the account is left alone; 0 when it is not. */
  async notBefore(integrationId: string): Promise<number> {
    const [row] = await this.reader.query<{ notBefore: number | null }[]>(
      'SELECT notBefore FROM integration_work WHERE integrationId = ?',
      [integrationId],
    );
    return Number(row?.notBefore ?? 0);
  }

  /** Integrations that have something to do now. */
  async due(now: number): Promise<string[]> {
    const rows = await this.reader.query<{ integrationId: string }[]>(
      `SELECT DISTINCT c.integrationId AS integrationId FROM group_change c
       JOIN integration i ON i.id = c.integrationId AND i.mode = 'enabled'
       LEFT JOIN integration_work w ON w.integrationId = c.integrationId
       WHERE w.notBefore IS NULL OR w.notBefore <= ?
       UNION SELECT integrationId FROM integration_work WHERE dueAt <= ?`,
      [now, now],
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
      columns: ['integrationId', 'dueAt', 'notBefore', 'failures'],
      key: ['integrationId'],
      update: ['dueAt', 'notBefore', 'failures'],
      rows: 1,
    }),
    [integrationId, dueAt, notBefore, failures],
  );
}
