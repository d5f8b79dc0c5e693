/** The share of the thread that making results of one kind may take, however often they are asked for. */
const SHARE = 1 / 20;
const KEPT_AT_MOST_MS = 60_000;

export interface CostlyResult<T> {
  result: T;
  /** How long it held the thread, in milliseconds; 0 for one that is made anew each time. */
  busyMs: number;
}

/**
 * Results that take long to make. Whoever asks while one is being made gets that one, and so does who asks soon after: it is
 * kept for twenty times as long as it held the thread, at most a minute.
 */
export class CostlyResults<T> {
  private readonly made = new Map<string, Promise<T>>();

  /** @param key what it is of, and whatever makes another one of it */
  get(key: string, make: () => Promise<CostlyResult<T>>): Promise<T> {
    const known = this.made.get(key);
    if (known) return known;
    const making = this.make(key, make);
    this.made.set(key, making);
    return making;
  }

  private async make(key: string, make: () => Promise<CostlyResult<T>>): Promise<T> {
    let keptMs = 0;
    try {
      const { result, busyMs } = await make();
      keptMs = Math.min(KEPT_AT_MOST_MS, busyMs / SHARE);
      return result;
    } finally {
      if (keptMs > 0) setTimeout(() => this.made.delete(key), keptMs).unref();
      else this.made.delete(key);
    }
  }
}
