import { withDefaults } from './policies';

describe('policies', () => {
  it.each([
    undefined,
    null,
    {},
    { existingTeams: null, memberRole: null, guard: null },
    { guard: { teamPercent: null } },
  ])('get their defaults if an admin sets nothing: %j', (given) => {
    expect(withDefaults(given as Parameters<typeof withDefaults>[0])).toEqual(withDefaults({}));
  });

  it('keep every value that an admin sets, also a zero', () => {
    const policies = withDefaults({ existingTeams: 'fail', guard: { teamPercent: 0 } });
    expect(policies).toMatchObject({ existingTeams: 'fail', onGroupDelete: 'delete' });
    expect(policies.guard).toMatchObject({ teamPercent: 0, teamMembers: 5 });
  });
});
