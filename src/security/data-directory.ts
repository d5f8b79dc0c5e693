import { statSync } from 'node:fs';

const READ_OR_WRITTEN_BY_OTHERS = 0o066;

/**
 * Scimify creates the data directory for its owner only. A directory that existed before, e.g. a mounted volume,
 * may be open to all users of the machine.
 *
 * @returns a warning for the operator, or null
 */
export function openToOthers(dataDirectory: string): string | null {
  if (process.platform === 'win32') return null;
  const mode = statSync(dataDirectory, { throwIfNoEntry: false })?.mode;
  if (mode === undefined || (mode & READ_OR_WRITTEN_BY_OTHERS) === 0) return null;
  const rights = (mode & 0o777).toString(8);
  return `Other users of this machine may read the data directory ${dataDirectory} (its mode is ${rights}). Run: chmod 700 '${dataDirectory}'`;
}
