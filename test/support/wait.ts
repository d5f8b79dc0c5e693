import { setTimeout as pause } from 'node:timers/promises';

const SHORTEST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 100;

/**
 * Waits until something is so, and gives it back.
 *
 * @param what named in the failure, with what was seen last
 */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T> | T,
  isSo: (seen: T) => boolean,
  timeoutMs = 20_000,
): Promise<T> {
  const begun = performance.now();
  for (;;) {
    const seen = await look();
    if (isSo(seen)) return seen;
    const waited = performance.now() - begun;
    if (waited > timeoutMs) {
      throw new Error(`Waited in vain for ${what}; seen last: ${JSON.stringify(seen, null, 2)}`);
    }
    // What takes long is asked for less often: the asking has its share of the machine too.
    await pause(Math.min(Math.max(SHORTEST_PAUSE_MS, waited / 20), LONGEST_PAUSE_MS));
  }
}
