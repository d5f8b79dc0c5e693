import { once } from 'node:events';
import { setImmediate as yieldToEventLoop, setTimeout as sleep } from 'node:timers/promises';
import fc from '../../../test/support/properties';
import type { CallContext, CallPriority } from '../provider/integration-provider';
import type { Clock } from './clock';
import { InProcessRateBudget } from './rate-budget';

/** Advances only when no other work is left. */
class VirtualClock implements Clock {
  private time = 1_000_000;
  private readonly alarms = new Set<{ at: number; wake: () => void }>();

  now(): number {
    return this.time;
  }

  after(ms: number, wake: () => void): () => void {
    const alarm = { at: this.time + ms, wake };
    this.alarms.add(alarm);
    return () => this.alarms.delete(alarm);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  get alarmsSet(): number {
    return this.alarms.size;
  }

  async pass(ms: number): Promise<void> {
    const until = this.time + ms;
    for (;;) {
      await yieldToEventLoop();
      const next = [...this.alarms].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > until) break;
      this.alarms.delete(next);
      this.time = next.at;
      next.wake();
    }
    this.time = until;
  }
}

type Rounding = 'ceil' | 'floor' | 'round';

/** A target that counts calls in fixed windows and announces the reset in whole seconds. */
class Target {
  private window = -1;
  private used = 0;
  refused = 0;
  readonly served: Record<CallPriority, number[]> = {
    leaver: [],
    interactive: [],
    push: [],
    bulk: [],
    reconcile: [],
  };

  constructor(
    private readonly clock: Clock,
    private readonly options: { limit: number; windowMs: number; phaseMs?: number; rounding?: Rounding },
  ) {}

  answer(priority: CallPriority): { limit: number; remaining: number; resetMs: number } {
    const { limit, windowMs, phaseMs = 0, rounding = 'ceil' } = this.options;
    const since = this.clock.now() + phaseMs;
    const window = Math.floor(since / windowMs);
    if (window !== this.window) {
      this.window = window;
      this.used = 0;
      for (const calls of Object.values(this.served)) calls.push(0);
    }
    if (this.used >= limit) this.refused += 1;
    else {
      this.used += 1;
      const calls = this.served[priority];
      calls[calls.length - 1]! += 1;
    }
    const seconds = ((window + 1) * windowMs - since) / 1000;
    return { limit, remaining: limit - this.used, resetMs: Math[rounding](seconds) * 1000 };
  }
}

function contextOf(priority: CallPriority, signal = new AbortController().signal): CallContext {
  return { signal, priority, assertMaySend: () => undefined };
}

/** Makes calls in sequence, like a client. */
async function caller(
  world: { clock: VirtualClock; budget: InProcessRateBudget; target: Target },
  priority: CallPriority,
  latency: () => number,
  calls = Infinity,
): Promise<void> {
  const { clock, budget, target } = world;
  for (let call = 0; call < calls; call++) {
    const context = contextOf(priority);
    await budget.acquire(context);
    const sentAt = clock.now();
    await clock.sleep(latency());
    const reading = target.answer(priority);
    await clock.sleep(latency());
    budget.observe(reading, sentAt);
    budget.ended(context);
  }
}

