import {
  CALL_PRIORITIES,
  type CallContext,
  type CallPriority,
  type CallSlots,
} from '../provider/integration-provider';

/** Limits parallel calls. Low priorities leave one slot free, so a large push does not delay a small change. */
export class InProcessCallSlots implements CallSlots {
  private busy = 0;
  private serialUntil = 0;
  private readonly waiting: Record<CallPriority, Set<() => void>> = {
    leaver: new Set(),
    interactive: new Set(),
    push: new Set(),
    bulk: new Set(),
    reconcile: new Set(),
  };

  constructor(private readonly size: number) {}

  async use<T>(
    { signal, priority }: Pick<CallContext, 'signal' | 'priority'>,
    call: () => Promise<T>,
  ): Promise<T> {
    await this.take(signal, priority);
    try {
      return await call();
    } finally {
      this.busy -= 1;
      this.admit();
    }
  }

  serialise(ms: number): void {
    this.serialUntil = performance.now() + ms;
  }

  private openTo(priority: CallPriority): number {
    const open = performance.now() < this.serialUntil ? 1 : this.size;
    return canWait(priority) ? Math.max(1, open - 1) : open;
  }

  private async take(signal: AbortSignal, priority: CallPriority): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const admitted = (): void => {
        signal.removeEventListener('abort', aborted);
        resolve();
      };
      const aborted = (): void => {
        this.waiting[priority].delete(admitted);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.waiting[priority].add(admitted);
      this.admit();
    });
  }

  private admit(): void {
    for (const priority of CALL_PRIORITIES) {
      for (const admitted of this.waiting[priority]) {
        if (this.busy >= this.openTo(priority)) break;
        this.waiting[priority].delete(admitted);
        this.busy += 1;
        admitted();
      }
    }
  }
}

/** Low priorities, for which one call more or less makes no difference. */
export function canWait(priority: CallPriority): boolean {
  return priority === 'bulk' || priority === 'reconcile';
}
