import { dirname, sep } from 'node:path';
import { OperatorError } from './config/operator-error';
import type { Settings } from './config/settings';
import { describeFailedOpening } from './database/failed-opening';

const GIVE_RIGHT = "give Scimify's user the right to read and write there";
const FREE_SPACE = 'free some space on its disk';

/** What to do about a file or a directory that cannot be used, by error code of Node.js. */
const FILE_REMEDIES: Record<string, string> = {
  EACCES: GIVE_RIGHT,
  EPERM: GIVE_RIGHT,
  EROFS: 'make its file system writable',
  ENOTDIR: 'move the file away that blocks this directory',
  EISDIR: 'move the directory away that blocks this file',
  ENOENT: 'create it',
  ENOSPC: FREE_SPACE,
  EDQUOT: FREE_SPACE,
};

/**
 * The text for the operator when a program fails: no stack trace and no SQL parameters.
 *
 * @param settings null when the settings themselves could not be read
 */
export function describeFailure(error: unknown, settings: Settings | null): string {
  for (let cause = error; cause instanceof Object; cause = (cause as Error).cause) {
    const sentence = cause instanceof OperatorError ? cause.message : settings && whatToFix(cause, settings);
    if (sentence) return sentence;
  }
  const { message = String(error) } = (error ?? {}) as Partial<Error>;
  return `Scimify stopped because of an unexpected error. Please report it: ${message.split('\n', 1)[0]}`;
}

function whatToFix(cause: object, settings: Settings): string | null {
  return fileMessage(cause, settings) ?? describeFailedOpening(cause, settings.database);
}

function fileMessage({ code = '', path }: Partial<NodeJS.ErrnoException>, settings: Settings): string | null {
  const remedy = FILE_REMEDIES[code];
  const variable = path === undefined ? null : variableOf(path, settings);
  if (remedy === undefined || variable === null) return null;
  return `${path} cannot be used (${code}): ${remedy}, or name another place in ${variable}.`;
}

/** The setting that names the place of this file or directory. */
function variableOf(path: string, { dataDirectory, database }: Settings): string | null {
  const within = (directory: string) => path === directory || path.startsWith(`${directory}${sep}`);
  if (within(dataDirectory)) return 'SCIMIFY_DATA_DIR';
  return database.kind === 'sqlite' && within(dirname(database.path)) ? 'DATABASE_URL' : null;
}
