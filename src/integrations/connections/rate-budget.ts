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

/** One listener for all that wait on one signal, so that a run with a hundred waiting calls is no hundred listeners. */
interface AbortWatch {
  waiters: number;
  end: () => void;
}

/** While nothing is known (at first, and after a reset) so many calls find out, and the others wait for their answers. */
const SCOUTS = 4;
/** Of the limit: once less is left, calls are spread over the time to the reset. */
const PACED_BELOW = 1 / 2;
/** Of the limit: what reconciliation may take of one window. */
const RECONCILE_SHARE = 1 / 2;
/** Of the limit: what reconciliation leaves to changes, however little it had itself. */
const INTERACTIVE_RESERVE = 1 / 10;
/** A timer that fires late may make up for so much. */
const LATENESS_MS = 20;

/**
 * The calls of one credential within one process. What its answers say is enough never to be refused: at first calls go as
 * they come, in the second half of a window evenly until its end, and a few are left over for what nobody here has counted
 * (the target's rounding, somebody else's use of the credential).
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
  /** Stays when it is over, so that late answers are known for what they are; null where a refusal refuted it. */
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
    // A refusal that came meanwhile says more than an answer to an earlier call.
    if (sentAt < this.pausedAt) return;
    this.limit = reading.limit;
    const resetMs = Math.min(reading.resetMs, LONGEST_HINT_MS);
    const seen = { ...reading, resetMs, sentAt, receivedAt: this.clock.now() };
    const others = Math.max(0, this.underWay - 1);
    const relation = this.window?.compare(seen) ?? 'later';
    if (relation === 'same') this.window?.narrow(seen, others);
    if (relation === 'later') {
      // Where no more is left than before, a reset that was told too early has not happened yet.
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

  /** Whether no call is under way, and none waits. */
  get isIdle(): boolean {
    return this.underWay === 0 && Object.values(this.waiting).every(({ size }) => size === 0);
  }

  reading(): { limit: number; remaining: number } | null {
    if (this.limit === null) return null;
    const now = this.clock.now();
    const remaining = this.pausedUntil > now ? 0 : (this.current(now)?.remaining ?? this.limit);
    return { limit: this.limit, remaining };
  }

  /** Lets go whoever may go now, and comes back when the next one may. */
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
        // With nothing known there is no time to wait for, only an answer.
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
      // Less what scouts took before the reset, should it have been told too early.
      const share = Math.floor(limit * RECONCILE_SHARE) - leftOver(limit);
      if (this.reconciled >= share || remaining <= limit * INTERACTIVE_RESERVE) return endsAt - now;
    }
    return Math.max(0, this.nextAt - now);
  }

  private mayScout(priority: CallPriority): boolean {
    const scouts = this.limit === null ? SCOUTS : Math.max(1, Math.min(SCOUTS, leftOver(this.limit)));
    // One of them is kept for a change that may come while slow calls of what can wait are under way.
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

  /** Null where nothing is known about the window that is open by now. */
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

/** Calls of a window that nobody makes: enough for the scouts, should the reset come later than it was told. */
function leftOver(limit: number): number {
  return Math.min(Math.floor(limit / 4), Math.max(SCOUTS, Math.ceil(limit / 64)));
}
