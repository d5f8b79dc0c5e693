import type { DataSource } from 'typeorm';
import type { Settings } from '../config/settings';
import { type EntityClasses, writerOptions } from './data-source-options';
import { MigratingDataSource } from './migrating-data-source';
import { MysqlTransactionRunner } from './mysql-transaction-runner';
import { newDatabaseOf } from './new-database';
import { keepPrivate } from './private-files';
import { ProcessLock } from './process-lock';
import { DatabaseSpace } from './room';
import { SqliteTransactionRunner } from './sqlite-transaction-runner';
import type { TransactionRunner } from './transaction-runner';
import { WriteAheadLog } from './write-ahead-log';

/** The writing connection with, on SQLite, the lock that keeps other processes out. */
export class Writer {
  readonly transactions: TransactionRunner;
  readonly space = new DatabaseSpace();

  private constructor(
    readonly dataSource: DataSource,
    /** Names of the migrations that ran when it was opened. */
    readonly migrated: readonly string[],
    private readonly lock: ProcessLock | null,
    private readonly log: WriteAheadLog | null,
  ) {
    this.transactions = log
      ? new SqliteTransactionRunner(dataSource, log, this.space)
      : new MysqlTransactionRunner(dataSource, this.space);
  }

  /**
   * @throws DatabaseInUseError when another process has the SQLite database, LockFileError when the lock file
   *   cannot be used
   * @throws NewDatabaseRefusedError when the database is empty and should not be
   */
  static async open(settings: Settings, entities: EntityClasses): Promise<Writer> {
    const { database } = settings;
    const lock = database.kind === 'sqlite' ? ProcessLock.acquire(database.path) : null;
    try {
      if (database.kind === 'sqlite') keepPrivate(database.path);
      const dataSource = new MigratingDataSource(writerOptions(database, entities), newDatabaseOf(settings));
      await dataSource.initialize();
      const migrated = (await dataSource.runMigrations()).map(({ name }) => name);
      const log = database.kind === 'sqlite' ? await WriteAheadLog.open(database.path) : null;
      // Migrations bypass the transaction runner.
      await log?.flush();
      return new Writer(dataSource, migrated, lock, log);
    } catch (error) {
      lock?.release();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.space.end();
    await this.transactions.end();
    await this.log?.end();
    await this.dataSource.destroy();
    this.lock?.release();
  }
}
