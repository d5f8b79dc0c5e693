import { currentWork, onBehalfOf } from './current-work';
import { NobodyWaitsError, Slice, atOnce, inSlices } from './slice';
import { sortInSlices } from './sort-in-slices';

const hold = (ms: number) => {
  for (const end = performance.now() + ms; performance.now() < end;);
};

/** Long work of one lane, which notes when each of its slices begins. */
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
  it('of two lanes takes turns, however many of one lane there are', async () => {
    const log: string[] = [];
    const many = [1, 2, 3, 4].map(() => work('greedy', 3, log));
    await Promise.all([...many, work('modest', 3, log)]);
    const last = log.lastIndexOf('modest');
    expect(log.slice(0, last).filter((lane) => lane === 'greedy').length).toBeLessThanOrEqual(4);
    expect(log).toHaveLength(15);
  });

  it('lets in what others wait for between any two slices', async () => {
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 1);
    await work('one', 10, []);
    clearInterval(ticking);
    expect(ticks).toBeGreaterThanOrEqual(5);
  });

  it('ends with its slice when nobody waits for it any more', async () => {
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
    await expect(running).rejects.toThrow(NobodyWaitsError);
    expect(slices).toBe(3);
  });

  it('that is written in steps comes to the same at one go and in slices', async () => {
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

  it('sorts as Array.sort does, equal items in their order', async () => {
    const items = Array.from({ length: 10_000 }, (_, n) => ({ key: (n * 7919) % 97, n }));
    const byKey = (a: { key: number }, b: { key: number }) => a.key - b.key;
    expect(await sortInSlices(items, byKey)).toEqual([...items].sort(byKey));
    expect(await sortInSlices([], byKey)).toEqual([]);
  });
});
