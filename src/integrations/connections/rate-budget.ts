import type { CallContext, RateBudget } from '../provider/integration-provider';

interface Waiter {
  context: CallContext;
  resolve: () => void;
  reject: (reason: unknown) => void;
  onAbort: () => void;
}

/** The calls of one credential within one process. */
export class InProcessRateBudget implements RateBudget {
  private readonly interactive: Waiter[] = [];
  private readonly reconcile: Waiter[] = [];
  private pausedUntil = 0;
  private remaining = Infinity;
  private resetAt = 0;
  private timer: NodeJS.Timeout | null = null;

  acquire(context: CallContext): Promise<void> {
    context.signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const queue = context.priority === 'interactive' ? this.interactive : this.reconcile;
      const waiter: Waiter = {
        context,
        resolve,
        reject,
        onAbort: () => {
          queue.splice(queue.indexOf(waiter), 1);
          reject(context.signal.reason as Error);
        },
      };
      context.signal.addEventListener('abort', waiter.onAbort, { once: true });
      queue.push(waiter);
      this.release();
    });
  }

  observe({ remaining, resetMs }: { limit: number; remaining: number; resetMs: number }): void {
    this.remaining = remaining;
    this.resetAt = performance.now() + resetMs;
    this.release();
  }

  pause(ms: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, performance.now() + ms);
  }

  private release(): void {
    for (;;) {
      const waitMs = this.waitMs();
      if (waitMs > 0) {
        this.releaseLater(waitMs);
        return;
      }
      const next = this.interactive.shift() ?? this.reconcile.shift();
      if (!next) return;
      next.context.signal.removeEventListener('abort', next.onAbort);
      this.remaining -= 1;
      next.resolve();
    }
  }

  private waitMs(): number {
    const now = performance.now();
    if (this.pausedUntil > now) return this.pausedUntil - now;
    if (this.remaining >= 1) return 0;
    if (this.resetAt > now) return this.resetAt - now;
    this.remaining = Infinity;
    return 0;
  }

  private releaseLater(ms: number): void {
    if (this.timer || this.interactive.length + this.reconcile.length === 0) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.release();
    }, ms + 1);
    this.timer.unref();
  }
}
