import type { DataSource, QueryRunner } from 'typeorm';
import { CommitOutcomeUnknownError, DatabaseUnavailableError, RestartTransaction } from './database-errors';
import {
  type Transaction,
  type TransactionOptions,
  TransactionRunner,
  transactionOn,
} from './transaction-runner';

/** Works that share one COMMIT: enough to make the fsync cheap, few enough to answer soon. */
const MAX_WORKS_PER_COMMIT = 64;
const MAX_MS_PER_COMMIT = 25;
const BIG_LANE = '\0big';

interface QueuedWork {
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
 * other; those that wait share one transaction and one fsync, each in a savepoint of its own, and every caller is
 * answered after the COMMIT.
 */
export class SqliteTransactionRunner extends TransactionRunner {
  private readonly lanes = new Map<string, QueuedWork[]>();
  private draining = false;

  constructor(private readonly writer: DataSource) {
    super();
  }

  run<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const lane = options.big ? BIG_LANE : (options.lane ?? '');
      const queued: QueuedWork = {
        work,
        impatience: null,
        resolve: resolve as (value: unknown) => void,
        reject,
      };
      if (options.maxWaitMs !== undefined) {
        queued.impatience = setTimeout(() => this.giveUp(lane, queued), options.maxWaitMs);
      }
      const waiting = this.lanes.get(lane);
      if (waiting) waiting.push(queued);
      else this.lanes.set(lane, [queued]);
      void this.drain();
    });
  }

  private giveUp(lane: string, queued: QueuedWork): void {
    const waiting = this.lanes.get(lane)?.filter((other) => other !== queued) ?? [];
    if (waiting.length > 0) this.lanes.set(lane, waiting);
    else this.lanes.delete(lane);
    queued.reject(new DatabaseUnavailableError('The database was too busy to take the write in time.'));
  }

  private async drain(): Promise<void> {
    if (this.draining) return;
    this.draining = true;
    try {
      while (this.lanes.size > 0) await this.commitBatch();
    } finally {
      this.draining = false;
    }
  }

  private async commitBatch(): Promise<void> {
    const runner = this.writer.createQueryRunner();
    const begun = performance.now();
    const finished: FinishedWork[] = [];
    try {
      await runner.startTransaction();
    } catch (error) {
      this.takeNext()?.queued.reject(
        new DatabaseUnavailableError('The database did not begin a transaction.', error),
      );
      return;
    }
    for (let count = 0; count < MAX_WORKS_PER_COMMIT; count++) {
      const next = this.takeNext(count > 0);
      if (!next) break;
      finished.push(await runInSavepoint(runner, next.queued));
      if (next.big || performance.now() - begun > MAX_MS_PER_COMMIT) break;
    }
    try {
      await runner.commitTransaction();
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

  /** The oldest work of the lane whose turn it is; that lane then stands at the end of the row. */
  private takeNext(smallOnly = false): { queued: QueuedWork; big: boolean } | null {
    for (const [lane, waiting] of this.lanes) {
      const big = lane === BIG_LANE;
      if (big && smallOnly) continue;
      this.lanes.delete(lane);
      const queued = waiting.shift()!;
      if (waiting.length > 0) this.lanes.set(lane, waiting);
      if (queued.impatience) clearTimeout(queued.impatience);
      return { queued, big };
    }
    return null;
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
