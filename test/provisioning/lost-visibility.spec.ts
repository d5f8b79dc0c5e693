import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { beginReconciliation, longAfterwards, reconciliationToEnd } from './support/reconciliation';

const NAMES = ['One', 'Two', 'Three', 'Four', 'Five'];
const PEOPLE = ['ada', 'bo', 'fay'];
const email = (name: string) => `${name}@example.com`;

describe('a credential that loses sight of teams', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;
  let groups: Record<string, string>;
  let secret: string;

  /** The key belongs to a user that is in no team, so it does not see a private team. */
  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of PEOPLE) scimify.pagerDuty.addUser({ email: email(name), name });
    for (const name of NAMES) scimify.pagerDuty.addTeam({ name });
    secret = scimify.pagerDuty.addApiKey({ kind: 'user', userId: personOf('fay') });
    integration = await scimify.createIntegration({ authMethod: 'api_key', secret, policies: WITHOUT_GUARD });
    const ids = await integration.scim.createUsers(PEOPLE.map(email));
    users = Object.fromEntries(PEOPLE.map((name, index) => [name, ids[index]!]));
    groups = {};
    for (const name of NAMES) groups[name] = await integration.scim.createGroup(name, [users.ada!]);
    await scimify.settled(integration);
  });

  afterEach(() => scimify.stop());

  const personOf = (name: string) => scimify.pagerDuty.user(email(name))!.id;
  const path = (rest = '') => `/integrations/${integration.id}${rest}`;
  const hide = (...names: string[]) => setDefaultRole(names, 'none');
  const show = (...names: string[]) => setDefaultRole(names, 'manager');
  const setDefaultRole = (names: string[], defaultRole: 'none' | 'manager') => {
    for (const name of names) {
      scimify.pagerDuty.updateTeam(scimify.pagerDuty.team(name)!.id, { defaultRole });
    }
  };
  const shown = async () => (await scimify.admin.get(path())).body;
  const drift = async () => (await scimify.admin.get(path('/drift'))).body.items;
  const statuses = async () =>
    Object.fromEntries((await scimify.groups(integration)).map((group) => [group.displayName, group]));
  const writes = () =>
    scimify.pagerDuty.calls().filter(({ method, status }) => method !== 'GET' && status! < 300);

  /** PagerDuty may also add the key's user to a team that the key creates. */
  const hasBoth = (emails: string[]) => emails.includes(email('ada')) && emails.includes(email('bo'));

  const suspended = () =>
    waitFor(
      'the integration to be suspended',
      async () => (await shown()).suspension,
      (suspension) => suspension?.reason === 'visibility_lost',
    );
  const resumed = () =>
    waitFor(
      'the suspension to end',
      async () => (await shown()).suspension,
      (suspension) => suspension === null,
    );

  it('is suspended by the first changes that do not find their teams, and nothing is forgotten', async () => {
    const before = await statuses();
    const teams = scimify.teams();
    hide(...NAMES);
    scimify.pagerDuty.clearCalls();
    await integration.scim.removeMembers(groups.One!, users.ada!);
    for (const name of ['Two', 'Three', 'Four']) await integration.scim.addMembers(groups[name]!, users.bo!);
    await integration.scim.delete(`/Groups/${groups.Five}`);
    const suspension = await suspended();
    expect(suspension.message).toContain('5 of 5 teams');
    expect(writes()).toEqual([]);
    expect(scimify.teams()).toEqual(teams);
    expect(await drift()).toEqual([]);
    const after = await statuses();
    for (const name of NAMES) expect(after[name].remote.id).toBe(before[name].remote.id);

    show(...NAMES);
    await scimify.admin.post(path('/reconcile'));
    await resumed();
    await waitFor(
      'the last team to be let go',
      () => scimify.groups(integration),
      (all) => all.length === 4,
    );
    await scimify.settled(integration);
    const both = [email('ada'), email('bo')];
    expect(scimify.teams()).toEqual({ One: [], Two: both, Three: both, Four: both, Five: [] });
    expect(await drift()).toEqual([]);
  });

  it('makes teams again that were deleted, once an admin says so', async () => {
    for (const { id } of scimify.pagerDuty.teams()) scimify.pagerDuty.removeTeam(id);
    for (const name of NAMES) await integration.scim.addMembers(groups[name]!, users.bo!);
    await suspended();
    expect(scimify.teams()).toEqual({});
    await scimify.admin.post(path('/reconcile'), { acceptMissingTeams: true });
    await waitFor(
      'the teams to be there again',
      () => Object.values(scimify.teams()),
      (teams) => teams.length === 5 && teams.every(hasBoth),
    );
    await scimify.settled(integration);
    expect((await drift()).map(({ kind }: { kind: string }) => kind)).toEqual(
      NAMES.map(() => 'team_missing'),
    );
  });

  it('makes a lone team again that a change did not find, and says so', async () => {
    scimify.pagerDuty.removeTeam(scimify.pagerDuty.team('Two')!.id);
    await integration.scim.addMembers(groups.Two!, users.bo!);
    await waitFor('the team to be there again', () => scimify.teams().Two ?? [], hasBoth);
    await scimify.settled(integration);
    expect(await drift()).toMatchObject([{ kind: 'team_missing', groupId: groups.Two }]);
    expect((await shown()).suspension).toBeNull();
  });

  it('lets a group go whose team was deleted by hand', async () => {
    scimify.pagerDuty.removeTeam(scimify.pagerDuty.team('Two')!.id);
    await integration.scim.delete(`/Groups/${groups.Two}`);
    await waitFor(
      'the group to be gone',
      () => scimify.groups(integration),
      (all) => all.length === 4,
    );
    expect(await drift()).toEqual([]);
    expect((await shown()).suspension).toBeNull();
  });

  it('is not put in the place of one that sees them', async () => {
    await longAfterwards(scimify);
    scimify.pagerDuty.addUser({ email: email('stranger') });
    hide(...NAMES);
    const put = (userId: string) =>
      scimify.admin.put(path('/secret'), { secret: scimify.pagerDuty.addApiKey({ kind: 'user', userId }) });
    const refused = await put(personOf('stranger'));
    expect(refused).toMatchObject({ status: 409, body: { code: 'visibility_lost' } });
    expect(refused.body.detail).toContain('5');
    expect((await put(personOf('ada'))).status).toBe(204);
    await integration.scim.removeMembers(groups.One!, users.ada!);
    await waitFor(
      'ada to leave the team',
      () => scimify.teams().One!,
      (team) => !team.includes(email('ada')),
    );
    expect((await shown()).suspension).toBeNull();
  });

  it('is not one that may not read a single team of them', async () => {
    await longAfterwards(scimify);
    const refused = scimify.pagerDuty.inject({
      method: 'GET',
      path: `/teams/${scimify.pagerDuty.team('One')!.id}`,
      status: 403,
    });
    const another = scimify.pagerDuty.addApiKey();
    expect((await scimify.admin.put(path('/secret'), { secret: another })).status).toBe(204);
    expect(refused.hits()).toBe(1);
  });

  it('is one that sees nobody for a moment: nobody is taken for somebody who is gone', async () => {
    await integration.scim.addMembers(groups.One!, users.bo!, users.fay!);
    await waitFor(
      'all of them to be in the team',
      () => scimify.teams().One!.length,
      (size) => size === 3,
    );
    await scimify.settled(integration);
    const nobody = { users: [], limit: 100, offset: 0, more: false, total: 0 };
    scimify.pagerDuty.inject({ path: /^\/users\?.*include/, status: 200, body: nobody });
    scimify.pagerDuty.clearCalls();
    await beginReconciliation(scimify, integration);
    expect((await suspended()).message).toContain('3 of 3 people');
    expect(writes()).toEqual([]);
    expect(await scimify.members(integration, groups.One!)).toMatchObject(
      PEOPLE.map(() => ({ state: 'applied', remoteUserId: expect.any(String) })),
    );

    scimify.pagerDuty.clearFaults();
    await scimify.admin.post(path('/reconcile'));
    await resumed();
    await scimify.settled(integration);
    expect(writes()).toEqual([]);
  });

  it('is not what became of teams whose deletion had no answer', async () => {
    const made = ['Six', 'Seven', 'Eight', 'Nine', 'Ten'];
    const ids: string[] = [];
    for (const name of made) ids.push(await integration.scim.createGroup(name));
    await scimify.settled(integration);
    const lost = scimify.pagerDuty.inject({
      method: 'DELETE',
      path: /^\/teams\/[^/]+$/,
      drop: true,
      afterEffect: true,
      times: made.length,
    });
    for (const id of ids) await integration.scim.delete(`/Groups/${id}`);
    await waitFor('a deletion without an answer', lost.hits, (hits) => hits > 0);
    await scimify.admin.post(path('/reconcile'));
    await waitFor(
      'the groups to be gone',
      () => scimify.groups(integration),
      (all) => all.length === NAMES.length,
    );
    await reconciliationToEnd(scimify, integration);
    expect((await shown()).suspension).toBeNull();
  });

  describe('and is suspended for it', () => {
    beforeEach(async () => {
      hide(...NAMES);
      await beginReconciliation(scimify, integration);
      await suspended();
    });

    it('goes on once it sees them again and an admin has it looked at', async () => {
      show(...NAMES);
      await integration.scim.addMembers(groups.One!, users.bo!);
      await beginReconciliation(scimify, integration);
      await resumed();
      await scimify.settled(integration);
      expect(scimify.teams().One).toEqual([email('ada'), email('bo')]);
      expect(await drift()).toEqual([]);
    });

    it('stays so where it sees too few of them, after a look that writes nothing', async () => {
      show('One');
      await integration.scim.addMembers(groups.One!, users.bo!);
      scimify.pagerDuty.clearCalls();
      await beginReconciliation(scimify, integration);
      const { suspension } = await waitFor('the look to be over', shown, (seen) =>
        seen.suspension.message.includes('4 of 5 teams'),
      );
      expect(suspension).toMatchObject({ reason: 'visibility_lost', nextProbeAt: null });
      expect(scimify.pagerDuty.calls().filter(({ method }) => method !== 'GET')).toEqual([]);
      const looks = () => scimify.pagerDuty.calls({ method: 'GET', path: '/users' }).length;
      expect(looks()).toBe(1);
    });

    it('looks again until it can tell', async () => {
      show(...NAMES);
      const away = scimify.pagerDuty.inject({ method: 'GET', path: /^\/teams\?.*offset/, status: 503 });
      await beginReconciliation(scimify, integration);
      await waitFor('a look that fails', away.hits, (hits) => hits > 0);
      expect((await shown()).suspension).toMatchObject({ reason: 'visibility_lost' });
      away.remove();
      await resumed();
    });

    it('stays so where another account answers, which is no look at its teams', async () => {
      const other = scimify.pagerDuty.addAccount({ subdomain: 'other', region: 'us' });
      scimify.pagerDuty.removeKey(secret);
      other.addApiKey({ key: secret });
      other.addUser({ email: email('ada') });
      await scimify.admin.post(path('/reconcile'));
      const { suspension } = await waitFor(
        'the other account to be noticed',
        shown,
        ({ connection }) => connection.reason === 'account_mismatch',
      );
      expect(suspension).toMatchObject({ reason: 'visibility_lost', nextProbeAt: null });
    });

    it('goes on with another secret that sees them', async () => {
      const another = scimify.pagerDuty.addApiKey();
      expect((await scimify.admin.put(path('/secret'), { secret: another })).status).toBe(204);
      await resumed();
      await integration.scim.addMembers(groups.One!, users.bo!);
      await scimify.settled(integration);
      expect(scimify.teams().One).toEqual([email('ada'), email('bo')]);
    });
  });
});
