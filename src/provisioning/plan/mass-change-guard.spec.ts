import fc from '../../../test/support/properties';
import { DEFAULT_GUARD } from '../../integrations/policies';
import type { HeldItemState } from '../guard/guard.entities';
import {
  HELD,
  REJECTED,
  type DeletionCounts,
  type RemovalCounts,
  type ScreenedDeletion,
  guardDeletion,
  guardRemovals,
  membersToCount,
  screenDeletion,
  screenRemovals,
} from './mass-change-guard';

/** @param joined members of group and integration that joined within the hour; included in the other figures */
const counts = (
  team: [members: number, removed: number],
  all: [members: number, removed: number] = [10_000, 0],
  more: Partial<RemovalCounts> = {},
  joined: [ofTeam: number, ofAll: number] = [0, 0],
): RemovalCounts => {
  const ofAll = {
    teamMembers: team[0],
    teamRemoved: team[1],
    teamWaiting: 0,
    integrationMembers: all[0],
    integrationRemoved: all[1],
    integrationWaiting: 0,
  };
  const atStart = {
    ...ofAll,
    teamMembers: team[0] - joined[0],
    integrationMembers: all[0] - joined[1],
  };
  return { ...ofAll, teamJoined: 0, atStart, starts: { team: 0, integration: 0 }, ...more };
};
const ALL: [number, number] = [10_000, 0];