function worldOf(options: ConstructorParameters<typeof Target>[1]) {
  const clock = new VirtualClock();
  return { clock, budget: new InProcessRateBudget(clock), target: new Target(clock, options) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

describe('the budget of a credential', () => {
  it('is never exceeded, for all latencies, orders of answers and roundings of the reset', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          limit: fc.integer({ min: 60, max: 960 }),
          phaseMs: fc.integer({ min: 0, max: 60_000 }),
          rounding: fc.constantFrom<Rounding>('ceil', 'floor', 'round'),
          callers: fc.integer({ min: 1, max: 12 }),
          reconcilers: fc.integer({ min: 0, max: 3 }),
          latencies: fc.array(fc.integer({ min: 1, max: 1_500 }), { minLength: 1, maxLength: 20 }),
        }),
        async ({ limit, phaseMs, rounding, callers, reconcilers, latencies }) => {
          const world = worldOf({ limit, windowMs: 60_000, phaseMs, rounding });
          let drawn = 0;
          const latency = () => latencies[drawn++ % latencies.length]!;
          for (let i = 0; i < callers; i++) void caller(world, 'interactive', latency);
          for (let i = 0; i < reconcilers; i++) void caller(world, 'reconcile', latency);
          await world.clock.pass(180_000);
          expect(world.target.refused).toBe(0);
          for (const calls of world.target.served.reconcile) {
            expect(calls).toBeLessThanOrEqual(Math.floor(limit / 2));
          }
        },
      ),
      { numRuns: 50 },
    );
  }, 120_000);

  it('is used except for a few calls if there is enough work', async () => {
    const world = worldOf({ limit: 960, windowMs: 60_000 });
    const clock = world.clock;
    await clock.pass(60_000 - (clock.now() % 60_000));
    for (let i = 0; i < 4; i++) void caller(world, 'interactive', () => 40);
    await clock.pass(300_000);
    expect(world.target.refused).toBe(0);
    expect(sum(world.target.served.interactive)).toBeGreaterThan(0.95 * 5 * 960);
  });

  it('admits the first half at once and spreads the second half over the time to the reset', async () => {
    const world = worldOf({ limit: 960, windowMs: 60_000 });
    const { clock, target } = world;
    await clock.pass(60_000 - (clock.now() % 60_000));
    for (let i = 0; i < 4; i++) void caller(world, 'interactive', () => 40);
    await clock.pass(11_000);
    const early = sum(target.served.interactive);
    expect(early).toBeGreaterThan(480);
    await clock.pass(24_500);
    const half = sum(target.served.interactive) - early;
    await clock.pass(24_000);
    expect(sum(target.served.interactive) - early).toBeGreaterThan(half * 1.9);
    expect(target.refused).toBe(0);
  });

  it('is shared by all users of the credential', async () => {
    const world = worldOf({ limit: 100, windowMs: 10_000 });
    for (let i = 0; i < 20; i++) void caller(world, 'interactive', () => 5);
    await world.clock.pass(60_000);
    expect(world.target.refused).toBe(0);
  });

  it('prefers changes to reconciliation, which gets half of a window at most', async () => {
    const world = worldOf({ limit: 100, windowMs: 60_000 });
    const { clock, target } = world;
    await clock.pass(60_000 - (clock.now() % 60_000));
    for (let i = 0; i < 3; i++) void caller(world, 'reconcile', () => 10);
    await clock.pass(30_000);
    expect(target.served.reconcile[0]).toBeGreaterThan(40);
    expect(target.served.reconcile[0]).toBeLessThanOrEqual(50);
    let done = false;
    void caller(world, 'interactive', () => 10, 20).then(() => (done = true));
    await clock.pass(1_000);
    expect(done).toBe(false);
    await clock.pass(15_000);
    expect(done).toBe(true);
    expect(target.refused).toBe(0);
  });

  it('goes to the most urgent waiting call', async () => {
    const { clock, budget } = worldOf({ limit: 100, windowMs: 60_000 });
    const order: string[] = [];
    const ask = (name: string, priority: CallPriority) =>
      void budget.acquire(contextOf(priority)).then(() => order.push(name));
    budget.pause(1_000);
    ask('reconcile', 'reconcile');
    ask('large 1', 'bulk');
    ask('large 2', 'bulk');
    ask('change', 'interactive');
    ask('leaver', 'leaver');
    await clock.pass(1_000);
    expect(order).toEqual(['leaver', 'change', 'large 1']);
  });

  it('ignores an answer that is older than a known one', async () => {
    const { clock, budget } = worldOf({ limit: 100, windowMs: 60_000 });
    const start = clock.now();
    const read = () => budget.reading()?.remaining;
    budget.observe({ limit: 100, remaining: 30, resetMs: 30_000 }, start);
    budget.observe({ limit: 100, remaining: 60, resetMs: 30_000 }, start - 50);
    expect(read()).toBe(30);
    await clock.pass(31_000);
    budget.observe({ limit: 100, remaining: 90, resetMs: 59_000 }, start + 30_900);
    expect(read()).toBe(90);
    budget.observe({ limit: 100, remaining: 2, resetMs: 1_000 }, start + 29_000);
    expect(read()).toBe(90);
  });

  it('counts calls under way, which the target may not have counted yet', async () => {
    const { budget } = worldOf({ limit: 100, windowMs: 60_000 });
    const contexts = Array.from({ length: 3 }, () => contextOf('interactive'));
    for (const context of contexts) await budget.acquire(context);
    budget.observe({ limit: 100, remaining: 50, resetMs: 60_000 });
    expect(budget.reading()).toEqual({ limit: 100, remaining: 48 });
    budget.ended(contexts[0]!);
    expect(budget.reading()).toEqual({ limit: 100, remaining: 48 });
  });

  it('admits a few calls while the limit is unknown, and more when they end without a limit', async () => {
    const { clock, budget } = worldOf({ limit: 100, windowMs: 60_000 });
    let letGo = 0;
    const contexts = Array.from({ length: 10 }, () => contextOf('interactive'));
    for (const context of contexts) void budget.acquire(context).then(() => (letGo += 1));
    await clock.pass(60_000);
    expect(letGo).toBe(4);
    for (const context of contexts.slice(0, 4)) budget.ended(context);
    await clock.pass(0);
    expect(letGo).toBe(8);
    expect(budget.reading()).toBeNull();
  });

  it('pauses after a refusal and forgets the earlier answers', async () => {
    const { clock, budget } = worldOf({ limit: 100, windowMs: 60_000 });
    budget.observe({ limit: 100, remaining: 80, resetMs: 60_000 });
    const sentBefore = clock.now();
    await clock.pass(10);
    budget.pause(5_000);
    budget.pause(1_000);
    budget.observe({ limit: 100, remaining: 79, resetMs: 60_000 }, sentBefore);
    expect(budget.reading()).toEqual({ limit: 100, remaining: 0 });
    let letGo = 0;
    for (let i = 0; i < 10; i++) void budget.acquire(contextOf('interactive')).then(() => (letGo += 1));
    await clock.pass(4_999);
    expect(letGo).toBe(0);
    await clock.pass(1);
    expect(letGo).toBe(4);
    budget.observe({ limit: 100, remaining: 99, resetMs: 60_000 }, clock.now());
    await clock.pass(0);
    expect(letGo).toBe(10);
  });

  it('leaves no listener or timer behind when waiting calls are aborted', async () => {
    const { clock, budget } = worldOf({ limit: 100, windowMs: 60_000 });
    const controller = new AbortController();
    const added = jest.spyOn(controller.signal, 'addEventListener');
    const removed = jest.spyOn(controller.signal, 'removeEventListener');
    budget.pause(1_000);
    const waiting = Array.from({ length: 50 }, (_, i) =>
      budget.acquire(contextOf(i % 2 === 0 ? 'interactive' : 'reconcile', controller.signal)),
    );
    const other = budget.acquire(contextOf('interactive'));
    const reason = new Error('the lease is over');
    controller.abort(reason);
    const ends = await Promise.allSettled(waiting);
    expect(ends).toEqual(waiting.map(() => ({ status: 'rejected', reason })));
    expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([1, 1]);
    await clock.pass(1_000);
    await other;
    expect(clock.alarmsSet).toBe(0);
    await expect(budget.acquire(contextOf('interactive', controller.signal))).rejects.toBe(reason);
  });

  it('causes no leak warning of Node, also with many waiters on one signal', async () => {
    const warned = once(process, 'warning').then(() => 'warned');
    const budget = new InProcessRateBudget();
    const controller = new AbortController();
    budget.pause(20);
    const context = contextOf('interactive', controller.signal);
    await Promise.all(
      Array.from({ length: 100 }, () => budget.acquire(context).then(() => budget.ended(context))),
    );
    expect(await Promise.race([warned, sleep(20, 'silent')])).toBe('silent');
  });
});
