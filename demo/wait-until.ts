const POLL_EVERY_MS = 100;
const GIVE_UP_AFTER_MS = 60_000;

/**
 * Asks until it is so.
 *
 * @param what completes the sentence "it did not happen that …"
 * @param lastSeen what to show of the state when it does not happen
 * @returns milliseconds that it took
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
      throw new Error(`Within ${GIVE_UP_AFTER_MS / 1000} s it did not happen that ${what}${shown}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
  }
}
