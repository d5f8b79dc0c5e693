import { CostlyResults } from './costly-results';

describe('results that take long to make', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  const counter = (busyMs: number) => {
    let made = 0;
    return () => Promise.resolve({ result: (made += 1), busyMs });
  };

  it.each([
    [300, 6_000],
    [10_000, 60_000],
  ])('that held the thread for %d ms are kept for %d ms', async (busyMs, keptMs) => {
    const results = new CostlyResults<number>();
    const make = counter(busyMs);
    expect(await results.get('a', make)).toBe(1);
    jest.advanceTimersByTime(keptMs - 1);
    expect(await results.get('a', make)).toBe(1);
    expect(await results.get('b', counter(busyMs))).toBe(1);
    jest.advanceTimersByTime(1);
    expect(await results.get('a', make)).toBe(2);
  });

  it('are made once for all callers that ask meanwhile, and again each time when they cost nothing', async () => {
    const results = new CostlyResults<number>();
    const make = counter(0);
    expect(await Promise.all([results.get('a', make), results.get('a', make)])).toEqual([1, 1]);
    expect(await results.get('a', make)).toBe(2);
  });

  it('are made again after a failure', async () => {
    const results = new CostlyResults<number>();
    await expect(results.get('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await results.get('a', counter(300))).toBe(1);
  });
});
