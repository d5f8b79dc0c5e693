import type { HttpAnswer } from './transport';

export interface RateReading {
  limit: number;
  remaining: number;
  resetMs: number;
}

type Headers = Pick<HttpAnswer, 'header'>;

// PagerDuty docs: a 429 may come without headers; clients in use then wait 5 s times 1 to 1.3.
const PAUSE_WITHOUT_HEADERS_MS = 5_000;
const JITTER = 0.3;
// The window is a minute. A far longer hint counts as an error of the header.
const LONGEST_PAUSE_MS = 5 * 60_000;

/**
 * PagerDuty docs: `ratelimit-reset` is in seconds from now, not a point in time. Null when a header is missing.
 */
export function readRateLimit(answer: Headers): RateReading | null {
  const limit = count(answer.header('ratelimit-limit'));
  const remaining = count(answer.header('ratelimit-remaining'));
  const reset = count(answer.header('ratelimit-reset'));
  if (limit === null || limit === 0 || remaining === null || reset === null) return null;
  return { limit, remaining, resetMs: Math.min(reset * 1000, LONGEST_PAUSE_MS) };
}

/** How long to pause after a 429; the jitter spreads the waiting callers. */
export function pauseAfterRefusal(answer: Headers, random: () => number = Math.random): number {
  // Undocumented at PagerDuty, but a proxy on the way may send it.
  const seconds = count(answer.header('retry-after')) ?? count(answer.header('ratelimit-reset'));
  if (seconds === null) return Math.round(PAUSE_WITHOUT_HEADERS_MS * (1 + JITTER * random()));
  const base = Math.min(seconds * 1000, LONGEST_PAUSE_MS);
  return Math.round(base + 500 * (1 + JITTER * random()));
}

function count(value: string | null): number | null {
  return value !== null && /^\s*\d{1,9}\s*$/.test(value) ? Number(value) : null;
}
