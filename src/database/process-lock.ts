import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseInUseError, LockFileError, isLockedByAnother } from './database-errors';
import { loadSqlite } from './sqlite-driver';

/**
 * Says that this process alone uses a SQLite database. The lock is SQLite's own, on a file beside the database, so the
 * operating system takes it back however the process ends.
 */
export class ProcessLock {
  private constructor(private readonly held: DatabaseSyncInstance) {}

  /** @throws DatabaseInUseError when another process has it, LockFileError when that cannot be told */
  static acquire(databasePath: string): ProcessLock {
    mkdirSync(dirname(databasePath), { recursive: true, mode: 0o700 });
    const { DatabaseSync } = loadSqlite();
    const lockFile = `${databasePath}.lock`;
    const database = new DatabaseSync(lockFile);
    try {
      database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    } catch (error) {
      database.close();
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
