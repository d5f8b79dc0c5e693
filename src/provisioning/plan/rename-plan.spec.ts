import fc from '../../../test/support/properties';
import { type PendingRename, planRename, temporaryName } from './rename-plan';

const rename = (id: string, heldKey: string, wantedKey: string, stuck = false): PendingRename => ({
  id,
  heldKey,
  wantedKey,
  stuck,
});

describe('the order of renames', () => {
  it.each<[string, PendingRename[], Record<string, string>]>([
    ['takes a free name now', [rename('1', 'a', 'b')], { 1: 'now' }],
    ['changes the case of a name now', [rename('1', 'a', 'a')], { 1: 'now' }],
    [
      'waits for the holder of the name',
      [rename('1', 'a', 'b'), rename('2', 'b', 'c')],
      { 1: 'wait', 2: 'now' },
    ],
    [
      'breaks a swap through one of the two',
      [rename('1', 'a', 'b'), rename('2', 'b', 'a')],
      { 1: 'through-temporary-name', 2: 'wait' },
    ],
    [
      'breaks a cycle of three through one of them; a group outside waits',
      [rename('4', 'd', 'a'), rename('3', 'a', 'b'), rename('2', 'b', 'c'), rename('1', 'c', 'a')],
      { 1: 'through-temporary-name', 2: 'wait', 3: 'wait', 4: 'wait' },
    ],
    [
      'does not wait for a stuck group, but for one that waits for a stuck group',
      [rename('1', 'a', 'b'), rename('2', 'b', 'c'), rename('3', 'c', 'd', true)],
      { 1: 'wait', 2: 'now', 3: 'now' },
    ],
    [
      'breaks a cycle through a group that is not stuck',
      [rename('1', 'a', 'b', true), rename('3', 'b', 'c'), rename('2', 'c', 'a')],
      { 2: 'through-temporary-name', 3: 'wait' },
    ],
    [
      'breaks a cycle through any group if all are stuck',
      [rename('1', 'a', 'b', true), rename('2', 'b', 'a', true)],
      { 1: 'through-temporary-name', 2: 'through-temporary-name' },
    ],
  ])('%s', (_, pending, steps) => {
    expect(Object.fromEntries(Object.keys(steps).map((id) => [id, planRename(id, pending)]))).toEqual(steps);
  });

  it('gives every group its name in the end, and never one name to two groups', () => {
    const anyPermutation = fc.integer({ min: 1, max: 8 }).chain((size) => {
      const names = Array.from({ length: size }, (_, index) => `n${index}`);
      return fc.tuple(fc.constant(names), fc.shuffledSubarray(names, { minLength: size }));
    });
    fc.assert(
      fc.property(anyPermutation, ([held, wanted]) => {
        let teams = held.map((heldKey, index) => rename(String(index), heldKey, wanted[index]!));
        for (let turn = 0; turn < 4 * teams.length; turn++) {
          const pending = teams.filter(({ heldKey, wantedKey }) => heldKey !== wantedKey);
          const next = pending.find(({ id }) => planRename(id, pending) !== 'wait');
          if (!next) break;
          const step = planRename(next.id, pending);
          const heldKey = step === 'now' ? next.wantedKey : `temporary ${next.id}`;
          expect(teams.some((team) => team.id !== next.id && team.heldKey === heldKey)).toBe(false);
          teams = teams.map((team) => (team.id === next.id ? { ...team, heldKey } : team));
        }
        expect(teams.map(({ heldKey }) => heldKey)).toEqual(wanted);
      }),
    );
  });

  it('takes a temporary name that is not too long', () => {
    expect([...temporaryName('x'.repeat(100), '0198-abcdef', 100)]).toHaveLength(100);
    const temporary = temporaryName('On-call', '0198-abcdef', 100);
    expect(temporary).toBe('On-call (being renamed abcdef)');
    expect(temporaryName(temporary, '0198-abcdef', 100)).toBe(temporary);
  });
});
