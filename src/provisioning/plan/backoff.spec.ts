import { leaverDelay, lookUpDelay, passingFailureDelay, refusalDelay } from './backoff';

const MINUTE = 60_000;

describe('what waits is tried again', () => {
  it('after a passing failure within a second at first and within a quarter of an hour at last', () => {
    expect(passingFailureDelay(1, undefined, 0.999)).toBeLessThanOrEqual(1_000);
    expect(passingFailureDelay(5, undefined, 0.999)).toBeLessThanOrEqual(16_000);
    expect(passingFailureDelay(1_000, undefined, 0.999)).toBeLessThanOrEqual(15 * MINUTE);
    expect(passingFailureDelay(1_000, undefined, 0)).toBeGreaterThan(0);
  });

  it('when the target says so, if it does', () => {
    expect(passingFailureDelay(9, 4_200, 0.5)).toBe(4_200);
  });

  it('after a refusal in an hour and then every six', () => {
    expect([1, 2, 9].map(refusalDelay)).toEqual([60 * MINUTE, 360 * MINUTE, 360 * MINUTE]);
  });

  it('after a refusal to let a leaver go in 1, 5 and 15 minutes, and then as after any refusal', () => {
    expect([1, 2, 3, 4, 5, 9].map(leaverDelay)).toEqual([1, 5, 15, 60, 360, 360].map((n) => n * MINUTE));
  });

  it('after a look-up that found nobody in 5 minutes, 30 minutes, then every six hours', () => {
    expect([1, 2, 3, 9].map(lookUpDelay)).toEqual([5 * MINUTE, 30 * MINUTE, 360 * MINUTE, 360 * MINUTE]);
  });
});
