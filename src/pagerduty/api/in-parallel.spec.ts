import { setTimeout as sleep } from 'node:timers/promises';
import { inParallel } from './in-parallel';

describe('work in parallel', () => {
  it('starts no further item after a failure', async () => {
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
