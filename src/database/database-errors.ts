import { QueryFailedError } from 'typeorm';
import { OperatorError } from '../config/operator-error';
import { ALREADY_LOGGED } from '../observability/told';

/** The database is unavailable or too busy for the write. Nothing was written. */
export class DatabaseUnavailableError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'DatabaseUnavailableError';
  }
}

/** The disk of the database is full. Nothing was written. `DatabaseSpace` has already logged it. */
export class DatabaseFullError extends DatabaseUnavailableError {
  readonly [ALREADY_LOGGED] = true;

  constructor(cause?: unknown) {
    super('The disk of the database is full, and nothing was changed.', cause);
    this.name = 'DatabaseFullError';
  }
}

/** The COMMIT itself failed: the write may or may not be there. */
export class CommitOutcomeUnknownError extends Error {
  constructor(cause: unknown) {
    super('The database did not confirm the commit: the write may or may not have happened.', { cause });
    this.name = 'CommitOutcomeUnknownError';
  }
}

/**
 * The work of a transaction throws it to run again from its start, because the rows that it locked differ from the
 * rows that it read.
 */
export class RestartTransaction extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'RestartTransaction';
  }
}

/** Another process has this SQLite database open. */
export class DatabaseInUseError extends OperatorError {
  constructor(path: string) {
    super(
      `Another Scimify process already uses the database ${path}. SQLite serves one process: stop the other one, or use MySQL.`,
    );
    this.name = 'DatabaseInUseError';
  }
}

/** The lock file cannot be used, so it is unknown whether another process has this SQLite database open. */
export class LockFileError extends OperatorError {
  constructor(lockFile: string, cause: unknown) {
    super(
      `The lock file ${lockFile} cannot be used: ${(cause as Error).message}. Make it and its directory writable for Scimify's user; if it is damaged, delete it while no Scimify process runs on this database.`,
      { cause },
    );
    this.name = 'LockFileError';
  }
}

/** The database is empty although an encryption key shows that there was one. */
export class NewDatabaseRefusedError extends OperatorError {
  constructor(database: string, keyFoundIn: string) {
    super(
      `The database ${database} is empty, but there is an encryption key (${keyFoundIn}), which usually means that there was a database. If this is the first start, set SCIMIFY_NEW_DATABASE=true for it. If not, nothing is lost yet: correct DATABASE_URL or SCIMIFY_DATA_DIR, or restore a backup (docs/operations.md).`,
    );
    this.name = 'NewDatabaseRefusedError';
  }
}

const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;
const SQLITE_NO_SPACE_FOR_SHARED_MEMORY = 4874;
const MYSQL_DISK_FULL = 1021;
const MYSQL_TABLE_FULL = 1114;
const OUT_OF_SPACE_CODES = new Set(['ENOSPC', 'EDQUOT']);
const SQLITE_CONSTRAINT_UNIQUE = 2067;
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
const MYSQL_DUPLICATE_ENTRY = 1062;
const MYSQL_LOCK_WAIT_TIMEOUT = 1205;
const MYSQL_DEADLOCK = 1213;
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'PROTOCOL_CONNECTION_LOST',
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
]);

export interface DriverError {
  errcode?: number;
  errno?: number;
  code?: string;
  message?: string;
}

export function driverErrorOf(error: unknown): DriverError | null {
  if (error instanceof QueryFailedError) return error.driverError as DriverError;
  // Errors of a native driver come from outside of Jest's realm, where they are no `Error`.
  return typeof error === 'object' ? error : null;
}

/** Whether a write failed because a unique key is taken. */
export function isUniqueViolation(error: unknown): boolean {
  const driverError = driverErrorOf(error);
  return (
    driverError?.errcode === SQLITE_CONSTRAINT_UNIQUE ||
    driverError?.errcode === SQLITE_CONSTRAINT_PRIMARYKEY ||
    driverError?.errno === MYSQL_DUPLICATE_ENTRY
  );
}

/** A unique index, as each database names it in an error: MySQL by its name, SQLite by its columns. */
export interface UniqueKey {
  table: string;
  index: string;
  columns: readonly string[];
}

/** The one of these keys that a write violated; null for any other error and any other key. */
export function violatedKey<Key extends UniqueKey>(error: unknown, keys: readonly Key[]): Key | null {
  if (!isUniqueViolation(error)) return null;
  const message = driverErrorOf(error)?.message ?? '';
  // The duplicate value stands before the index in the message. A client chose the value, so only the end counts.
  const index = /for key '(?:[^'.]*\.)?([^'.]*)'$/.exec(message)?.[1];
  const columns = /UNIQUE constraint failed: (.*)$/.exec(message)?.[1];
  const named = (key: Key) =>
    key.index === index || key.columns.map((column) => `${key.table}.${column}`).join(', ') === columns;
  return keys.find(named) ?? null;
}

/** Whether another connection holds a lock on the SQLite file. */
export function isLockedByAnother(error: unknown): boolean {
  // The low byte is the code. The higher bytes name the situation.
  return ((driverErrorOf(error)?.errcode ?? 0) & 0xff) === SQLITE_BUSY;
}

/** Whether there is no space for a write: on the disk, in the quota of the user, or in the table. */
export function isOutOfSpace(error: unknown): boolean {
  const { errcode = 0, errno, code = '', message = '' } = driverErrorOf(error) ?? {};
  return (
    (errcode & 0xff) === SQLITE_FULL ||
    errcode === SQLITE_NO_SPACE_FOR_SHARED_MEMORY ||
    errno === MYSQL_DISK_FULL ||
    errno === MYSQL_TABLE_FULL ||
    OUT_OF_SPACE_CODES.has(code) ||
    // The server could not write a file, with the system error 28: ENOSPC.
    /\b(errno|errcode):? 28\b/i.test(message)
  );
}

/** Whether MySQL rolled back a transaction in favour of another one. All of its work may run again. */
export function isLockConflict(error: unknown): boolean {
  const errno = driverErrorOf(error)?.errno;
  return errno === MYSQL_DEADLOCK || errno === MYSQL_LOCK_WAIT_TIMEOUT;
}

/** Whether the connection to the database failed, and not the statement. */
export function isConnectionFailure(error: unknown): boolean {
  const code = driverErrorOf(error)?.code;
  return code !== undefined && CONNECTION_CODES.has(code);
}
