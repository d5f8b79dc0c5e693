/** How many calls of one account are under way at once. */
export class CallSlots {
  private busy = 0;
  private serialUntil = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly size: number) {}

  /**
   * Runs the call once a slot is free.
   * @throws the signal's reason when aborted while waiting
   */
  async use<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    await this.take(signal);
    try {
      return await call();
    } finally {
      this.busy -= 1;
      this.admit();
    }
  }

  /** One call at a time for so long: PagerDuty said that writes got in each other's way. */
  serialise(ms: number): void {
    this.serialUntil = Date.now() + ms;
  }

  private get open(): number {
    return Date.now() < this.serialUntil ? 1 : this.size;
  }

  private async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.waiting.length === 0 && this.busy < this.open) {
      this.busy += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const admitted = (): void => {
        signal.removeEventListener('abort', aborted);
        resolve();
      };
      const aborted = (): void => {
        this.waiting.splice(this.waiting.indexOf(admitted), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.waiting.push(admitted);
    });
  }

  private admit(): void {
    while (this.busy < this.open) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.busy += 1;
      next();
    }
  }
}

/** Runs `work` on every item, so many at a time; after a failure no further one is begun. */
export async function inParallel<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  let failed = false;
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined && !failed; item = queue.shift()) {
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, queue.length) }, worker));
}
