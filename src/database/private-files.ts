import { accessSync, chmodSync, constants, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Logger } from '@nestjs/common';
import { OperatorError } from '../config/operator-error';

const OWNER_ONLY = 0o600;
const RIGHTS_OF_OTHERS = 0o077;

/** What SQLite keeps beside a database file. What it makes itself gets the rights of the database file. */
const BESIDE = ['-wal', '-shm', '-journal'];

/** A directory stands where the database file is to be. */
class DirectoryInPlaceError extends OperatorError {
  constructor(path: string) {
    super(`${path} is a directory: name a file in DATABASE_URL, e.g. sqlite:${path}/scimify.sqlite.`);
    this.name = 'DirectoryInPlaceError';
  }
}

const logger = new Logger('Database');

/**
 * Makes a database file that its owner alone may read, whatever the umask is, or takes away what others may do with one
 * that is there: it holds names and addresses of people.
 */
export function keepPrivate(databasePath: string): void {
  if (statSync(databasePath, { throwIfNoEntry: false })?.isDirectory())
    throw new DirectoryInPlaceError(databasePath);
  mkdirSync(dirname(databasePath), { recursive: true, mode: 0o700 });
  // One that is there is never opened here: to close it would end the locks that this process has on it (POSIX).
  if (modeOf(databasePath) === undefined) closeSync(openSync(databasePath, 'a', OWNER_ONLY));
  // SQLite opens one that it may only read without a word, and fails at some time later.
  accessSync(databasePath, constants.R_OK | constants.W_OK);
  if (process.platform === 'win32') return;
  for (const path of [databasePath, ...BESIDE.map((ending) => `${databasePath}${ending}`)]) tighten(path);
}

function tighten(path: string): void {
  if (((modeOf(path) ?? OWNER_ONLY) & RIGHTS_OF_OTHERS) === 0) return;
  try {
    chmodSync(path, OWNER_ONLY);
  } catch (error) {
    // Somebody else's file, or a file system without such rights: it worked so before, and goes on.
    logger.warn(
      `Others may read ${path}, and that could not be changed (${(error as Error).message}). Run as its owner: chmod 600 '${path}'`,
    );
  }
}

function modeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mode;
}
