import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, QueryRunner } from 'typeorm';
import { ConnectionShares } from './connection-shares';
import {
  CommitOutcomeUnknownError,
  DatabaseUnavailableError,
  RestartTransaction,
  isConnectionFailure,
  isLockConflict,
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

const MAX_ATTEMPTS = 8;
/** Far less than a client waits for its response. Then all of the work runs again. */
const LOCK_WAIT_SECONDS = 2;

/** Of the 16 in the pool, so one tenant cannot take all of them. */
const CONNECTIONS_PER_LANE = 6;

/** READ COMMITTED. All of the work runs again when the server rolled it back in favour of another transaction. */
export class MysqlTransactionRunner extends TransactionRunner {
  private readonly prepared = new WeakSet<object>();
  private readonly shares = new ConnectionShares(CONNECTIONS_PER_LANE);

  constructor(
    private readonly writer: DataSource,
    private readonly space: DatabaseSpace,
  ) {
    super();
  }

  async run<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const deadline = performance.now() + (options.maxWaitMs ?? Infinity);
    const lane = laneOf(options);
    await this.shares.take(lane, options.maxWaitMs);
    try {
      return await this.attempt(work, deadline);
    } finally {
      this.shares.release(lane);
    }
  }

  private async attempt<T>(work: (tx: Transaction) => Promise<T>, deadline: number): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const runner = this.writer.createQueryRunner();
      try {
        await this.prepare(runner);
        return await runOnce(runner, work);
      } catch (error) {
        if (isOutOfSpace(error)) throw this.space.refuse(this, error);
        const again = isLockConflict(error) || error instanceof RestartTransaction;
        if (!again) throw isConnectionFailure(error) ? unavailable(error) : error;
        if (attempt === MAX_ATTEMPTS || performance.now() > deadline) throw unavailable(error);
        await sleep(Math.random() * 5 * 2 ** attempt);
      } finally {
        await runner.release();
      }
    }
  }

  /** The server rolls back open transactions when their connection ends. */
  end(): Promise<void> {
    return Promise.resolve();
  }

  /** Once for each connection of the pool. */
  private async prepare(runner: QueryRunner): Promise<void> {
    const connection = (await runner.connect()) as object;
    if (this.prepared.has(connection)) return;
    await runner.query(`SET SESSION innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}`);
    this.prepared.add(connection);
  }
}

async function runOnce<T>(runner: QueryRunner, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const afterCommit: (() => void)[] = [];
  await runner.startTransaction('READ COMMITTED');
  let value: T;
  try {
    value = await work(transactionOn(runner, afterCommit));
  } catch (error) {
    // A broken connection cannot roll back any more. The server does it by itself.
    await runner.rollbackTransaction().catch(() => undefined);
    throw error;
  }
  try {
    await runner.commitTransaction();
  } catch (error) {
    throw new CommitOutcomeUnknownError(error);
  }
  for (const action of afterCommit) action();
  return value;
}

function unavailable(cause: unknown): DatabaseUnavailableError {
  return new DatabaseUnavailableError('The database is unavailable or too busy for the write.', cause);
}
