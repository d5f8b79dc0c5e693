/** The rate limit in one answer. Times are monotonic milliseconds. */
export interface RateReading {
  limit: number;
  remaining: number;
  /** Counted from `receivedAt`. */
  resetMs: number;
  sentAt: number;
  receivedAt: number;
}

// Targets give whole seconds to the reset and do not say how they round: PagerDuty docs, "Rate limits".
const ROUNDING_MS = 1_000;

/**
 * What the answers show about one window of a target's rate limit. An answer does not name its window, and answers
 * arrive out of order. But each answer limits the moment at which its window ends, and windows with different ends
 * are different.
 */
export class RateWindow {
  private firstEnd: number;
  private lastEnd: number;
  private left: number;

  /** @param underWay calls that the target may not have counted in its answer */
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

  /** Number of calls that are still possible. */
  get remaining(): number {
    return Math.max(0, this.left);
  }

  /** The latest possible end. */
  get endsAt(): number {
    return this.lastEnd;
  }

  /** Counts a call before it is sent. */
  take(): void {
    this.left -= 1;
  }

  /** `same` also if the reading cannot be distinguished from this window. */
  compare(reading: RateReading): 'same' | 'later' | 'earlier' {
    if (reading.sentAt >= this.lastEnd || firstEndOf(reading) > this.lastEnd) return 'later';
    return lastEndOf(reading) < this.firstEnd ? 'earlier' : 'same';
  }

  /** Within a window the remaining calls only decrease, so the lower of two readings is the newer one. */
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
  // 0 means a second that has begun.
  return receivedAt + Math.max(resetMs, ROUNDING_MS);
}
