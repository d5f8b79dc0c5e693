import { refusal } from '../http/answers';

const WINDOW_MS = 60_000;

interface Bucket {
  used: number;
  endsAt: number;
}

/**
 * Counts calls per minute and bucket in fixed windows. The credential decides which calls share a bucket: one per account
 * key, one per user for all keys, one per app and account.
 */
export class RateLimiter {
  private readonly buckets = new Map<string, Bucket>();
  private readonly windowMs: number;

  /** @param clockSpeed how many times faster than real time a window passes */
  constructor(
    private limit: number,
    clockSpeed: number,
  ) {
    this.windowMs = WINDOW_MS / clockSpeed;
  }

  get perMinute(): number {
    return this.limit;
  }

  setLimit(limit: number): void {
    this.limit = limit;
  }

  clear(): void {
    this.buckets.clear();
  }

  /** Counts a call. Every response gets the headers (also a 204, as recorded). */
  take(key: string): { allowed: boolean; headers: Record<string, string> } {
    const now = Date.now();
    let bucket = this.buckets.get(key);
    if (!bucket || bucket.endsAt <= now) {
      bucket = { used: 0, endsAt: now + this.windowMs };
      this.buckets.set(key, bucket);
    }
    const allowed = bucket.used < this.limit;
    if (allowed) bucket.used += 1;
    return {
      allowed,
      headers: {
        'ratelimit-limit': String(this.limit),
        'ratelimit-remaining': String(Math.max(0, this.limit - bucket.used)),
        // Real seconds to wait, not an epoch time: with a fast clock the wait is short.
        'ratelimit-reset': String(Math.ceil((bucket.endsAt - now) / 1000)),
      },
    };
  }
}

/** No `Retry-After`: PagerDuty's sample and all recorded responses do not have it. */
export function rateLimitExceeded() {
  return refusal(429, 'Rate Limit Exceeded', 2020);
}
