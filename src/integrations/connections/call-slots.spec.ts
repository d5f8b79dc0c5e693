import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallPriority } from '../provider/integration-provider';
import { InProcessCallSlots } from './call-slots';

const { signal } = new AbortController();
setMaxListeners(0, signal);
const never = { signal, priority: 'interactive' as const };

async function peakOf(slots: InProcessCallSlots, calls: number): Promise<number> {
  let running = 0;
  let peak = 0;
  await Promise.all(
    Array.from({ length: calls }, () =>
      slots.use(never, async () => {
        running += 1;
        peak = Math.max(peak, running);
        await sleep(2);
        running -= 1;
      }),
    ),
  );
  return peak;
}

describe('call slots', () => {
  it('allow as many parallel calls as their size and no more', async () => {
    expect(await peakOf(new InProcessCallSlots(3), 20)).toBe(3);
  });

  it('allow one call at a time after write conflicts', async () => {
    const slots = new InProcessCallSlots(3);
    slots.serialise(60_000);
    expect(await peakOf(slots, 6)).toBe(1);
  });

  it('are free again after a call that failed', async () => {
    const slots = new InProcessCallSlots(1);
    await expect(slots.use(never, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(slots.use(never, () => Promise.resolve('yes'))).resolves.toBe('yes');
  });

  it('skip a waiting call that is aborted', async () => {
    const slots = new InProcessCallSlots(1);
    const first = slots.use(never, () => sleep(20, 'first'));
    const controller = new AbortController();
    const second = slots.use({ ...never, signal: controller.signal }, () => Promise.resolve('second'));
    const third = slots.use(never, () => Promise.resolve('third'));
    controller.abort(new Error('gave up'));
    await expect(second).rejects.toThrow('gave up');
    await expect(first).resolves.toBe('first');
    await expect(third).resolves.toBe('third');
  });

  it('go to the most urgent waiting call', async () => {
    const slots = new InProcessCallSlots(1);
    const order: string[] = [];
    const call = (priority: CallPriority) =>
      slots.use({ signal, priority }, async () => {
        await sleep(1);
        order.push(priority);
      });
    const waiting = ['bulk', 'reconcile', 'bulk', 'push', 'interactive', 'leaver'] as const;
    await Promise.all(waiting.map(call));
    expect(order).toEqual(['bulk', 'leaver', 'interactive', 'push', 'bulk', 'reconcile']);
  });

  it('keep one slot free of low priorities, for a small change', async () => {
    const slots = new InProcessCallSlots(4);
    let underWay = 0;
    const large = Array.from({ length: 8 }, () =>
      slots.use({ signal, priority: 'bulk' }, () => {
        underWay += 1;
        return sleep(50);
      }),
    );
    await slots.use({ signal, priority: 'interactive' }, () => Promise.resolve());
    expect(underWay).toBe(3);
    await Promise.all(large);
  });
});
