import { LONGEST_HINT_MS } from '../../integrations/provider/provider-error';

const SECOND = 1_000;
const SHORTEST = 100;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const LONGEST_PASSING_DELAY = LONGEST_HINT_MS;
/** After this time the engine no longer trusts a short hint of the target. */
const SHORT_HINTS_COUNT_FOR = 2 * MINUTE;

/**
 * The delay before the next attempt after a passing failure: exponential with full jitter, from one second to
 * fifteen minutes. A hint of the target wins. After two minutes of the same short hint the hint is only the
 * minimum, and the exponential delay starts.
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
 * After this many passing failures in a row for one remote user, the other changes no longer wait for that call:
 * pending removals go on, and a reserved place goes to another member. The engine still retries the call.
 */
export const LASTS_FROM = 3;

/** The delay before the next attempt after a permanent refusal: one hour, then six hours each. */
export function refusalDelay(attempts: number): number {
  return attempts <= 1 ? HOUR : 6 * HOUR;
}

const LEAVER_DELAYS = [MINUTE, 5 * MINUTE, 15 * MINUTE];

/**
 * The delay before the next attempt when the target refuses to remove a leaver: 1, 5 and 15 minutes, then as for
 * any refusal. Usually an admin of the target takes a user off on-call duty within minutes.
 */
export function leaverDelay(attempts: number): number {
  return LEAVER_DELAYS[attempts - 1] ?? refusalDelay(attempts - LEAVER_DELAYS.length);
}

/**
 * The delay after a "not found" answer for an object that the target shows. Reads and writes of a target may
 * differ for minutes; after that the delay is as for any refusal.
 */
export function notFoundDelay(attempts: number): number {
  return leaverDelay(attempts);
}

/** The delay before the next look-up of a user without a match: 5 minutes, 30 minutes, then six hours each. */
export function lookUpDelay(attempts: number): number {
  return attempts <= 1 ? 5 * MINUTE : attempts === 2 ? 30 * MINUTE : 6 * HOUR;
}

/** The interval between probes of a suspended integration. */
export const PROBE_EVERY_MS = 5 * MINUTE;

/**
 * The engine compares a write without an answer with the target only after this time. Until then the write may
 * still be under way, and the target's reads lag its writes by about as much.
 */
export const UNCLEAR_FOR_MS = 2 * MINUTE;
