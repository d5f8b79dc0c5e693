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
  /** By how much it was set back, as far as the waits have not been brought forward yet. */
  private setBackBy = 0;
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
    await this.bringForward(ids, Infinity);
  }

  private async look(): Promise<void> {
    const ahead = systemAhead();
    const fellBy = this.ahead - ahead;
    this.ahead = ahead;
    if (fellBy > SET_BACK_BY_MS) {
      this.setBackBy += fellBy;
      this.logger.warn(
        `The clock of this system was set back by ${Math.round(fellBy / 1_000)} s. Whatever waits goes by the time that has passed.`,
      );
    }
    try {
      if (performance.now() >= this.checkAt) {
        await this.endImpossibleWaits();
        this.checkAt = Infinity;
      }
      if (this.setBackBy === 0) return;
      const rows = await this.reader.query<{ id: string }[]>('SELECT id FROM integration');
      await this.bringForward(
        rows.map(({ id }) => id),
        this.setBackBy,
      );
      this.setBackBy = 0;
      this.checkAt = performance.now() + CHECK_AFTER_MS;
    } catch (error) {
      this.logger.error('What waits could not be brought forward, which is tried again', error);
    }
  }

  private async bringForward(integrationIds: readonly string[], ms: number): Promise<void> {
    for (const id of integrationIds) {
      await this.transactions.run((tx) => bringForward(tx, id, ms, Date.now()), { lane: id, big: true });
    }
  }
}

/** How far the system's clock is ahead of the monotonic one, in milliseconds. */
function systemAhead(): number {
  return Date.now() - performance.now();
}
