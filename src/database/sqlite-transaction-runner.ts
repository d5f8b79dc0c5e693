import { setImmediate as breathe } from 'node:timers/promises';
import type { DataSource, QueryRunner } from 'typeorm';
import { currentWork, onBehalfOf } from '../event-loop/current-work';
import { noteHolder } from '../event-loop/thread-watch';
import { CommitOutcomeUnknownError, DatabaseUnavailableError, RestartTransaction } from './database-errors';
import {
  type Transaction,
  type TransactionOptions,
  TransactionRunner,
  laneOf,
  transactionOn,
} from './transaction-runner';
import type { WriteAheadLog } from './write-ahead-log';
import { type Waiting, WriterLanes } from './writer-lanes';

/** Works that share one COMMIT: enough to make the fsync cheap, few enough to answer soon. */
const MAX_WORKS_PER_COMMIT = 64;
const MAX_MS_PER_COMMIT = 25;

interface QueuedWork extends Waiting {
  work: (tx: Transaction) => Promise<unknown>;
  /** Takes the work out of its lane when its turn does not come in time. */
  impatience: NodeJS.Timeout | null;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

interface FinishedWork {
  settle: () => void;
  fail: (error: unknown) => void;
  afterCommit: (() => void)[];
}

/**
 * SQLite has one writer connection, on which two transactions must never overlap. Works run strictly one after the
 * other; those that wait share one transaction and one flush of the disk, each in a savepoint of its own, and every
 * caller is answered after both.
 */
export class SqliteTransactionRunner extends TransactionRunner {
  private readonly lanes = new WriterLanes<QueuedWork>();
  private draining: Promise<void> | null = null;
  private ended = false;

  constructor(
    private readonly writer: DataSource,
    private readonly log: WriteAheadLog,
  ) {
    super();
  }

  run<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    if (this.ended) {
      return Promise.reject(
        new DatabaseUnavailableError('Scimify is stopping, and its database takes no more writes.'),
      );
    }
    return new Promise<T>((resolve, reject) => {
      const lane = laneOf(options);
      const whose = currentWork();
      const queued: QueuedWork = {
        // Whoever drains the lanes runs the works of others.
        work: (tx) => {
          noteHolder(whose);
          return onBehalfOf(whose, () => work(tx));
        },
        big: options.big ?? false,
        since: performance.now(),
        impatience: null,
        resolve: resolve as (value: unknown) => void,
        reject,
      };
      if (options.maxWaitMs !== undefined) {
        queued.impatience = setTimeout(() => this.giveUp(lane, queued), options.maxWaitMs);
      }
      this.lanes.enter(lane, queued);
      this.draining ??= this.drain();
    });
  }

  async end(): Promise<void> {
    this.ended = true;
    await this.draining;
  }

  private giveUp(lane: string, queued: QueuedWork): void {
    this.lanes.leave(lane, queued);
    queued.reject(new DatabaseUnavailableError('The database was too busy to take the write in time.'));
  }

  private async drain(): Promise<void> {
    try {
      while (!this.lanes.isEmpty) await this.commitBatch();
    } finally {
      this.draining = null;
    }
  }

  private async commitBatch(): Promise<void> {
    const runner = this.writer.createQueryRunner();
    const finished: FinishedWork[] = [];
    try {
      await runner.startTransaction();
    } catch (error) {
      this.takeNext(false)?.work.reject(
        new DatabaseUnavailableError('The database did not begin a transaction.', error),
      );
      return;
    }
    const begun = performance.now();
    let othersLetIn = false;
    while (finished.length < MAX_WORKS_PER_COMMIT && performance.now() - begun <= MAX_MS_PER_COMMIT) {
      const next = this.takeNext(finished.length > 0);
      if (next) {
        const start = performance.now();
        finished.push(await runInSavepoint(runner, next.work));
        this.lanes.charge(next.lane, performance.now() - start);
        if (next.work.big) break;
      } else {
        if (othersLetIn) break;
        // A work runs through in one chain of microtasks: without a turn of the event loop nobody could ever be waiting.
        othersLetIn = true;
        await breathe();
      }
    }
    try {
      await runner.commitTransaction();
      await this.log.flush();
    } catch (error) {
      // SQLite rolls back by itself where the disk is full or broken, and then knows of no transaction any more.
      await runner.rollbackTransaction().catch(() => undefined);
      for (const { fail } of finished) fail(new CommitOutcomeUnknownError(error));
      return;
    }
    for (const { afterCommit, settle } of finished) {
      for (const action of afterCommit) action();
      settle();
    }
  }

  private takeNext(smallOnly: boolean): { lane: string; work: QueuedWork } | null {
    const next = this.lanes.next(performance.now(), smallOnly);
    if (next?.work.impatience) clearTimeout(next.work.impatience);
    return next;
  }
}

/** A work that failed is undone, and told after the COMMIT as well: what it was refused for may not be committed before. */
async function runInSavepoint(runner: QueryRunner, queued: QueuedWork): Promise<FinishedWork> {
  const afterCommit: (() => void)[] = [];
  await runner.startTransaction();
  try {
    const value = await queued.work(transactionOn(runner, afterCommit));
    await runner.commitTransaction();
    return { settle: () => queued.resolve(value), fail: queued.reject, afterCommit };
  } catch (error) {
    await runner.rollbackTransaction();
    // With a single writer nothing can have changed between two attempts: to run it again would not end.
    const failure =
      error instanceof RestartTransaction ? new Error(`${error.message} (single writer)`) : error;
    return {
      settle: () => queued.reject(failure),
      fail: (cause) => queued.reject(new DatabaseUnavailableError('The database did not commit.', cause)),
      afterCommit: [],
    };
  }
}
