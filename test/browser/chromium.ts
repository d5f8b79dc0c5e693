import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The browser of this machine, or null after saying why its tests are skipped. */
export function chromiumPath(): string | null {
  const directories = (process.env.PATH ?? '').split(delimiter);
  const found = directories
    .flatMap((directory) => NAMES.map((name) => join(directory, name)))
    .find(existsSync);
  if (found) return found;
  process.stderr.write(`No ${NAMES.join(', ')} on the PATH: the tests in a browser are skipped.\n`);
  return null;
}