describe('the mass change guard', () => {
  it.each<[string, RemovalCounts, number, ReturnType<typeof guardRemovals>]>([
    ['lets one of ten go', counts([10, 0]), 1, null],
    ['lets half of ten go', counts([10, 0]), 5, null],
    ['holds six of ten', counts([10, 0]), 6, 'team'],
    ['holds one more after five of ten within the hour', counts([5, 5]), 1, 'team'],
    ['lets three of four go, which are fewer than five', counts([4, 0]), 3, null],
    ['holds all of three', counts([3, 0]), 3, 'team'],
    ['holds the last of three', counts([1, 2]), 1, 'team'],
    ['lets both of two go', counts([2, 0]), 2, null],
    ['lets 49 of 100 in an integration go', counts([500, 0], [100, 0]), 49, null],
    ['holds 50 of 240 in an integration', counts([500, 0], [240, 0]), 50, 'integration'],
    ['lets 50 of 250 in an integration go', counts([500, 0], [250, 0]), 50, null],
    ['holds one more after fifty of 250 within the hour', counts([500, 0], [200, 50]), 1, 'integration'],
    ['holds nothing without removals', counts([0, 9], [0, 99]), 0, null],
    ['holds one more while eleven of 20 wait', counts([20, 0], ALL, { teamWaiting: 11 }), 1, 'team'],
    [
      'holds one more while fifty of 240 wait',
      counts([500, 0], [240, 0], { integrationWaiting: 50 }),
      1,
      'integration',
    ],
    ['holds six of ten after fifteen others joined', counts([25, 0], ALL, {}, [15, 15]), 6, 'team'],
    ['lets five of ten go after fifteen others joined', counts([25, 0], ALL, {}, [15, 15]), 5, null],
    ['lets all of three go after three others joined', counts([6, 0], ALL, {}, [3, 3]), 3, null],
    [
      'holds fifty of 100 in an integration after 400 others joined',
      counts([200, 0], [500, 0], {}, [0, 400]),
      50,
      'integration',
    ],
    ['lets three of three go if one joins in their place', counts([3, 0], ALL, { teamJoined: 1 }), 3, null],
    [
      'holds ten of ten although ten join in their place',
      counts([10, 0], ALL, { teamJoined: 10 }),
      10,
      'team',
    ],
    [
      'holds five of ten while one waits since yesterday',
      counts([10, 0], ALL, { teamWaiting: 1 }),
      5,
      'team',
    ],
  ])('%s', (_, given, removals, expected) => {
    expect(guardRemovals(DEFAULT_GUARD, given, removals)).toBe(expected);
  });

  it('lets members go that joined within the hour, except most of a group', () => {
    const removals = (ids: string[], given: RemovalCounts) =>
      screenRemovals(DEFAULT_GUARD, given, new Map(), ids, new Map(ids.map((id) => [id, 1]))).scope;
    const people = Array.from({ length: 15 }, (_, person) => `P${person}`);
    expect(removals(people.slice(0, 12), counts([25, 0], ALL, {}, [15, 15]))).toBeNull();
    expect(removals(people, counts([25, 0], ALL, {}, [15, 15]))).toBe('team');
  });

  const teamAlone = { ...DEFAULT_GUARD, integrationPercent: 0 };

  it.each<[string, typeof DEFAULT_GUARD, ReturnType<typeof guardRemovals>]>([
    ['teamPercent', { ...teamAlone, teamPercent: 0 }, null],
    ['teamMembers', { ...teamAlone, teamMembers: 0 }, null],
    ['neither of the team', teamAlone, 'team'],
    ['integrationPercent', { ...DEFAULT_GUARD, integrationPercent: 0 }, 'team'],
    ['integrationMembers', { ...DEFAULT_GUARD, integrationMembers: 0 }, 'team'],
    ['neither', DEFAULT_GUARD, 'integration'],
  ])('has one threshold off where 0 stands for %s', (_, policy, expected) => {
    expect(guardRemovals(policy, counts([60, 0], [100, 0]), 60)).toBe(expected);
  });

  it.each([
    { integrationPercent: 0, teamMembers: 0 },
    { integrationMembers: 0, teamMembers: 0 },
    { integrationMembers: 0, teamPercent: 0 },
  ])('lets one of a few go with %j', (zeros) => {
    const policy = { ...DEFAULT_GUARD, ...zeros };
    for (const removals of [1, 2, 3, 4])
      expect(guardRemovals(policy, counts([4, 0], [4, 0]), removals)).toBeNull();
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
    expect(guardDeletion(off, { teamsDeleted: 1_000, membersHeldBy: null })).toBeNull();
  });

  it.each<[string, DeletionCounts, ReturnType<typeof guardDeletion>]>([
    ['lets the tenth deletion of an hour go', { teamsDeleted: 9, membersHeldBy: null }, null],
    ['holds the eleventh deletion of an hour', { teamsDeleted: 10, membersHeldBy: null }, 'deletions'],
    [
      'holds the deletion of a remote group by the scope that holds its removals',
      { teamsDeleted: 0, membersHeldBy: 'team' },
      'team',
    ],
    [
      'holds it by the integration if that scope holds its removals',
      { teamsDeleted: 9, membersHeldBy: 'integration' },
      'integration',
    ],
    [
      'holds the eleventh as a deletion, even if another scope holds its removals',
      { teamsDeleted: 10, membersHeldBy: 'team' },
      'deletions',
    ],
  ])('%s', (_, given, expected) => {
    expect(guardDeletion(DEFAULT_GUARD, given)).toBe(expected);
  });

  it.each<[string, HeldItemState | undefined, DeletionCounts | null, ScreenedDeletion]>([
    ['lets no rejected deletion go', 'pinned', null, { obstacle: REJECTED, scope: null }],
    ['holds a held deletion no second time', 'held', null, { obstacle: HELD, scope: null }],
    ['lets an approved deletion go', 'approved', null, { obstacle: null, scope: null }],
    [
      'holds a deletion past a threshold',
      undefined,
      { teamsDeleted: 10, membersHeldBy: null },
      { obstacle: HELD, scope: 'deletions' },
    ],
    [
      'lets any other deletion go',
      undefined,
      { teamsDeleted: 0, membersHeldBy: null },
      { obstacle: null, scope: null },
    ],
  ])('%s', async (_, state, given, expected) => {
    const counted = jest.fn().mockResolvedValue(given);
    expect(await screenDeletion(DEFAULT_GUARD, state, counted)).toEqual(expected);
    expect(counted).toHaveBeenCalledTimes(given === null ? 0 : 1);
  });

  it('decides the same if it counts only as many members as needed', () => {
    const anyCount = fc.integer({ min: 0, max: 600 });
    const anyPolicy = fc.record({
      integrationPercent: fc.integer({ min: 0, max: 100 }),
      integrationMembers: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(anyPolicy, anyCount, anyCount, anyCount, (thresholds, members, removed, removals) => {
        const policy = { ...DEFAULT_GUARD, ...thresholds };
        const counted = Math.min(members, membersToCount(policy, removed + removals));
        const decide = (all: number) => guardRemovals(policy, counts([1_000, 0], [all, removed]), removals);
        expect(decide(counted)).toBe(decide(members));
      }),
    );
  });

  it('holds single removals exactly as one plan with all of them', () => {
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

  it('lets no member go while one waits, and no unapproved member beyond the threshold of an hour', () => {
    const anyDeed = fc.oneof(
      fc.record({ kind: fc.constant('remove' as const), count: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ kind: fc.constantFrom('list' as const, 'approve' as const) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 40 }), fc.array(anyDeed, { maxLength: 30 }), (members, deeds) => {
        const team = Array.from({ length: members }, (_, person) => `P${person}`);
        const states = new Map<string, HeldItemState>();
        let wantedOut = 0;
        let left = new Set<string>();
        let listed = new Set<string>();
        const covered = new Set<string>();
        for (const deed of deeds) {
          const waited = [...states].filter(([, state]) => state === 'held').map(([person]) => person);
          if (deed.kind === 'list') listed = new Set(waited);
          if (deed.kind === 'approve') {
            for (const person of waited.filter((one) => listed.has(one))) {
              states.set(person, 'approved');
              covered.add(person);
            }
          }
          if (deed.kind === 'remove') wantedOut = Math.min(members, wantedOut + deed.count);
          const removals = team.slice(0, wantedOut).filter((person) => !left.has(person));
          const { allowed, held } = screenRemovals(
            DEFAULT_GUARD,
            counts([members - left.size, left.size], ALL, { teamWaiting: states.size }),
            states,
            removals,
            new Map(),
          );
          if (waited.length > 0) expect(allowed.filter((person) => !covered.has(person))).toEqual([]);
          for (const person of held) states.set(person, 'held');
          for (const person of allowed) states.delete(person);
          left = new Set([...left, ...allowed]);
          const unseen = [...left].filter((person) => !covered.has(person));
          expect(guardRemovals(DEFAULT_GUARD, counts([members, 0]), unseen.length)).toBeNull();
        }
      }),
    );
  });

  describe('of several groups with removals, additions and decisions of an admin over days', () => {
    const policy = { ...DEFAULT_GUARD, integrationPercent: 40, integrationMembers: 8 };
    const TEAMS = [0, 1, 2];

    interface Team {
      members: Set<string>;
      /** Within the hour. */
      left: Set<string>;
      states: Map<string, HeldItemState>;
      /** Held by the threshold of the group. */
      ofTeam: Set<string>;
      /** How many of these wait since before the hour. */
      ofTeamAlone: Set<string>;
    }

    const countsIn = (teams: readonly Team[], index: number): RemovalCounts => {
      const sum = (of: (team: Team) => number) => teams.reduce((total, team) => total + of(team), 0);
      const { members, left, states } = teams[index]!;
      const ofAll = {
        teamMembers: members.size,
        teamRemoved: left.size,
        teamWaiting: states.size,
        integrationMembers: sum((team) => team.members.size),
        integrationRemoved: sum((team) => team.left.size),
        integrationWaiting: sum((team) => team.states.size - team.ofTeamAlone.size),
      };
      return { ...ofAll, teamJoined: 0, atStart: ofAll, starts: { team: 0, integration: 0 } };
    };

    const anyDeed = fc.record({
      kind: fc.constantFrom('take', 'take', 'take', 'put back', 'approve', 'a day passes'),
      team: fc.constantFrom(...TEAMS),
      people: fc.integer({ min: 1, max: 6 }),
    });

    const play = (
      size: number,
      deeds: readonly { kind: string; team: number; people: number }[],
      check: (
        teams: readonly Team[],
        index: number,
        decided: { wanted: string[]; allowed: string[] },
        covered: ReadonlySet<string>,
      ) => void,
    ) => {
      const teams = TEAMS.map((team): Team => ({
        members: new Set(Array.from({ length: size + team }, (_, person) => `${team}-${person}`)),
        left: new Set(),
        states: new Map(),
        ofTeam: new Set(),
        ofTeamAlone: new Set(),
      }));
      const covered = new Set<string>();
      const screen = (index: number, wanted: string[]) => {
        const team = teams[index]!;
        const before = structuredClone(teams);
        const counted = countsIn(teams, index);
        const { allowed, held, scope } = screenRemovals(policy, counted, team.states, wanted, new Map());
        for (const person of held) team.states.set(person, 'held');
        if (scope === 'team') for (const person of held) team.ofTeam.add(person);
        for (const person of allowed) {
          for (const those of [team.members, team.states, team.ofTeam, team.ofTeamAlone])
            those.delete(person);
          team.left.add(person);
        }
        check(before, index, { wanted, allowed }, covered);
        check(teams, index, { wanted: [], allowed: [] }, covered);
      };
      for (const { kind, team: index, people } of deeds) {
        const team = teams[index]!;
        if (kind === 'take') {
          screen(index, [...team.members].filter((person) => !team.states.has(person)).slice(0, people));
        }
        if (kind === 'put back') {
          for (const person of [...team.left].slice(0, people)) {
            team.left.delete(person);
            team.members.add(person);
            covered.delete(person);
          }
        }
        if (kind === 'approve') {
          for (const person of team.states.keys()) {
            team.states.set(person, 'approved');
            for (const those of [team.ofTeam, team.ofTeamAlone]) those.delete(person);
            covered.add(person);
          }
          screen(index, [...team.states.keys()]);
        }
        if (kind === 'a day passes') {
          for (const one of teams) {
            one.left.clear();
            one.ofTeamAlone = new Set(one.ofTeam);
          }
        }
      }
    };

    it('lets no unapproved member go beyond a threshold, however often members come back', () => {
      fc.assert(
        fc.property(fc.integer({ min: 3, max: 14 }), fc.array(anyDeed, { maxLength: 60 }), (size, deeds) =>
          play(size, deeds, (teams, index, _, covered) => {
            const lost = (team: Team) => [...team.left].filter((person) => !covered.has(person)).length;
            const none = (team: Team) => ({
              ...team,
              members: new Set([...team.members, ...team.left]),
              left: new Set<string>(),
              states: new Map(),
              ofTeamAlone: new Set<string>(),
            });
            const before = countsIn(teams.map(none), index);
            expect(
              guardRemovals({ ...policy, integrationPercent: 0 }, before, lost(teams[index]!)),
            ).toBeNull();
            const all = teams.reduce((total, team) => total + lost(team), 0);
            expect(guardRemovals({ ...policy, teamPercent: 0 }, before, all)).toBeNull();
          }),
        ),
      );
    });

    it('holds no removal from one group because of removals held in another since yesterday', () => {
      fc.assert(
        fc.property(fc.integer({ min: 3, max: 14 }), fc.array(anyDeed, { maxLength: 60 }), (size, deeds) =>
          play(size, deeds, (teams, index, { wanted, allowed }) => {
            if (wanted.length === 0) return;
            const free = teams.map((team, other) =>
              other === index
                ? team
                : {
                    ...team,
                    states: new Map([...team.states].filter(([person]) => !team.ofTeamAlone.has(person))),
                    ofTeamAlone: new Set<string>(),
                  },
            );
            const { states } = teams[index]!;
            const alone = screenRemovals(policy, countsIn(free, index), states, wanted, new Map());
            expect(allowed).toEqual(alone.allowed);
          }),
        ),
      );
    });
  });
});
