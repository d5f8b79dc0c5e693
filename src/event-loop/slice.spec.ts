import { currentWork, onBehalfOf } from './current-work';
import { ClientGoneError, Slice, atOnce, inSlices } from './slice';
import { sortInSlices } from './sort-in-slices';

const hold = (ms: number) => {
  for (const end = performance.now() + ms; performance.now() < end;);
};

/** Long work of one lane. It notes its lane at the start of each slice. */
async function work(lane: string, slices: number, log: string[]): Promise<void> {
  await onBehalfOf({ what: 'test', lane }, async () => {
    const slice = new Slice();
    for (let n = 0; n < slices; n++) {
      hold(12);
      expect(slice.isOver).toBe(true);
      await slice.next();
      log.push(currentWork().lane);
    }
  });
}

describe('long work', () => {
  it('of two lanes takes turns, however much work one lane has', async () => {
    const log: string[] = [];
    const many = [1, 2, 3, 4].map(() => work('greedy', 3, log));
    await Promise.all([...many, work('modest', 3, log)]);
    const last = log.lastIndexOf('modest');
    expect(log.slice(0, last).filter((lane) => lane === 'greedy').length).toBeLessThanOrEqual(4);
    expect(log).toHaveLength(15);
  });

  it('lets timers run between any two slices', async () => {
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 1);
    await work('one', 10, []);
    clearInterval(ticking);
    expect(ticks).toBeGreaterThanOrEqual(5);
  });

  it('ends with its slice when the client is gone', async () => {
    let isWanted = true;
    let slices = 0;
    const running = onBehalfOf({ what: 'test', lane: 'a', isWanted: () => isWanted }, async () => {
      const slice = new Slice();
      for (;;) {
        slices += 1;
        if (slices === 3) isWanted = false;
        await slice.next();
      }
    });
    await expect(running).rejects.toThrow(ClientGoneError);
    expect(slices).toBe(3);
  });

  it('written in steps gives the same result with and without slices', async () => {
    function* sum(): Generator<void, number> {
      let total = 0;
      for (let n = 0; n < 1_000; n++) {
        total += n;
        yield;
      }
      return total;
    }
    expect(atOnce(sum())).toBe(499_500);
    expect(await inSlices(sum())).toBe(499_500);
  });

  it('sorts as Array.sort does and keeps the order of equal items', async () => {
    const items = Array.from({ length: 10_000 }, (_, n) => ({ key: (n * 7919) % 97, n }));
    const byKey = (a: { key: number }, b: { key: number }) => a.key - b.key;
    expect(await sortInSlices(items, byKey)).toEqual([...items].sort(byKey));
    expect(await sortInSlices([], byKey)).toEqual([]);
  });
});
