import { ProviderError } from '../../integrations/provider/provider-error';
import { leaverDelay, lookUpDelay, passingFailureDelay, refusalDelay } from './backoff';

const MINUTE = 60_000;

describe('the delay before a retry', () => {
  it('grows from one second to fifteen minutes after passing failures', () => {
    expect(passingFailureDelay(1, undefined, 0.999)).toBeLessThanOrEqual(1_000);
    expect(passingFailureDelay(5, undefined, 0.999)).toBeLessThanOrEqual(16_000);
    expect(passingFailureDelay(1_000, undefined, 0.999)).toBeLessThanOrEqual(15 * MINUTE);
    expect(passingFailureDelay(1_000, undefined, 0)).toBeGreaterThan(0);
  });

  it('is the hint of the target, if there is one', () => {
    expect(passingFailureDelay(9, 4_200, 0.5)).toBe(4_200);
  });

  it('follows a short hint for two minutes, then grows', () => {
    expect(passingFailureDelay(24, 5_000, 0.999)).toBe(5_000);
    expect(passingFailureDelay(25, 5_000, 0.999)).toBe(5_000);
    expect(passingFailureDelay(24 + 7, 5_000, 0.5)).toBe(32_000);
    expect(passingFailureDelay(24 + 1_000, 5_000, 0.5)).toBe(7.5 * MINUTE);
    // A hint of 0 is no usable delay.
    expect(passingFailureDelay(1_200, 0, 0.5)).toBe(100);
    expect(passingFailureDelay(1_220, 0, 0.5)).toBeGreaterThan(MINUTE);
    // A long hint is intended.
    expect(passingFailureDelay(2, 3 * MINUTE, 0)).toBe(3 * MINUTE);
  });

  it('is at most fifteen minutes, even for a longer hint', () => {
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

  it('is one hour after a refusal, then six hours', () => {
    expect([1, 2, 9].map(refusalDelay)).toEqual([60 * MINUTE, 360 * MINUTE, 360 * MINUTE]);
  });

  it('is 1, 5 and 15 minutes after a refused removal of a leaver, then as after any refusal', () => {
    expect([1, 2, 3, 4, 5, 9].map(leaverDelay)).toEqual([1, 5, 15, 60, 360, 360].map((n) => n * MINUTE));
  });

  it('is 5 minutes, 30 minutes, then six hours after a look-up without a match', () => {
    expect([1, 2, 3, 9].map(lookUpDelay)).toEqual([5 * MINUTE, 30 * MINUTE, 360 * MINUTE, 360 * MINUTE]);
  });
});
