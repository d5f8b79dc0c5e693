import { accessSync, chmodSync, constants, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Logger } from '@nestjs/common';
import { OperatorError } from '../config/operator-error';

const OWNER_ONLY = 0o600;
const RIGHTS_OF_OTHERS = 0o077;

/** Files that SQLite keeps beside a database file. It creates them with the rights of the database file. */
const BESIDE = ['-wal', '-shm', '-journal'];

/** The path of the database file is a directory. */
class DirectoryInPlaceError extends OperatorError {
  constructor(path: string) {
    super(`${path} is a directory: name a file in DATABASE_URL, e.g. sqlite:${path}/scimify.sqlite.`);
    this.name = 'DirectoryInPlaceError';
  }
}

const logger = new Logger('Database');

/**
 * Creates a database file that only its owner may read, whatever the umask is, or takes the rights of others from
 * an existing file. It holds names and addresses of people.
 */
export function keepPrivate(databasePath: string): void {
  if (statSync(databasePath, { throwIfNoEntry: false })?.isDirectory())
    throw new DirectoryInPlaceError(databasePath);
  mkdirSync(dirname(databasePath), { recursive: true, mode: 0o700 });
  // Never open an existing file here: closing it would release the locks that this process has on it (POSIX).
  if (modeOf(databasePath) === undefined) closeSync(openSync(databasePath, 'a', OWNER_ONLY));
  // SQLite opens a read-only file without an error, and fails some time later.
  accessSync(databasePath, constants.R_OK | constants.W_OK);
  if (process.platform === 'win32') return;
  for (const path of [databasePath, ...BESIDE.map((ending) => `${databasePath}${ending}`)]) tighten(path);
}

function tighten(path: string): void {
  if (((modeOf(path) ?? OWNER_ONLY) & RIGHTS_OF_OTHERS) === 0) return;
  try {
    chmodSync(path, OWNER_ONLY);
  } catch (error) {
    // The file of another user, or a file system without such rights: Scimify can still work, so it goes on.
    logger.warn(
      `Other users may read ${path}, and Scimify could not change that (${(error as Error).message}). Run as its owner: chmod 600 '${path}'`,
    );
  }
}

function modeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mode;
}
