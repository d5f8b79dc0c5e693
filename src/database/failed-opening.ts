import type { DatabaseSettings } from '../config/database-settings';
import { type DriverError, driverErrorOf } from './database-errors';

const NO_ANSWER = (code: string) =>
  `The database server of DATABASE_URL does not answer (${code}): start it, or correct its host and port in DATABASE_URL.`;
const NO_RIGHT = (code: string) =>
  `The user of DATABASE_URL lacks a right on the database that Scimify needs (${code}): GRANT ALL on the database to that user.`;
const WRONG_LOGIN = (code: string) =>
  `The database server refuses the user or the password of DATABASE_URL (${code}): correct them there, or on the server.`;
const READ_ONLY_SERVER = (code: string) =>
  `The database server of DATABASE_URL accepts no writes (${code}): name a server that accepts writes in DATABASE_URL.`;
const BUSY_SERVER = (code: string) =>
  `The database server of DATABASE_URL accepts no more connections (${code}): raise its max_connections, or close other connections. Each process of Scimify needs up to 32.`;

/** Messages for the operator, by error code of Node.js, mysql2 and the server. */
const MYSQL: Record<string, (code: string) => string> = {
  ECONNREFUSED: NO_ANSWER,
  ECONNRESET: NO_ANSWER,
  EHOSTUNREACH: NO_ANSWER,
  ENETUNREACH: NO_ANSWER,
  ENOTFOUND: NO_ANSWER,
  EAI_AGAIN: NO_ANSWER,
  EPIPE: NO_ANSWER,
  ETIMEDOUT: NO_ANSWER,
  ERR_SOCKET_BAD_PORT: NO_ANSWER,
  PROTOCOL_CONNECTION_LOST: NO_ANSWER,
  ER_ACCESS_DENIED_ERROR: WRONG_LOGIN,
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: WRONG_LOGIN,
  ER_HOST_NOT_PRIVILEGED: WRONG_LOGIN,
  ER_BAD_DB_ERROR: (code) =>
    `The database server does not know the database of DATABASE_URL (${code}): CREATE DATABASE with that name, or correct the name.`,
  ER_DBACCESS_DENIED_ERROR: NO_RIGHT,
  ER_TABLEACCESS_DENIED_ERROR: NO_RIGHT,
  ER_COLUMNACCESS_DENIED_ERROR: NO_RIGHT,
  ER_SPECIFIC_ACCESS_DENIED_ERROR: NO_RIGHT,
  ER_OPTION_PREVENTS_STATEMENT: READ_ONLY_SERVER,
  ER_READ_ONLY_MODE: READ_ONLY_SERVER,
  ER_CON_COUNT_ERROR: BUSY_SERVER,
  ER_TOO_MANY_USER_CONNECTIONS: BUSY_SERVER,
  ER_USER_LIMIT_REACHED: BUSY_SERVER,
};

const DAMAGED = (path: string) =>
  `The database file ${path} is damaged or not a SQLite database: replace it with a backup, or name another file in DATABASE_URL.`;
const NOT_WRITABLE = (path: string) =>
  `Scimify's user may not write to the database file ${path}: make the file, its -wal and -shm files and its directory writable, or name another file in DATABASE_URL.`;

/** By the result codes of SQLite (https://www.sqlite.org/rescode.html). */
const SQLITE: Record<number, (path: string) => string> = {
  3: NOT_WRITABLE,
  5: (path) =>
    `Another program has locked the database file ${path}: stop that program, then start Scimify again. Only Scimify may have the file open.`,
  8: NOT_WRITABLE,
  10: (path) =>
    `The disk reports an error for the database file ${path}: check the disk, then start Scimify again.`,
  11: DAMAGED,
  13: (path) =>
    `There is no space left for the database file ${path}: free some space, then start Scimify again.`,
  14: (path) =>
    `Scimify's user cannot open the database file ${path}: give that user access to the file and its directory, or name another file in DATABASE_URL.`,
  26: DAMAGED,
};

/**
 * What the operator must fix about the database; null for any other error. It never quotes a driver, because its
 * messages hold values.
 */
export function describeFailedOpening(error: unknown, settings: DatabaseSettings): string | null {
  const driverError = driverErrorOf(error);
  if (driverError === null) return null;
  return settings.kind === 'sqlite' ? fileMessage(driverError, settings.path) : serverMessage(driverError);
}

function fileMessage({ errcode }: DriverError, path: string): string | null {
  if (errcode === undefined) return null;
  // The low byte is the code. The higher bytes name the situation.
  const code = errcode & 0xff;
  return SQLITE[code]?.(path) ?? `The database file ${path} cannot be used (SQLite's code ${errcode}).`;
}

function serverMessage({ code, errno }: DriverError): string | null {
  if (code === undefined) return null;
  const known = MYSQL[code]?.(code);
  if (known !== undefined || errno === undefined || errno < 0) return known ?? null;
  return `The database server of DATABASE_URL refuses a statement (${code}): Scimify needs MySQL 8 or MariaDB 10.11, and all rights on its database.`;
}
