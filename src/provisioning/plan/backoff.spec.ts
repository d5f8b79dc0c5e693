import { ProviderError } from '../../integrations/provider/provider-error';
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

  it('at the pace of the target for two minutes, and then less and less often', () => {
    expect(passingFailureDelay(24, 5_000, 0.999)).toBe(5_000);
    expect(passingFailureDelay(25, 5_000, 0.999)).toBe(5_000);
    expect(passingFailureDelay(24 + 7, 5_000, 0.5)).toBe(32_000);
    expect(passingFailureDelay(24 + 1_000, 5_000, 0.5)).toBe(7.5 * MINUTE);
    // "At once" is no pace to keep.
    expect(passingFailureDelay(1_200, 0, 0.5)).toBe(100);
    expect(passingFailureDelay(1_220, 0, 0.5)).toBeGreaterThan(MINUTE);
    // A long hint is one that somebody means.
    expect(passingFailureDelay(2, 3 * MINUTE, 0)).toBe(3 * MINUTE);
  });

  it('within a quarter of an hour, however much longer the target says', () => {
    expect(passingFailureDelay(1, 999_999_000, 0.5)).toBe(15 * MINUTE);
    const fields = {
      kind: 'unavailable',
      outcome: 'unknown',
      reason: 'away',
      message: '',
      remedy: '',
    } as const;
    const hints = [999_999_000, 2_000, -1, NaN, undefined];
    expect(hints.map((retryAfterMs) => new ProviderError({ ...fields, retryAfterMs }).retryAfterMs)).toEqual([
      15 * MINUTE,
      2_000,
      undefined,
      undefined,
      undefined,
    ]);
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
