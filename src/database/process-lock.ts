import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { DatabaseInUseError, LockFileError, isLockedByAnother } from './database-errors';
import { keepPrivate } from './private-files';
import { loadSqlite } from './sqlite-driver';

/**
 * Ensures that only this process uses a SQLite database. It is a lock of SQLite on a file beside the database, so
 * the operating system releases it however the process ends.
 */
export class ProcessLock {
  private constructor(private readonly held: DatabaseSyncInstance) {}

  /** @throws DatabaseInUseError when another process has it, LockFileError when the lock file cannot be used */
  static acquire(databasePath: string): ProcessLock {
    const { DatabaseSync } = loadSqlite();
    const lockFile = `${databasePath}.lock`;
    keepPrivate(lockFile);
    let database: DatabaseSyncInstance | null = null;
    try {
      database = new DatabaseSync(lockFile);
      database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    } catch (error) {
      database?.close();
      throw isLockedByAnother(error)
        ? new DatabaseInUseError(databasePath)
        : new LockFileError(lockFile, error);
    }
    return new ProcessLock(database);
  }

  release(): void {
    this.held.close();
  }
}
