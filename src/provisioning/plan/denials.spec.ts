import { isDeniedEverywhere } from './denials';

describe('the same refusal of a write', () => {
  it.each([
    [1, 1, false],
    [1, 10, false],
    [2, 10, false],
    [2, 2, true],
    [3, 3, true],
    [3, 10, true],
    [3, 60, true],
    [3, 100, false],
    [5, 100, true],
    [49, 1000, false],
    [50, 1000, true],
  ])('on %i of %i groups is the credential’s: %s', (stopped, all, expected) => {
    expect(isDeniedEverywhere(stopped, all)).toBe(expected);
  });
});
