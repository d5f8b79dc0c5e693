/**
 * The target's reads may lag its writes by this long: PagerDuty's own clients repeat a 404 for that time after a
 * creation. Until then an object may exist although the target does not show it.
 */
export const READS_LAG_MS = 120_000;

/** Whether the target may not show a remote group yet that we created. */
export function isJustCreated(
  { createdRemotelyAt }: { createdRemotelyAt: number | null },
  now: number,
): boolean {
  return createdRemotelyAt !== null && now - Number(createdRemotelyAt) <= READS_LAG_MS;
}

/** Whether the target may not show the remote group yet of a creation without an answer. */
export function mayBeShownYet({ sentAt }: { sentAt: number }, now: number): boolean {
  return now - sentAt <= READS_LAG_MS;
}

/** The interval between checks whether the target shows the remote group that it may have created. */
export const LOOK_FOR_CREATED_MS = 5_000;

/**
 * Until when the engine retries at short intervals to settle a creation without an answer, even if these attempts
 * fail; epoch milliseconds. After that the normal backoff applies.
 */
export function settledSoonUntil({ sentAt, since = sentAt }: { sentAt: number; since?: number }): number {
  return since + READS_LAG_MS;
}

/** @returns milliseconds to wait before the next attempt, which `settledSoonUntil` may shorten */
export function settleSoon(delayMs: number, soonUntil: number, now: number): number {
  return now < soonUntil ? Math.min(delayMs, LOOK_FOR_CREATED_MS) : delayMs;
}

const SHORTEST_MS = 5_000;

/**
 * The delay before the next attempt of an addition that gets "not found" although remote group and remote user
 * exist. Each delay is as long as the problem has lasted, which makes seven attempts in all.
 *
 * @param since the first of these answers in a row
 * @returns milliseconds; null once the lag of the target's reads no longer explains the answer
 */
export function additionDelay(since: number, now: number): number | null {
  const lasted = now - since;
  return lasted < READS_LAG_MS ? Math.min(Math.max(SHORTEST_MS, lasted), READS_LAG_MS - lasted) : null;
}
