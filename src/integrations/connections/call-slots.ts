import type { CallSlots } from '../provider/integration-provider';

/** Of one process. */
export class InProcessCallSlots implements CallSlots {
  private busy = 0;
  private serialUntil = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly size: number) {}

  async use<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    await this.take(signal);
    try {
      return await call();
    } finally {
      this.busy -= 1;
      this.admit();
    }
  }

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
