import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { TransactionRunner } from '../../database/transaction-runner';
import { bringForward, waitingImpossiblyLong } from '../state/waiting-times';

const LOOK_EVERY_MS = 1_000;
/** Ordinary clock corrections move the clock by far less between two looks. */
const SET_BACK_BY_MS = 1_000;
/** After this time a run in progress has stored the due times that it computed with the old clock. */
const CHECK_AFTER_MS = 60_000;

/**
 * Due times are stored in system time, so they survive a restart. If an admin, NTP or a restored machine sets that
 * clock back, everything waits longer by that amount. The monotonic clock shows the amount, and this service
 * brings all due times forward by it. If the clock was set back while no process ran, some delays are longer than
 * possible: this service detects those.
 */
@Injectable()
export class SetBackClock implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(SetBackClock.name);
  private ahead = systemAhead();
  /** Milliseconds by which it was set back and that are not yet added to `owed`. */
  private unnoted = 0;
  /** By integration, the milliseconds by which its due times still have to move forward. */
  private readonly owed = new Map<string, number>();
  /** By the monotonic clock. */
  private checkAt = Infinity;
  private timer: NodeJS.Timeout | null = null;
  private looking: Promise<void> | null = null;

  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly transactions: TransactionRunner,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.endImpossibleWaits();
    this.timer = setInterval(() => {
      this.looking ??= this.look().finally(() => (this.looking = null));
    }, LOOK_EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.looking;
  }

  private async endImpossibleWaits(): Promise<void> {
    const query = (sql: string, parameters: number[]) =>
      this.reader.query<{ integrationId: string }[]>(sql, parameters);
    const ids = await waitingImpossiblyLong(query, Date.now());
    if (ids.length === 0) return;
    this.logger.warn(
      `The clock of this system was ahead before. Retries of ${ids.length} integrations would have waited too long, so they are due now.`,
    );
    for (const id of ids) this.owed.set(id, Infinity);
    await this.bringForward();
  }

  private async look(): Promise<void> {
    const ahead = systemAhead();
    const fellBy = this.ahead - ahead;
    this.ahead = ahead;
    if (fellBy > SET_BACK_BY_MS) {
      this.unnoted += fellBy;
      this.logger.warn(
        `The clock of this system was set back by ${Math.round(fellBy / 1_000)} s. Scimify brings all due times forward by that time.`,
      );
    }
    try {
      if (performance.now() >= this.checkAt) {
        await this.endImpossibleWaits();
        this.checkAt = Infinity;
      }
      if (this.unnoted > 0) await this.noteOwed();
      if (this.owed.size > 0) await this.bringForward();
    } catch (error) {
      this.logger.error('Could not bring due times forward; Scimify tries again', error);
    }
  }

  private async noteOwed(): Promise<void> {
    const rows = await this.reader.query<{ id: string }[]>('SELECT id FROM integration');
    for (const { id } of rows) this.owed.set(id, (this.owed.get(id) ?? 0) + this.unnoted);
    this.unnoted = 0;
    this.checkAt = performance.now() + CHECK_AFTER_MS;
  }

  /** Each integration only once, even if others need more attempts. */
  private async bringForward(): Promise<void> {
    let failure: Error | null = null;
    for (const [id, ms] of [...this.owed]) {
      try {
        await this.transactions.run((tx) => bringForward(tx, id, ms, Date.now()), { lane: id, big: true });
        this.owed.delete(id);
      } catch (error) {
        failure = error as Error;
      }
    }
    if (failure !== null) throw failure;
  }
}

/** How far the system clock is ahead of the monotonic clock, in milliseconds. */
function systemAhead(): number {
  return Date.now() - performance.now();
}
