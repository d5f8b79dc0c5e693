import {
  CALL_PRIORITIES,
  type CallContext,
  type CallPriority,
  type RateBudget,
} from '../provider/integration-provider';
import { LONGEST_HINT_MS } from '../provider/provider-error';
import { canWait } from './call-slots';
import { type Clock, MONOTONIC_CLOCK } from './clock';
import { RateWindow } from './rate-window';

interface Waiter {
  context: CallContext;
  resolve: () => void;
  reject: (reason: Error) => void;
}

/** One listener for all waiters of a signal: a hundred waiting calls must not add a hundred listeners. */
interface AbortWatch {
  waiters: number;
  end: () => void;
}

/**
 * These calls go first while the limit is unknown (at the start, after a reset). Others wait for their answers.
 */
const SCOUTS = 4;
/** Share of the limit. Below it, calls are spread over the time to the reset. */
const PACED_BELOW = 1 / 2;
/** Share of the limit that reconciliation may use in one window. */
const RECONCILE_SHARE = 1 / 2;
/** Share of the limit that reconciliation always leaves to changes. */
const INTERACTIVE_RESERVE = 1 / 10;
/** A late timer may catch up this much. */
const LATENESS_MS = 20;

/**
 * The calls of one credential within one process. Follows the rate limit in the answers, so the target never
 * refuses a call. In the first half of a window calls go at once. In the second half they are spread evenly until
 * its end. A few calls stay unused, for calls that this process cannot count (rounding by the target, other users
 * of the credential).
 */
export class InProcessRateBudget implements RateBudget {
  private readonly waiting: Record<CallPriority, Set<Waiter>> = {
    leaver: new Set(),
    interactive: new Set(),
    push: new Set(),
    bulk: new Set(),
    reconcile: new Set(),
  };
  private readonly watches = new Map<AbortSignal, AbortWatch>();
  private underWay = 0;
  private reconciling = 0;
  /** Stays after its end, so late answers can be recognised. Null after a refusal, which proves it wrong. */
  private window: RateWindow | null = null;
  private limit: number | null = null;
  /** Calls of reconciliation in this window. */
  private reconciled = 0;
  /** When the next paced call is due. */
  private nextAt = 0;
  private pausedAt = -Infinity;
  private pausedUntil = -Infinity;
  private callOff: (() => void) | null = null;

  constructor(private readonly clock: Clock = MONOTONIC_CLOCK) {}

