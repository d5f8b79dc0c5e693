import { dirname, sep } from 'node:path';
import { OperatorError } from './config/operator-error';
import type { Settings } from './config/settings';
import { describeFailedOpening } from './database/failed-opening';

const GIVE_RIGHT = "give Scimify's user the right to read and write there";
const MAKE_ROOM = 'make room on its disk';

/** By the codes of Node.js: what to do about a file or a directory that cannot be used. */
const FILE_REMEDIES: Record<string, string> = {
  EACCES: GIVE_RIGHT,
  EPERM: GIVE_RIGHT,
  EROFS: 'make its file system writable',
  ENOTDIR: 'move away the file that stands where a directory has to be',
  EISDIR: 'move that directory away',
  ENOENT: 'make it',
  ENOSPC: MAKE_ROOM,
  EDQUOT: MAKE_ROOM,
};

/**
 * What an operator reads of a program that could not go on: no stack, and nothing that a statement was given.
 *
 * @param settings null where they could not be read
 */
export function describeFailure(error: unknown, settings: Settings | null): string {
  for (let cause = error; cause instanceof Object; cause = (cause as Error).cause) {
    const sentence = cause instanceof OperatorError ? cause.message : settings && toBeMended(cause, settings);
    if (sentence) return sentence;
  }
  const { message = String(error) } = (error ?? {}) as Partial<Error>;
  return `Scimify ended because of something unexpected, please report it: ${message.split('\n', 1)[0]}`;
}

function toBeMended(cause: object, settings: Settings): string | null {
  return aboutFile(cause, settings) ?? describeFailedOpening(cause, settings.database);
}

function aboutFile({ code = '', path }: Partial<NodeJS.ErrnoException>, settings: Settings): string | null {
  const remedy = FILE_REMEDIES[code];
  const variable = path === undefined ? null : variableOf(path, settings);
  if (remedy === undefined || variable === null) return null;
  return `${path} cannot be used (${code}): ${remedy}, or name another place in ${variable}.`;
}

/** The setting that says where this file or directory is. */
function variableOf(path: string, { dataDirectory, database }: Settings): string | null {
  const within = (directory: string) => path === directory || path.startsWith(`${directory}${sep}`);
  if (within(dataDirectory)) return 'SCIMIFY_DATA_DIR';
  return database.kind === 'sqlite' && within(dirname(database.path)) ? 'DATABASE_URL' : null;
}
