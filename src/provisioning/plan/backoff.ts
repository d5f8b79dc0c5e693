import { LONGEST_HINT_MS } from '../../integrations/provider/provider-error';

const SECOND = 1_000;
const SHORTEST = 100;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const LONGEST_PASSING_DELAY = LONGEST_HINT_MS;
/** A target that says "in five seconds" for longer does not know. */
const SHORT_HINTS_COUNT_FOR = 2 * MINUTE;

/**
 * When a passing failure is tried again: exponential with full jitter, from one second to fifteen minutes. The target's own
 * hint wins; but one that has been followed for two minutes and did not help is only the least to wait from then on, and
 * the exponential delay begins.
 *
 * @param attempts failures so far, from 1
 * @param random from 0 to below 1
 * @returns milliseconds
 */
export function passingFailureDelay(attempts: number, hintMs: number | undefined, random: number): number {
  if (hintMs === undefined) return Math.max(SHORTEST, exponential(attempts, random));
  const hint = Math.max(SHORTEST, Math.min(hintMs, LONGEST_PASSING_DELAY));
  const followed = Math.ceil(SHORT_HINTS_COUNT_FOR / hint);
  return attempts <= followed ? hint : Math.max(hint, exponential(attempts - followed, random));
}

function exponential(attempts: number, random: number): number {
  const ceiling = Math.min(LONGEST_PASSING_DELAY, SECOND * 2 ** Math.min(attempts - 1, 20));
  return Math.floor(random * ceiling);
}

/**
 * After so many failures in a row, which would each pass, the call for one person is no longer waited for: whoever leaves once
 * they have joined leaves, and a place that was kept for them goes to somebody else. It is tried all the same.
 */
export const LASTS_FROM = 3;

/** When something that the target refuses for good is tried again: after an hour, then every six. */
export function refusalDelay(attempts: number): number {
  return attempts <= 1 ? HOUR : 6 * HOUR;
}

const LEAVER_DELAYS = [MINUTE, 5 * MINUTE, 15 * MINUTE];

/**
 * When the removal of somebody who left the IdP, and whom the target keeps, is tried again: after 1, 5 and 15 minutes, then as
 * any refusal. Whoever is on call there is taken off by hand within minutes, as a rule.
 */
export function leaverDelay(attempts: number): number {
  return LEAVER_DELAYS[attempts - 1] ?? refusalDelay(attempts - LEAVER_DELAYS.length);
}

/**
 * When a call is made again that was answered "not found" although what it names is shown: a target's reads and writes may
 * differ for minutes, and then it is as any refusal.
 */
export function notFoundDelay(attempts: number): number {
  return leaverDelay(attempts);
}

/** When a person who was not found is looked up again: after 5 minutes, 30 minutes, then every six hours. */
export function lookUpDelay(attempts: number): number {
  return attempts <= 1 ? 5 * MINUTE : attempts === 2 ? 30 * MINUTE : 6 * HOUR;
}

/** How often a suspended integration is probed. */
export const PROBE_EVERY_MS = 5 * MINUTE;

/**
 * After so long a write that had no answer is compared with the target: until then it may still be on its way, and the
 * target's reads lag its writes by about as much.
 */
export const UNCLEAR_FOR_MS = 2 * MINUTE;
