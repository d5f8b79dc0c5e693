import { markedAt, newMark } from './mark';

describe('the mark of a change', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('contains the time at which it was made, even after the clock was set back', () => {
    jest.useFakeTimers();
    for (const at of [1_790_000_000_000, 1_790_000_000_000 - 3_600_000]) {
      jest.setSystemTime(at);
      expect([newMark(), newMark()].map(markedAt)).toEqual([at, at]);
    }
  });

  it('is unique', () => {
    expect(new Set(Array.from({ length: 1_000 }, newMark)).size).toBe(1_000);
  });

  it('contains no time if an older build made it', () => {
    expect(markedAt('6e1a3d4c-0f0a-4c8e-9d57-2b7f6f0a1b2c')).toBeNull();
  });
});
