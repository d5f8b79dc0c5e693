import { sortedIds } from './sorted-ids';

describe('sorted ids', () => {
  it.each([0, 1, 3_999, 4_001, 12_345])('are complete and in order: %i ids', async (size) => {
    const ids = Array.from({ length: size }, (_, n) =>
      ((n * 7_919) % 1_000_003).toString(16).padStart(8, '0'),
    );
    expect(await sortedIds(new Set(ids))).toEqual([...ids].sort());
  });
});
