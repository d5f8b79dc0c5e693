import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallSlots, inParallel } from './call-slots';

const never = new AbortController().signal;
setMaxListeners(0, never);

async function peakOf(slots: CallSlots, calls: number): Promise<number> {
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
  it('let so many calls through at once and no more', async () => {
    expect(await peakOf(new CallSlots(3), 20)).toBe(3);
  });

  it('let one through at a time after writes got in each other’s way', async () => {
    const slots = new CallSlots(3);
    slots.serialise(60_000);
    expect(await peakOf(slots, 6)).toBe(1);
  });

  it('are free again after a call that failed', async () => {
    const slots = new CallSlots(1);
    await expect(slots.use(never, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(slots.use(never, () => Promise.resolve('yes'))).resolves.toBe('yes');
  });

  it('are not waited for by who gave up', async () => {
    const slots = new CallSlots(1);
    const first = slots.use(never, () => sleep(20, 'first'));
    const controller = new AbortController();
    const second = slots.use(controller.signal, () => Promise.resolve('second'));
    const third = slots.use(never, () => Promise.resolve('third'));
    controller.abort(new Error('gave up'));
    await expect(second).rejects.toThrow('gave up');
    await expect(first).resolves.toBe('first');
    await expect(third).resolves.toBe('third');
  });
});

describe('work in parallel', () => {
  it('begins nothing more after a failure', async () => {
    const begun: number[] = [];
    const work = inParallel([1, 2, 3, 4, 5, 6], 2, async (item) => {
      begun.push(item);
      await sleep(1);
      if (item === 2) throw new Error('two');
      await sleep(5);
    });
    await expect(work).rejects.toThrow('two');
    await sleep(20);
    expect(begun).toEqual([1, 2]);
  });
});
