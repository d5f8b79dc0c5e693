import { TransactionRunner } from '../../src/database/transaction-runner';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { beginReconciliation, reconciliationToEnd } from './support/reconciliation';

const email = (name: string) => `${name}@example.com`;
const HOUR = 3_600_000;

describe('reconciliation', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;

  beforeEach(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key' });
    const names = ['ada', 'bo', 'cy', 'dee'];
    for (const name of names) scimify.pagerDuty.addUser({ email: email(name) });
    const ids = await integration.scim.createUsers(names.map(email));
    users = Object.fromEntries(names.map((name, index) => [name, ids[index]!]));
  });

  afterEach(() => scimify.stop());

  const personOf = (name: string) => scimify.pagerDuty.user(email(name))!.id;
  const teamOf = (name: string) => scimify.pagerDuty.team(name)!.id;

  /**
   * A reconciliation leaves recent writes for the next one, because PagerDuty's reads lag. This makes the writes
   * old.
   */
  const longAfterwards = () =>
    scimify.app
      .get(TransactionRunner)
      .run((tx) => tx.query('UPDATE remote_group SET lastWriteAt = lastWriteAt - 300000'));

  const reconcile = async (body: object = {}) => {
    await longAfterwards();
    scimify.pagerDuty.clearCalls();
    expect((await scimify.admin.post(`/integrations/${integration.id}/reconcile`, body)).status).toBe(202);
    await waitFor(
      'the whole target to be looked at',
      () => scimify.pagerDuty.calls({ method: 'GET', path: '/users' }).length,
      (scans) => scans > 0,
    );
  };

  /** Teams that existed before: a team that Scimify made a moment ago may just not be visible yet. */
  const groupsWithTeams = async (...names: string[]) => {
    for (const name of names) {
      scimify.pagerDuty.addTeam({ name });
      await integration.scim.createGroup(name, [users.ada!]);
    }
    await scimify.settled(integration);
  };

  const overview = async () => (await scimify.admin.get(`/integrations/${integration.id}/overview`)).body;

  const drift = async () => (await scimify.admin.get(`/integrations/${integration.id}/drift`)).body.items;

  const untilDrift = (kinds: string[]) =>
    waitFor('the drift to be reported', drift, (items) => {
      return JSON.stringify(items.map(({ kind }: { kind: string }) => kind).sort()) === JSON.stringify(kinds);
    });

  it('gives a team its name back without waiting for its time once a new group wants the name that it got by hand', async () => {
    const alpha = await integration.scim.createGroup('Alpha', [users.ada!]);
    await scimify.settled(integration);
    scimify.pagerDuty.renameTeam(teamOf('Alpha'), 'Beta');
    await longAfterwards();
    await integration.scim.createGroup('Beta', [users.bo!]);
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ Alpha: [email('ada')], Beta: [email('bo')] });
    expect(await drift()).toEqual([
      expect.objectContaining({
        groupId: alpha,
        kind: 'team_renamed',
        message: 'The team "Alpha" was renamed to "Beta" in the target. Scimify restores the name.',
        repaired: true,
      }),
    ]);
    expect((await overview()).reconciliation.lastCompletedAt).toBeNull();
  });

  it('puts back who was taken out by hand, gives a team its name back and leaves strangers alone, and says so', async () => {
    const group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
    const team = teamOf('On-call');
    scimify.pagerDuty.removeMember(team, personOf('ada'));
    scimify.pagerDuty.addMember(team, personOf('dee'));
    scimify.pagerDuty.renameTeam(team, 'Renamed by hand');
    await reconcile();
    const found = await untilDrift(['member_extra', 'member_missing', 'team_renamed']);
    expect(found).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          groupId: group,
          kind: 'member_missing',
          remoteUserId: personOf('ada'),
          repaired: true,
        }),
        expect.objectContaining({
          groupId: group,
          kind: 'member_extra',
          remoteUserId: personOf('dee'),
          repaired: false,
        }),
        expect.objectContaining({ groupId: group, kind: 'team_renamed', remoteUserId: null, repaired: true }),
      ]),
    );
    await waitFor(
      'everything to be repaired',
      () => scimify.teams()['On-call'] ?? [],
      (emails) => emails.length === 3,
    );
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('bo'), email('dee')] });

    const [{ since }] = found.filter(({ kind }: { kind: string }) => kind === 'member_extra');
    await reconcile();
    const [left] = await untilDrift(['member_extra']);
    expect(left.since).toBe(since);
  });

  it('puts back who was in the team before it was ours as somebody who stays when it is released', async () => {
    const { id: team } = scimify.pagerDuty.addTeam({ name: 'On-call' });
    scimify.pagerDuty.addMember(team, personOf('ada'));
    const group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
    const both = [email('ada'), email('bo')];
    expect(scimify.teams()).toEqual({ 'On-call': both });
    scimify.pagerDuty.removeMember(team, personOf('ada'));
    await reconcile();
    await untilDrift(['member_missing']);
    await waitFor(
      'her to be put back',
      () => scimify.teams()['On-call'],
      (emails) => emails?.join() === both.join(),
    );
    await scimify.settled(integration);
    await scimify.admin.post(`/integrations/${integration.id}/groups/${group}/release`, { mode: 'release' });
    await waitFor(
      'the group to be gone',
      () => scimify.groups(integration),
      (groups) => groups.length === 0,
    );
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada')] });
  });

  it('takes nobody out who was in the team before it was ours, and left both by hand and in the IdP meanwhile', async () => {
    const { id: team } = scimify.pagerDuty.addTeam({ name: 'On-call' });
    scimify.pagerDuty.addMember(team, personOf('ada'));
    const group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
    const refused = scimify.pagerDuty.inject({
      method: 'PUT',
      path: new RegExp(personOf('ada')),
      status: 503,
    });
    scimify.pagerDuty.removeMember(team, personOf('ada'));
    await reconcile();
    await waitFor('her to be put back in vain', refused.hits, (hits) => hits > 0);
    await integration.scim.removeMembers(group, users.ada!);
    refused.remove();
    await scimify.admin.post(`/integrations/${integration.id}/sync`);
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'On-call': [email('bo')] });
  });

  it('does not call somebody a stranger whom the identity provider wants and PagerDuty refused', async () => {
    const { id } = scimify.pagerDuty.addUser({ email: email('sam'), role: 'read_only_user' });
    const sam = await integration.scim.createUser(email('sam'));
    const group = await integration.scim.createGroup('On-call', [users.ada!, sam]);
    await scimify.settled(integration, ['partial']);
    scimify.pagerDuty.addMember(teamOf('On-call'), id);
    await beginReconciliation(scimify, integration);
    await reconciliationToEnd(scimify, integration);
    await scimify.settled(integration);
    expect(await drift()).toEqual([]);
    const members = await scimify.members(integration, group);
    expect(members.map(({ state }) => state)).toEqual(['applied', 'applied']);
  });

  it('does not take a name without its doubled and outer spaces for another one, but its case', async () => {
    const group = await integration.scim.createGroup(' On  call ', [users.ada!]);
    await scimify.settled(integration);
    const renamings = () =>
      scimify.pagerDuty.calls({ method: 'PUT' }).filter(({ path }) => /^\/teams\/[^/]+$/.test(path));
    expect(renamings()).toEqual([]);
    await reconcile();
    await reconciliationToEnd(scimify, integration);
    await scimify.settled(integration);
    expect(await drift()).toEqual([]);
    expect(renamings()).toEqual([]);
    expect((await integration.scim.get(`/Groups/${group}`)).body.displayName).toBe(' On  call ');
    await integration.scim.renameGroup(group, 'On   Call');
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'On Call': [email('ada')] });
    await reconcile();
    await reconciliationToEnd(scimify, integration);
    expect(await drift()).toEqual([]);
  });

  it('has nothing to say any more of a group that is gone with its team', async () => {
    const group = await integration.scim.createGroup('On-call', [users.ada!]);
    await scimify.settled(integration);
    scimify.pagerDuty.addMember(teamOf('On-call'), personOf('dee'));
    await reconcile();
    await untilDrift(['member_extra']);
    await integration.scim.delete(`/Groups/${group}`);
    await waitFor(
      'the group to be gone',
      () => scimify.groups(integration),
      (groups) => groups.length === 0,
    );
    expect(await drift()).toEqual([]);
  });

  it('costs as many calls as there are pages of teams and users, and writes nothing where nothing differs', async () => {
    for (const name of ['One', 'Two', 'Three'])
      await integration.scim.createGroup(name, [users.ada!, users.bo!]);
    await scimify.settled(integration);
    await reconcile();
    await scimify.settled(integration);
    const calls = scimify.pagerDuty.calls().map(({ method }) => method);
    expect(calls.filter((method) => method !== 'GET')).toEqual([]);
    expect(calls.length).toBeLessThanOrEqual(2);
  });

  describe('where strangers are to be removed', () => {
    const begin = async () => {
      integration = await scimify.createIntegration({
        authMethod: 'api_key',
        policies: { unmanagedMembers: 'remove', guard: { teamMembers: 2, teamPercent: 40 } },
      });
      const ids = await integration.scim.createUsers(['ada', 'bo', 'cy', 'dee'].map(email));
      users = Object.fromEntries(['ada', 'bo', 'cy', 'dee'].map((name, index) => [name, ids[index]!]));
    };

    it('takes them out, after a look at the team itself, but nobody who was there before', async () => {
      await begin();
      const team = scimify.pagerDuty.addTeam({ name: 'On-call' });
      scimify.pagerDuty.addMember(team.id, personOf('cy'));
      await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
      await scimify.settled(integration);
      scimify.pagerDuty.addMember(team.id, personOf('dee'));
      await reconcile();
      expect(await untilDrift(['member_extra'])).toMatchObject([
        { remoteUserId: personOf('dee'), repaired: true, message: expect.stringContaining('removes') },
      ]);
      await waitFor(
        'the stranger to be out',
        () => scimify.teams()['On-call']!,
        (emails) => !emails.includes(email('dee')),
      );
      expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('bo'), email('cy')] });
      const calls = scimify.pagerDuty.calls().map(({ method, path }) => `${method} ${path.split('?')[0]}`);
      const removal = calls.indexOf(`DELETE /teams/${team.id}/users/${personOf('dee')}`);
      expect(removal).toBeGreaterThan(0);
      expect(calls.indexOf(`GET /teams/${team.id}/members`)).toBeLessThan(removal);
      expect(calls).toContain(`GET /teams/${team.id}/members`);
      expect(calls.filter((call) => call.startsWith('DELETE'))).toHaveLength(1);
    });

    it('asks an admin first where they are many', async () => {
      await begin();
      const group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
      await scimify.settled(integration);
      for (const name of ['cy', 'dee']) scimify.pagerDuty.addMember(teamOf('On-call'), personOf(name));
      await reconcile();
      await scimify.settled(integration, ['held']);
      expect(scimify.teams()['On-call']).toHaveLength(4);
      const held = (await scimify.admin.get(`/integrations/${integration.id}/held-changes`)).body.items;
      expect(held).toMatchObject([{ groupId: group }]);
      await scimify.admin.post(`/held-changes/${held[0].id}/approve`);
      await scimify.settled(integration);
      expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('bo')] });
    });
  });

  it('makes a team again that was deleted by hand', async () => {
    await groupsWithTeams('One', 'Two', 'Three', 'Four', 'Five');
    scimify.pagerDuty.removeTeam(teamOf('Two'));
    await reconcile();
    await untilDrift(['team_missing']);
    await waitFor(
      'the team to be there again',
      () => scimify.teams().Two ?? [],
      (emails) => emails.length === 1,
    );
  });

  describe('while it reads the users', () => {
    /** The list of teams has been read by then, the users have not. */
    const readingUsers = async (body: object = {}, latencyMs = 5_000, times = 1) => {
      await longAfterwards();
      const slow = scimify.pagerDuty.inject({
        method: 'GET',
        path: /^\/users\?.*include/,
        latencyMs,
        times,
      });
      scimify.pagerDuty.clearCalls();
      await scimify.admin.post(`/integrations/${integration.id}/reconcile`, body);
      await waitFor('the users to be asked for', slow.hits, (hits) => hits > 0);
      return slow;
    };
    const looks = () => scimify.pagerDuty.calls({ method: 'GET', path: /^\/users\?.*include/ }).length;
    const groupNamed = async (name: string) =>
      (await scimify.groups(integration)).find(({ displayName }) => displayName === name);

    const untilFoundGone = (name: string) =>
      waitFor(
        'the change not to find its team',
        () => groupNamed(name),
        (shown) => shown?.reason === 'team_gone',
      );

    const untilMadeAgain = async () => {
      await waitFor(
        'the team to be there again',
        () => scimify.teams()['On-call'] ?? [],
        (emails) => emails.length === 2,
      );
      await scimify.settled(integration);
      await reconciliationToEnd(scimify, integration);
    };

    it('makes a team again without waiting for its time that is deleted by hand meanwhile', async () => {
      await groupsWithTeams('On-call', 'Other');
      const { id } = await groupNamed('On-call');
      await readingUsers();
      scimify.pagerDuty.removeTeam(teamOf('On-call'));
      await integration.scim.addMembers(id, users.bo!);
      await untilFoundGone('On-call');
      expect((await overview()).reconciliation.lastCompletedAt).toBeNull();
      await untilMadeAgain();
      expect(looks()).toBe(2);
      expect(Date.parse((await overview()).reconciliation.nextAt)).toBeGreaterThan(Date.now() + HOUR);
    });

    it('does not look again for a call on its way that finds no team after the look has found that out', async () => {
      await groupsWithTeams('On-call', 'Other');
      const { id } = await groupNamed('On-call');
      const slow = await readingUsers({}, 2_500, 2);
      scimify.pagerDuty.removeTeam(teamOf('On-call'));
      await integration.scim.addMembers(id, users.bo!);
      await untilFoundGone('On-call');
      await waitFor('the look that finds it gone', slow.hits, (hits) => hits > 1);
      const late = scimify.pagerDuty.inject({ method: 'PUT', latencyMs: 5_000, times: 1 });
      await waitFor('the next attempt', late.hits, (hits) => hits > 0);
      await untilMadeAgain();
      expect(looks()).toBe(2);
    });

    it('does not take teams for deleted by what an admin said of those that were missing before', async () => {
      await groupsWithTeams('One', 'Two', 'Three', 'Four');
      const { id } = await groupNamed('One');
      await readingUsers({ acceptMissingTeams: true });
      scimify.pagerDuty.removeTeam(teamOf('One'));
      await integration.scim.addMembers(id, users.bo!);
      await untilFoundGone('One');
      for (const name of ['Two', 'Three', 'Four']) scimify.pagerDuty.removeTeam(teamOf(name));
      const { suspension } = await waitFor(
        'the integration to be suspended',
        async () => (await scimify.admin.get(`/integrations/${integration.id}`)).body,
        (shown) => shown.suspension !== null,
      );
      expect(suspension.reason).toBe('visibility_lost');
      expect(scimify.teams()).toEqual({});
    });
  });

  it('stops when most teams are gone at once, and makes them again only when an admin says that they were deleted', async () => {
    await groupsWithTeams('One', 'Two', 'Three');
    for (const name of ['One', 'Two', 'Three']) scimify.pagerDuty.removeTeam(teamOf(name));
    await reconcile();
    const shown = await waitFor(
      'the integration to be suspended',
      async () => (await scimify.admin.get(`/integrations/${integration.id}`)).body,
      ({ suspension }) => suspension !== null,
    );
    expect(shown.suspension).toMatchObject({ reason: 'visibility_lost', nextProbeAt: null });
    // The engine does not read so many teams one by one.
    expect(scimify.pagerDuty.calls({ method: 'GET', path: /^\/teams\/\w+$/ })).toEqual([]);
    await scimify.admin.post(`/integrations/${integration.id}/sync`);
    expect(scimify.teams()).toEqual({});
    await reconcile({ acceptMissingTeams: true });
    await waitFor(
      'the teams to be there again',
      () => Object.values(scimify.teams()),
      (teams) => teams.length === 3 && teams.every((emails) => emails.length === 1),
    );
  });

  it('removes nobody and puts back nobody by a list that could not be read to its end, but soon after', async () => {
    await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
    scimify.pagerDuty.removeMember(teamOf('On-call'), personOf('ada'));
    scimify.pagerDuty.inject({ method: 'GET', path: /^\/users\?.*offset/, status: 503 });
    await reconcile();
    await waitFor(
      'the failed reading to be over',
      () => scimify.pagerDuty.calls({ status: 503 }).length,
      (failed) => failed > 0,
    );
    expect(scimify.teams()).toEqual({ 'On-call': [email('bo')] });
    expect(await drift()).toEqual([]);
    const { reconciliation } = await waitFor(
      'the overview to say so',
      overview,
      (figures) => figures.reconciliation.problem !== null,
    );
    expect(reconciliation).toMatchObject({ lastCompletedAt: null, problem: { reason: 'server_error' } });
    expect(Date.parse(reconciliation.nextAt)).toBeLessThan(Date.now() + 15 * 60_000);
    scimify.pagerDuty.clearFaults();
    await waitFor(
      'everybody to be back',
      () => scimify.teams()['On-call']!,
      (emails) => emails.length === 2,
      40_000,
    );
    const after = await waitFor(
      'the look to be complete',
      overview,
      (figures) => figures.reconciliation.problem === null,
    );
    expect(Date.parse(after.reconciliation.lastCompletedAt)).toBeLessThanOrEqual(Date.now());
    expect(Date.parse(after.reconciliation.nextAt)).toBeGreaterThan(Date.now() + HOUR);
  }, 60_000);

  it('says that the connection is well again once it could read everything after a refusal', async () => {
    await integration.scim.createGroup('On-call', [users.ada!]);
    await scimify.settled(integration);
    const refusal = scimify.pagerDuty.inject({ path: /^\/teams\?/, status: 429, times: 1 });
    await longAfterwards();
    await scimify.admin.post(`/integrations/${integration.id}/reconcile`);
    await waitFor('the refusal', refusal.hits, (hits) => hits > 0);
    await waitFor(
      'the look to be complete',
      overview,
      ({ reconciliation }) => reconciliation.lastCompletedAt !== null && reconciliation.problem === null,
    );
    await waitFor(
      'the connection to be well',
      async () => (await scimify.admin.get(`/integrations/${integration.id}`)).body.connection,
      ({ status }) => status === 'ok',
    );
  });

  it('waits for the interval where a list is refused for good, and says so', async () => {
    await integration.scim.createGroup('On-call', [users.ada!]);
    await scimify.settled(integration);
    scimify.pagerDuty.inject({
      method: 'GET',
      path: /^\/users\?.*offset/,
      status: 400,
      body: { error: { message: 'Not today', code: 2001 } },
    });
    await reconcile();
    const { reconciliation } = await waitFor(
      'the overview to say so',
      overview,
      (figures) => figures.reconciliation.problem?.reason === 'request_refused',
    );
    expect(reconciliation.problem.message).toContain('Not today');
    expect(Date.parse(reconciliation.nextAt)).toBeGreaterThan(Date.now() + HOUR);
  });

  it('looks a person up afresh whom PagerDuty no longer has', async () => {
    const group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
    const former = personOf('ada');
    scimify.pagerDuty.removeUser(former);
    await reconcile();
    const [shown] = await scimify.settled(integration, ['partial']);
    expect(shown).toMatchObject({ id: group, reason: 'user_not_found' });
    const again = scimify.pagerDuty.addUser({ email: email('ada') });
    expect(again.id).not.toBe(former);
    await scimify.admin.post(`/integrations/${integration.id}/sync`);
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('bo')] });
  });
});
