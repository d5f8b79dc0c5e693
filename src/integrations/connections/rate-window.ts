/** What one answer said about the rate limit. Times are monotonic milliseconds. */
export interface RateReading {
  limit: number;
  remaining: number;
  /** From `receivedAt`. */
  resetMs: number;
  sentAt: number;
  receivedAt: number;
}

// Targets tell the time to the reset in whole seconds and do not say how they round: PagerDuty docs, "Rate limits".
const ROUNDING_MS = 1_000;

/**
 * One window of a target's rate limit, as far as its answers tell. No answer says which window it counted in, and answers come
 * out of order; but each bounds the moment at which its window ends, and windows that end at different moments are different.
 */
export class RateWindow {
  private firstEnd: number;
  private lastEnd: number;
  private left: number;

  /** @param underWay calls that the target may not have counted yet when it answered */
  constructor(
    private reading: RateReading,
    underWay: number,
  ) {
    this.firstEnd = firstEndOf(reading);
    this.lastEnd = lastEndOf(reading);
    this.left = reading.remaining - underWay;
  }

  get limit(): number {
    return this.reading.limit;
  }

  /** Calls that may still be made. */
  get remaining(): number {
    return Math.max(0, this.left);
  }

  /** When it is certain to be over. */
  get endsAt(): number {
    return this.lastEnd;
  }

  /** Counts a call that is about to be made. */
  take(): void {
    this.left -= 1;
  }

  /** Whether the reading is of this window (or cannot be told from it), of a later or of an earlier one. */
  compare(reading: RateReading): 'same' | 'later' | 'earlier' {
    if (reading.sentAt >= this.lastEnd || firstEndOf(reading) > this.lastEnd) return 'later';
    return lastEndOf(reading) < this.firstEnd ? 'earlier' : 'same';
  }

  /** Within a window calls only become fewer, so of two readings the lower one is the newer. */
  narrow(reading: RateReading, underWay: number): void {
    this.reading = reading;
    this.left = Math.min(this.left, reading.remaining - underWay);
    this.firstEnd = Math.max(this.firstEnd, firstEndOf(reading));
    this.lastEnd = Math.min(this.lastEnd, lastEndOf(reading));
  }
}

function firstEndOf({ sentAt, resetMs }: RateReading): number {
  return sentAt + resetMs - ROUNDING_MS;
}

function lastEndOf({ receivedAt, resetMs }: RateReading): number {
  // 0 is a second that has begun.
  return receivedAt + Math.max(resetMs, ROUNDING_MS);
}
