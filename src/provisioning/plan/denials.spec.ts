import { mayBeDeniedEverywhere } from './denials';

describe('the same refusal of a write', () => {
  it.each([
    [1, 1, false],
    [1, 10, false],
    [2, 10, false],
    [2, 2, true],
    [3, 3, true],
    [3, 10, true],
    [3, 1000, true],
  ])('on %i of %i groups may be the credential’s: %s', (stopped, all, expected) => {
    expect(mayBeDeniedEverywhere(stopped, all)).toBe(expected);
  });
});
