import fc from 'fast-check';
import { DEFAULT_GUARD } from '../../integrations/policies';
import { type RemovalCounts, guardDeletion, guardRemovals } from './mass-change-guard';

const counts = (
  team: [members: number, removed: number],
  all: [members: number, removed: number] = [10_000, 0],
) => ({
  teamMembers: team[0],
  teamRemoved: team[1],
  integrationMembers: all[0],
  integrationRemoved: all[1],
});

describe('the guard against mass changes', () => {
  it.each<[string, RemovalCounts, number, ReturnType<typeof guardRemovals>]>([
    ['lets one of ten go', counts([10, 0]), 1, null],
    ['lets half of ten go', counts([10, 0]), 5, null],
    ['holds six of ten', counts([10, 0]), 6, 'team'],
    ['holds the one that follows five of ten within the hour', counts([5, 5]), 1, 'team'],
    ['lets three of four go, which are fewer than five', counts([4, 0]), 3, null],
    ['holds all of three', counts([3, 0]), 3, 'team'],
    ['holds the last of three', counts([1, 2]), 1, 'team'],
    ['lets both of two go', counts([2, 0]), 2, null],
    ['lets 49 of 100 in an integration go', counts([500, 0], [100, 0]), 49, null],
    ['holds 50 of 240 in an integration', counts([500, 0], [240, 0]), 50, 'integration'],
    ['lets 50 of 250 in an integration go', counts([500, 0], [250, 0]), 50, null],
    [
      'holds the one that follows fifty of 250 within the hour',
      counts([500, 0], [200, 50]),
      1,
      'integration',
    ],
    ['has nothing to hold where nothing is removed', counts([0, 9], [0, 99]), 0, null],
  ])('%s', (_, given, removals, expected) => {
    expect(guardRemovals(DEFAULT_GUARD, given, removals)).toBe(expected);
  });

  it('is off with thresholds of 0', () => {
    const off = {
      teamPercent: 0,
      teamMembers: 0,
      integrationPercent: 0,
      integrationMembers: 0,
      deletedTeams: 0,
    };
    expect(guardRemovals(off, counts([500, 0], [500, 0]), 500)).toBeNull();
    expect(guardDeletion(off, 1_000)).toBe(false);
  });

  it('lets ten teams be deleted in an hour and holds the eleventh', () => {
    expect([0, 9, 10, 11].map((deleted) => guardDeletion(DEFAULT_GUARD, deleted))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('catches single removals as surely as one plan of them all', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 400 }), fc.integer({ min: 1, max: 400 }), (members, wanted) => {
        const removals = Math.min(members, wanted);
        let removed = 0;
        while (removed < removals && !guardRemovals(DEFAULT_GUARD, counts([members - removed, removed]), 1)) {
          removed += 1;
        }
        const atOnce = guardRemovals(DEFAULT_GUARD, counts([members, 0]), removals);
        expect(removed < removals).toBe(atOnce !== null);
      }),
    );
  });
});
