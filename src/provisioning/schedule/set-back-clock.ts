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
/** A clock that is only kept right moves by far less between two looks. */
const SET_BACK_BY_MS = 1_000;
/** By then a run that was under way has written down what it had reckoned by the clock as it was before. */
const CHECK_AFTER_MS = 60_000;

/**
 * Due times are stored by the system's clock, so that they outlive the process. When that clock is set back, by an admin, NTP or
 * a restored machine, whatever waits would wait so much longer. The monotonic clock tells by how much, and the waits are brought
 * forward by it. A clock that was set back while no process ran shows in waits that are longer than anything may wait.
 */
@Injectable()
export class SetBackClock implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(SetBackClock.name);
  private ahead = systemAhead();
  /** By how much it was set back, as far as that is not yet noted for each integration. */
  private unnoted = 0;
  /** By integration, the milliseconds by which its waits have still to be brought forward. */
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
      `The clock of this system was ahead before: in ${ids.length} integrations something would have waited for too long, and goes on now.`,
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
        `The clock of this system was set back by ${Math.round(fellBy / 1_000)} s. Whatever waits goes by the time that has passed.`,
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
      this.logger.error('What waits could not be brought forward, which is tried again', error);
    }
  }

  private async noteOwed(): Promise<void> {
    const rows = await this.reader.query<{ id: string }[]>('SELECT id FROM integration');
    for (const { id } of rows) this.owed.set(id, (this.owed.get(id) ?? 0) + this.unnoted);
    this.unnoted = 0;
    this.checkAt = performance.now() + CHECK_AFTER_MS;
  }

  /** Each once, however often it takes until it works for the others. */
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

/** How far the system's clock is ahead of the monotonic one, in milliseconds. */
function systemAhead(): number {
  return Date.now() - performance.now();
}
