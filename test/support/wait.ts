import { setTimeout as pause } from 'node:timers/promises';

const SHORTEST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 100;

/**
 * Polls until a value meets a condition, and returns the value.
 *
 * @param what what is waited for; the error contains it and the last value
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
      throw new Error(`Timed out waiting for ${what}. Last seen: ${JSON.stringify(seen, null, 2)}`);
    }
    // Poll less often over time, because polling needs CPU time too.
    await pause(Math.min(Math.max(SHORTEST_PAUSE_MS, waited / 20), LONGEST_PAUSE_MS));
  }
}
