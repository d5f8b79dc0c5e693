import { setTimeout as pause } from 'node:timers/promises';

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
  const until = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (isSo(seen)) return seen;
    if (performance.now() > until) {
      throw new Error(`Waited in vain for ${what}; seen last: ${JSON.stringify(seen, null, 2)}`);
    }
    await pause(20);
  }
}
