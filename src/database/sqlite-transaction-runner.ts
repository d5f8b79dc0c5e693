import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { DataSource, QueryRunner } from 'typeorm';
import type { AbstractSqliteDriver } from 'typeorm/driver/sqlite-abstract/AbstractSqliteDriver';
import { currentWork, onBehalfOf } from '../event-loop/current-work';
import { noteHolder } from '../event-loop/thread-watch';
import {
  CommitOutcomeUnknownError,
  DatabaseUnavailableError,
  RestartTransaction,
  isOutOfSpace,
} from './database-errors';
import type { DatabaseSpace } from './room';
import {
  type Transaction,
  type TransactionOptions,
  TransactionRunner,
  laneOf,
  transactionOn,
} from './transaction-runner';
import type { WriteAheadLog } from './write-ahead-log';
import { type Waiting, WriterLanes } from './writer-lanes';

/** Pieces of work that share one COMMIT: enough to make the fsync cheap, few enough to respond soon. */
const MAX_WORKS_PER_COMMIT = 64;
const MAX_MS_PER_COMMIT = 25;

interface QueuedWork extends Waiting {
  work: (tx: Transaction) => Promise<unknown>;
  /** Removes the work from its lane when its turn does not come in time. */
  timeout: NodeJS.Timeout | null;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

interface FinishedWork {
  settle: () => void;
  fail: (error: unknown) => void;
  afterCommit: (() => void)[];
  /** Why the database rolled back the whole transaction, and not only this work. */
  allUndoneBy?: unknown;
}

/**
 * SQLite has one writer connection, on which two transactions must never overlap. Work runs strictly one piece
 * after the other. The pieces that wait share one transaction and one flush of the disk, each in its own
 * savepoint. Every caller gets its result after both.
 */
export class SqliteTransactionRunner extends TransactionRunner {
  private readonly lanes = new WriterLanes<QueuedWork>();
  private draining: Promise<void> | null = null;
  private ended = false;

  constructor(
    private readonly writer: DataSource,
    private readonly log: WriteAheadLog,
    private readonly space: DatabaseSpace,
  ) {
    super();
  }

  run<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    if (this.ended) {
      return Promise.reject(
        new DatabaseUnavailableError('Scimify is stopping, and its database accepts no more writes.'),
      );
    }
    return new Promise<T>((resolve, reject) => {
      const lane = laneOf(options);
      const callerWork = currentWork();
      const queued: QueuedWork = {
        // `drain` runs the work of all callers, so each piece needs the context of its own caller.
        work: (tx) => {
          noteHolder(callerWork);
          return onBehalfOf(callerWork, () => work(tx));
        },
        big: options.big ?? false,
        since: performance.now(),
        timeout: null,
        resolve: resolve as (value: unknown) => void,
        reject,
      };
      if (options.maxWaitMs !== undefined) {
        queued.timeout = setTimeout(() => this.giveUp(lane, queued), options.maxWaitMs);
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
    queued.reject(new DatabaseUnavailableError('The database was too busy for the write.'));
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
    let hasYielded = false;
    while (finished.length < MAX_WORKS_PER_COMMIT && performance.now() - begun <= MAX_MS_PER_COMMIT) {
      const next = this.takeNext(finished.length > 0);
      if (next) {
        const start = performance.now();
        const outcome = await this.runInSavepoint(runner, next.work);
        finished.push(outcome);
        if (outcome.allUndoneBy !== undefined) {
          for (const { fail } of finished) fail(this.undone(outcome.allUndoneBy));
          return;
        }
        this.lanes.charge(next.lane, performance.now() - start);
        if (next.work.big) break;
      } else {
        if (hasYielded) break;
        // Work runs as one chain of microtasks. Without a turn of the event loop no other work could arrive.
        hasYielded = true;
        await yieldToEventLoop();
      }
    }
    try {
      await runner.commitTransaction();
    } catch (error) {
      await this.rollBack(runner);
      const failure = isOutOfSpace(error) ? this.undone(error) : new CommitOutcomeUnknownError(error);
      for (const { fail } of finished) fail(failure);
      return;
    }
    try {
      await this.log.flush();
    } catch (error) {
      if (isOutOfSpace(error)) this.space.refuse(this, error);
      for (const { fail } of finished) fail(new CommitOutcomeUnknownError(error));
      return;
    }
    for (const { afterCommit, settle } of finished) {
      for (const action of afterCommit) action();
      settle();
    }
  }

  /**
   * Failed work is rolled back, and its caller learns it after the COMMIT too: the rows that it failed for may not
   * be committed before.
   */
  private async runInSavepoint(runner: QueryRunner, queued: QueuedWork): Promise<FinishedWork> {
    const afterCommit: (() => void)[] = [];
    await runner.startTransaction();
    try {
      const value = await queued.work(transactionOn(runner, afterCommit));
      await runner.commitTransaction();
      return { settle: () => queued.resolve(value), fail: queued.reject, afterCommit };
    } catch (error) {
      const undoneAlone = await this.rollBack(runner);
      const failure = isOutOfSpace(error) ? this.space.refuse(this, error) : error;
      return {
        // With a single writer nothing changes between two attempts, so running it again would never end.
        settle: () =>
          queued.reject(
            failure instanceof RestartTransaction ? new Error(`${failure.message} (single writer)`) : failure,
          ),
        fail: (cause) =>
          queued.reject(
            cause instanceof DatabaseUnavailableError
              ? cause
              : new DatabaseUnavailableError('The database did not commit.', cause),
          ),
        afterCommit: [],
        allUndoneBy: undoneAlone ? undefined : error,
      };
    }
  }

  /**
   * When the disk is full or broken, SQLite rolls back the whole transaction by itself, and TypeORM does not
   * notice. The next transaction then starts with a new query runner.
   *
   * @returns false when there was nothing left to roll back
   */
  private async rollBack(runner: QueryRunner): Promise<boolean> {
    try {
      await runner.rollbackTransaction();
      return true;
    } catch {
      (this.writer.driver as AbstractSqliteDriver).queryRunner = undefined;
      return false;
    }
  }

  /** The error for callers after the rollback of their write. */
  private undone(cause: unknown): DatabaseUnavailableError {
    return isOutOfSpace(cause)
      ? this.space.refuse(this, cause)
      : new DatabaseUnavailableError('The database undid the write.', cause);
  }

  private takeNext(smallOnly: boolean): { lane: string; work: QueuedWork } | null {
    const next = this.lanes.next(performance.now(), smallOnly);
    if (next?.work.timeout) clearTimeout(next.work.timeout);
    return next;
  }
}
