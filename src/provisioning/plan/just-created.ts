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
