import { refusal } from '../http/answers';

const WINDOW_MS = 60_000;

interface Bucket {
  used: number;
  endsAt: number;
}

/**
 * Calls per minute, counted per bucket in fixed windows. Which calls share a bucket is the credential's business
 * (an account key, a user across all keys, an app in an account).
 */
export class RateLimiter {
  private readonly buckets = new Map<string, Bucket>();
  private readonly windowMs: number;

  /** @param clockSpeed how many times faster than real a window passes */
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

  /** Counts a call; the headers go onto its answer whatever that is (204s too, as recorded). */
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
        // Seconds to wait, not an epoch, and on the client's clock: a fast window tells a short wait.
        'ratelimit-reset': String(Math.ceil((bucket.endsAt - now) / 1000)),
      },
    };
  }
}

/** No `Retry-After`: it is absent from PagerDuty's sample and from every recorded answer. */
export function rateLimitExceeded() {
  return refusal(429, 'Rate Limit Exceeded', 2020);
}
