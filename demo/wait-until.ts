const POLL_EVERY_MS = 100;
const GIVE_UP_AFTER_MS = 60_000;

/**
 * Polls until the condition is true.
 *
 * @param what the condition, for the error message
 * @param lastSeen the state to show in the error message
 * @returns how many milliseconds it took
 * @throws Error after a minute
 */
export async function waitUntil(
  what: string,
  isSo: () => Promise<boolean>,
  lastSeen: () => unknown = () => undefined,
): Promise<number> {
  const begun = performance.now();
  for (;;) {
    if (await isSo()) return performance.now() - begun;
    if (performance.now() - begun > GIVE_UP_AFTER_MS) {
      const seen = lastSeen();
      const shown = seen === undefined ? '' : `\nlast seen: ${JSON.stringify(seen, null, 2)}`;
      throw new Error(`Not true within ${GIVE_UP_AFTER_MS / 1000} s: ${what}${shown}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
  }
}
