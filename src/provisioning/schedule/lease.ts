import { randomUUID } from 'node:crypto';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DATABASE_NOW, FOR_UPDATE, dialect } from '../../database/dialect';
import { type Transaction, TransactionRunner } from '../../database/transaction-runner';
import { upsert } from '../../database/upsert';
import { LeaseRow } from './lease.entity';

const LEASE_MS = 30_000;
const RENEW_EVERY_MS = 10_000;
/** A call that uses its whole time-out must still end within the lease. */
const CALL_MUST_FIT_MS = 12_000;

/**
 * Another worker may own the integration now: this one may write nothing more, neither to the database nor to the
 * target.
 */
export class LeaseLostError extends Error {
  constructor() {
    super('The lease on the integration is lost.');
    this.name = 'LeaseLostError';
  }
}

/** The right to write to one integration's target, for as long as it is renewed. */
export class Lease {
  private readonly abort = new AbortController();
  private validUntil: number;
  private timer: NodeJS.Timeout;

  constructor(
    readonly integrationId: string,
    /** Rises with each owner: results of an earlier owner are refused. */
    readonly token: number,
    acquiredAt: number,
    renew: (lease: Lease) => Promise<boolean>,
  ) {
    this.validUntil = acquiredAt + LEASE_MS;
    this.timer = setInterval(() => {
      const asked = performance.now();
      renew(this).then(
        (held) => (held ? this.extend(asked) : this.lose()),
        // The database is not reachable: the lease expires.
        () => undefined,
      );
    }, RENEW_EVERY_MS);
    this.timer.unref();
  }

  /** Aborts the work in progress when the lease is lost or released. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /**
   * Checked right before each call, on the monotonic clock: a process that slept notices it here.
   *
   * @throws LeaseLostError
   */
  assertMaySend(): void {
    if (this.abort.signal.aborted || performance.now() + CALL_MUST_FIT_MS > this.validUntil) {
      this.lose();
      throw new LeaseLostError();
    }
  }

  lose(): void {
    clearInterval(this.timer);
    if (!this.abort.signal.aborted) this.abort.abort(new LeaseLostError());
  }

  private extend(asked: number): void {
    this.validUntil = asked + LEASE_MS;
  }
}

/** Leases of this process. At most one worker in all processes holds the lease of an integration. */
@Injectable()
export class Leases implements OnApplicationBootstrap {
  private readonly owner = randomUUID();
  /** Tokens of released leases, by integration, whose release the database did not store. */
  private readonly givenBack = new Map<string, number>();

  constructor(private readonly transactions: TransactionRunner) {}

  /** SQLite serves one process: earlier holders of a lease no longer run. */
  async onApplicationBootstrap(): Promise<void> {
    if (dialect !== 'sqlite') return;
    await this.transactions.run((tx) => tx.query('UPDATE lease SET owner = NULL, expiresAt = 0'));
  }

  /**
   * @param begin part of the transaction that makes the caller the owner
   * @returns the lease with the result of `begin`; null while another worker has the lease
   */
  async acquire<T>(
    integrationId: string,
    begin: (tx: Transaction) => Promise<T>,
  ): Promise<{ lease: Lease; begun: T } | null> {
    const asked = performance.now();
    const acquired = await this.transactions.run(async (tx) => {
      const read = async () => {
        const [row] = await tx.query<{ owner: string | null; token: number; expiresAt: number; now: number }>(
          `SELECT owner, token, expiresAt, ${DATABASE_NOW} AS now FROM lease WHERE integrationId = ?${FOR_UPDATE}`,
          [integrationId],
        );
        return row;
      };
      const row = (await read()) ?? (await makeRow(tx, integrationId).then(read));
      if (!row) return null;
      const ours = row.owner === this.owner && row.token === this.givenBack.get(integrationId);
      const free = row.owner === null || ours || Number(row.expiresAt) <= Number(row.now);
      if (!free) {
        // The database clock was set back. A live holder renews its lease, and a dead one had it for no longer
        // than this.
        const longest = Number(row.now) + LEASE_MS;
        if (Number(row.expiresAt) > longest) {
          await tx.query('UPDATE lease SET expiresAt = ? WHERE integrationId = ?', [longest, integrationId]);
        }
        return null;
      }
      await tx.query(
        `UPDATE lease SET owner = ?, token = ?, expiresAt = ${DATABASE_NOW} + ${LEASE_MS} WHERE integrationId = ?`,
        [this.owner, row.token + 1, integrationId],
      );
      return { token: row.token + 1, begun: await begin(tx) };
    });
    if (acquired === null) return null;
    const lease = new Lease(integrationId, acquired.token, asked, (held) => this.renew(held));
    return { lease, begun: acquired.begun };
  }

  async release(lease: Lease): Promise<void> {
    lease.lose();
    this.givenBack.set(lease.integrationId, lease.token);
    await this.transactions.run((tx) =>
      tx.query('UPDATE lease SET owner = NULL, expiresAt = 0 WHERE integrationId = ? AND token = ?', [
        lease.integrationId,
        lease.token,
      ]),
    );
    this.givenBack.delete(lease.integrationId);
  }

  /** The current holder can record nothing more. The next one waits until calls in progress have ended. */
  async revoke(tx: Transaction, integrationId: string): Promise<void> {
    await tx.query(
      `UPDATE lease SET token = token + 1,
         expiresAt = CASE WHEN owner IS NULL THEN 0 ELSE ${DATABASE_NOW} + ${CALL_MUST_FIT_MS} END
       WHERE integrationId = ?`,
      [integrationId],
    );
  }

  /**
   * A transaction that only the holder can commit.
   *
   * @throws LeaseLostError when another worker has taken the lease
   */
  run<T>(lease: Lease, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.transactions.run(
      async (tx) => {
        const [row] = await tx.query<{ token: number }>(
          `SELECT token FROM lease WHERE integrationId = ?${FOR_UPDATE}`,
          [lease.integrationId],
        );
        if (Number(row?.token) !== lease.token) throw new LeaseLostError();
        return work(tx);
      },
      { lane: lease.integrationId },
    );
  }

  private async renew(lease: Lease): Promise<boolean> {
    return this.transactions.run(async (tx) => {
      const [row] = await tx.query<{ token: number }>(
        `SELECT token FROM lease WHERE integrationId = ?${FOR_UPDATE}`,
        [lease.integrationId],
      );
      if (Number(row?.token) !== lease.token) return false;
      await tx.query(`UPDATE lease SET expiresAt = ${DATABASE_NOW} + ${LEASE_MS} WHERE integrationId = ?`, [
        lease.integrationId,
      ]);
      return true;
    });
  }
}

/** Another process may insert the row at the same time. */
function makeRow(tx: Transaction, integrationId: string): Promise<void> {
  return upsert(tx, LeaseRow, [{ integrationId, owner: null, token: 0, expiresAt: 0 }], { update: [] });
}