  async acquire(context: CallContext): Promise<void> {
    context.signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = { context, resolve, reject };
      this.waiting[context.priority].add(waiter);
      this.watch(context.signal);
      this.admit();
    });
  }

  observe(
    reading: { limit: number; remaining: number; resetMs: number },
    sentAt: number = this.clock.now(),
  ): void {
    // A later refusal is more reliable than the answer to an earlier call.
    if (sentAt < this.pausedAt) return;
    this.limit = reading.limit;
    const resetMs = Math.min(reading.resetMs, LONGEST_HINT_MS);
    const seen = { ...reading, resetMs, sentAt, receivedAt: this.clock.now() };
    const others = Math.max(0, this.underWay - 1);
    const relation = this.window?.compare(seen) ?? 'later';
    if (relation === 'same') this.window?.narrow(seen, others);
    if (relation === 'later') {
      // If no more calls remain than before, the target announced the reset too early and it has not happened yet.
      const isReset = this.window === null || seen.remaining > this.window.remaining + others + SCOUTS;
      if (isReset) this.reconciled = this.reconciling;
      this.window = new RateWindow(seen, others);
      this.nextAt = 0;
    }
    this.admit();
  }

  ended({ priority }: CallContext): void {
    this.underWay -= 1;
    if (priority === 'reconcile') this.reconciling -= 1;
    this.admit();
  }

  pause(ms: number): void {
    this.pausedAt = this.clock.now();
    this.pausedUntil = Math.max(this.pausedUntil, this.pausedAt + Math.min(ms, LONGEST_HINT_MS));
    this.window = null;
    this.admit();
  }

  /** True if no call is under way or waiting. */
  get isIdle(): boolean {
    return this.underWay === 0 && Object.values(this.waiting).every(({ size }) => size === 0);
  }

  reading(): { limit: number; remaining: number } | null {
    if (this.limit === null) return null;
    const now = this.clock.now();
    const remaining = this.pausedUntil > now ? 0 : (this.current(now)?.remaining ?? this.limit);
    return { limit: this.limit, remaining };
  }

  /** Admits all calls that may go now and sets a timer for the next one. */
  private admit(): void {
    this.callOff?.();
    this.callOff = null;
    const now = this.clock.now();
    for (const priority of CALL_PRIORITIES) {
      for (const waiter of this.waiting[priority]) {
        const waitMs = this.waitMs(priority, now);
        if (waitMs <= 0) {
          this.take(priority, now);
          this.remove(waiter);
          waiter.resolve();
          continue;
        }
        // While the limit is unknown, only an answer can admit the next call.
        if (waitMs < Infinity) this.callOff = this.clock.after(Math.ceil(waitMs), () => this.admit());
        return;
      }
    }
  }

  private waitMs(priority: CallPriority, now: number): number {
    if (this.pausedUntil > now) return this.pausedUntil - now;
    const window = this.current(now);
    if (window === null) return this.mayScout(priority) ? 0 : Infinity;
    const { limit, remaining, endsAt } = window;
    if (remaining <= leftOver(limit)) return endsAt - now;
    if (priority === 'reconcile') {
      // Minus the calls of the scouts before the reset, in case the target announced it too early.
      const share = Math.floor(limit * RECONCILE_SHARE) - leftOver(limit);
      if (this.reconciled >= share || remaining <= limit * INTERACTIVE_RESERVE) return endsAt - now;
    }
    return Math.max(0, this.nextAt - now);
  }

  private mayScout(priority: CallPriority): boolean {
    const scouts = this.limit === null ? SCOUTS : Math.max(1, Math.min(SCOUTS, leftOver(this.limit)));
    // Low priorities leave one scout free for a change that arrives while their slow calls are under way.
    return this.underWay < (canWait(priority) ? Math.max(1, scouts - 1) : scouts);
  }

  private take(priority: CallPriority, now: number): void {
    this.underWay += 1;
    if (priority === 'reconcile') {
      this.reconciling += 1;
      this.reconciled += 1;
    }
    const window = this.current(now);
    if (window === null) return;
    window.take();
    const { limit, remaining, endsAt } = window;
    if (remaining >= limit * PACED_BELOW) return;
    const callsLeft = Math.max(1, remaining - leftOver(limit));
    this.nextAt = Math.max(this.nextAt, now - LATENESS_MS) + (endsAt - now) / callsLeft;
  }

  /** Null if the current window is unknown. */
  private current(now: number): RateWindow | null {
    return this.window !== null && this.window.endsAt > now ? this.window : null;
  }

  private watch(signal: AbortSignal): void {
    const watch = this.watches.get(signal);
    if (watch) {
      watch.waiters += 1;
      return;
    }
    const aborted = (): void => this.abort(signal);
    signal.addEventListener('abort', aborted);
    this.watches.set(signal, { waiters: 1, end: () => signal.removeEventListener('abort', aborted) });
  }

  private remove(waiter: Waiter): void {
    const { signal, priority } = waiter.context;
    this.waiting[priority].delete(waiter);
    const watch = this.watches.get(signal)!;
    watch.waiters -= 1;
    if (watch.waiters > 0) return;
    watch.end();
    this.watches.delete(signal);
  }

  private abort(signal: AbortSignal): void {
    for (const waiting of Object.values(this.waiting)) {
      for (const waiter of waiting) {
        if (waiter.context.signal !== signal) continue;
        this.remove(waiter);
        waiter.reject(signal.reason as Error);
      }
    }
    this.admit();
  }
}

/** Unused calls of each window: enough for the scouts, in case the reset comes later than announced. */
function leftOver(limit: number): number {
  return Math.min(Math.floor(limit / 4), Math.max(SCOUTS, Math.ceil(limit / 64)));
}
