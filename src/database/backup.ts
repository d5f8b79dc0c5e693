import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { OperatorError } from '../config/operator-error';
import { loadSqlite } from './sqlite-driver';

const OWNER_ONLY = 0o600;

/** There is no copy. The message says why. */
export class BackupError extends OperatorError {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'BackupError';
  }
}

/**
 * Copies a SQLite database as it is at one moment, also while Scimify runs: it reads beside the writer and waits
 * for nothing. The copy is one file that only its owner may read. It gets its name when it is checked and on the
 * disk.
 *
 * @param look reads from the copy what the caller wants to know
 * @returns the size in bytes, and the result of `look`
 * @throws BackupError
 */
export function backUp<Seen>(
  databasePath: string,
  file: string,
  look: (copy: DatabaseSyncInstance) => Seen,
): { bytes: number; seen: Seen } {
  if (!existsSync(databasePath)) throw new BackupError(`There is no database ${databasePath}.`);
  if (existsSync(file))
    throw new BackupError(`${file} already exists, and the backup does not overwrite it.`);
  const unfinished = `${file}.unfinished`;
  createEmpty(unfinished);
  try {
    copy(databasePath, unfinished);
    const seen = withDatabase(unfinished, (database) => {
      check(database);
      return look(database);
    });
    flush(unfinished);
    // The rename then replaces this empty file, and never a file of another program.
    createEmpty(file);
    renameSync(unfinished, file);
    if (process.platform !== 'win32') flush(dirname(file));
    return { bytes: statSync(file).size, seen };
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/** Creates an empty file, private before it holds anything. */
function createEmpty(file: string): void {
  try {
    closeSync(openSync(file, 'wx', OWNER_ONLY));
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const why = isThere
      ? 'it already exists; delete it if no other backup is running'
      : (error as Error).message;
    throw new BackupError(`${file} cannot be created: ${why}.`, error);
  }
}

function copy(databasePath: string, file: string): void {
  withDatabase(databasePath, (database) => {
    try {
      database.exec(`VACUUM INTO '${file.replaceAll("'", "''")}'`);
    } catch (error) {
      throw new BackupError(`The database was not copied: ${(error as Error).message}.`, error);
    }
  });
}

/** @throws BackupError when the copy is damaged, or has no table */
function check(database: DatabaseSyncInstance): void {
  const rows = database.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[];
  const faults = rows.map((row) => row.integrity_check).filter((text) => text !== 'ok');
  if (faults.length > 0) throw new BackupError(`The database is damaged: ${faults.slice(0, 3).join('; ')}.`);
  const tables = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' LIMIT 1").all();
  if (tables.length === 0) throw new BackupError('The database is empty.');
}

function withDatabase<T>(path: string, work: (database: DatabaseSyncInstance) => T): T {
  const { DatabaseSync } = loadSqlite();
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return work(database);
  } finally {
    database.close();
  }
}

function flush(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
