/**
 * The target's reads may lag its writes by so long: PagerDuty's own clients repeat a 404 for that time after a creation. What
 * is not shown until then may be there all the same.
 */
export const READS_LAG_MS = 120_000;

/** Whether the target may not show yet a team that we made. */
export function isJustCreated(
  { createdRemotelyAt }: { createdRemotelyAt: number | null },
  now: number,
): boolean {
  return createdRemotelyAt !== null && now - Number(createdRemotelyAt) <= READS_LAG_MS;
}

/** Whether the target may not show yet the team of a creation that had no answer. */
export function mayBeShownYet({ sentAt }: { sentAt: number }, now: number): boolean {
  return now - sentAt <= READS_LAG_MS;
}

/** How often it is looked whether the target shows by now what it may have created. */
export const LOOK_FOR_CREATED_MS = 5_000;

/**
 * Until when a creation that had no answer is settled soon, however often that fails meanwhile; epoch milliseconds. A target
 * that answers with something else for longer is left alone more and more.
 */
export function settledSoonUntil({ sentAt, since = sentAt }: { sentAt: number; since?: number }): number {
  return since + READS_LAG_MS;
}

/** @returns milliseconds to wait before the next attempt, which `settledSoonUntil` may bring forward */
export function settleSoon(delayMs: number, soonUntil: number, now: number): number {
  return now < soonUntil ? Math.min(delayMs, LOOK_FOR_CREATED_MS) : delayMs;
}

const SHORTEST_MS = 5_000;

/**
 * When a person is tried again whose addition finds nothing although team and person are there: each time as long again
 * as it has lasted, so seven times in all.
 *
 * @param since the first of these answers in a row
 * @returns milliseconds; null once the target's reads no longer explain it
 */
export function additionDelay(since: number, now: number): number | null {
  const lasted = now - since;
  return lasted < READS_LAG_MS ? Math.min(Math.max(SHORTEST_MS, lasted), READS_LAG_MS - lasted) : null;
}
