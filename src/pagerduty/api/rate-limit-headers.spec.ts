import { pauseAfterRefusal, readRateLimit } from './rate-limit-headers';

const headers = (values: Record<string, string>) => ({ header: (name: string) => values[name] ?? null });

describe('the rate limit headers', () => {
  it('tell the limit, the calls left and the seconds until there are more', () => {
    const answer = headers({
      'ratelimit-limit': '960',
      'ratelimit-remaining': '12',
      'ratelimit-reset': '37',
    });
    expect(readRateLimit(answer)).toEqual({ limit: 960, remaining: 12, resetMs: 37_000 });
  });

  it.each([
    {},
    { 'ratelimit-limit': '960', 'ratelimit-remaining': '12' },
    { 'ratelimit-limit': '0', 'ratelimit-remaining': '0', 'ratelimit-reset': '1' },
    { 'ratelimit-limit': '960', 'ratelimit-remaining': '-1', 'ratelimit-reset': '1' },
    { 'ratelimit-limit': 'many', 'ratelimit-remaining': '1', 'ratelimit-reset': '1' },
  ])('say nothing when they are %j', (values) => {
    expect(readRateLimit(headers(values as Record<string, string>))).toBeNull();
  });
});

describe('the pause after a 429', () => {
  it.each([
    [{ 'ratelimit-reset': '20' }, 0, 20_500],
    [{ 'ratelimit-reset': '20' }, 1, 20_650],
    [{ 'ratelimit-reset': '20', 'retry-after': '30' }, 0, 30_500],
    [{ 'ratelimit-reset': '0' }, 0, 500],
    [{}, 0, 5_000],
    [{}, 1, 6_500],
    [{ 'ratelimit-reset': 'soon' }, 0, 5_000],
    [{ 'ratelimit-reset': '1790000000' }, 0, 5_000],
    [{ 'ratelimit-reset': '999999' }, 0, 300_500],
  ])('with %j and chance %d is %i ms', (values, chance, pauseMs) => {
    expect(pauseAfterRefusal(headers(values as Record<string, string>), () => chance)).toBe(pauseMs);
  });
});
