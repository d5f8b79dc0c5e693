import { statSync } from 'node:fs';

const READ_OR_WRITTEN_BY_OTHERS = 0o066;

/**
 * Made by Scimify the data directory is its owner's alone. One that was there before, as a mounted volume is, may be open to
 * everybody on the machine.
 *
 * @returns what to tell the operator, null where there is nothing to tell
 */
export function openToOthers(dataDirectory: string): string | null {
  if (process.platform === 'win32') return null;
  const mode = statSync(dataDirectory, { throwIfNoEntry: false })?.mode;
  if (mode === undefined || (mode & READ_OR_WRITTEN_BY_OTHERS) === 0) return null;
  const rights = (mode & 0o777).toString(8);
  return `Others on this machine may read the data directory ${dataDirectory} (its mode is ${rights}). Run: chmod 700 '${dataDirectory}'`;
}
