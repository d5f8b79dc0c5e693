/** The share of the thread's time that results of one kind may take, however often clients ask for them. */
const SHARE = 1 / 20;
const KEPT_AT_MOST_MS = 60_000;

export interface CostlyResult<T> {
  result: T;
  /** How long making it held the thread, in milliseconds; 0 for a result that is not kept. */
  busyMs: number;
}

/**
 * Keeps results that take long to make. Callers that ask while a result is being made share it. It is then kept
 * for twenty times as long as it held the thread, at most a minute.
 */
export class CostlyResults<T> {
  private readonly made = new Map<string, Promise<T>>();

  /** @param key identifies the result; it names everything that changes the result */
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
