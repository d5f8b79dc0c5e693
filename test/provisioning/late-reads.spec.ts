import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePass, letTimePassSinceCreations } from './support/passing-time';

const SECOND = 1_000;
const email = (name: string) => `${name}@example.com`;

describe('where PagerDuty shows a team that we made only a while later', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];

  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of ['ada', 'bo']) scimify.pagerDuty.addUser({ email: email(name) });
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    users = await integration.scim.createUsers(['ada', 'bo'].map(email));
  });

  afterEach(() => scimify.stop());

  const path = (of = '') => `/integrations/${integration.id}${of}`;
  const shown = async (group: string) => (await scimify.admin.get(path(`/groups/${group}`))).body;
  /** During an attempt, the reason of the previous one is still shown. */
  const untilReason = (group: string, reason: string) =>
    waitFor(
      `the group to say ${reason}`,
      () => shown(group),
      (seen) => seen.reason === reason && seen.state !== 'syncing',
    );
  const untilGone = () =>
    waitFor(
      'the group to be gone',
      () => scimify.groups(integration),
      (groups) => groups.length === 0,
    );
  const creations = () => scimify.pagerDuty.calls({ method: 'POST', path: '/teams' }).length;
  const lookUps = () =>
    scimify.pagerDuty.calls({ method: 'GET' }).filter(({ path: called }) => /^\/teams\?.*query/.test(called))
      .length;
  const listNoTeams = () =>
    scimify.pagerDuty.inject({
      method: 'GET',
      path: /^\/teams(\?|$)/,
      status: 200,
      body: { teams: [], limit: 100, offset: 0, more: false, total: 0 },
    });
  const pass = async (ms: number) => {
    await letTimePassSinceCreations(scimify, ms);
    await letTimePass(scimify, ms);
  };

  describe('and did not answer its creation', () => {
    let lag: ReturnType<typeof listNoTeams>;

    const createWithoutAnswer = async () => {
      scimify.pagerDuty.inject({
        method: 'POST',
        path: '/teams',
        status: 500,
        afterEffect: true,
        times: 1,
      });
      lag = listNoTeams();
      const group = await integration.scim.createGroup('On-call', [users[0]!]);
      await untilReason(group, 'creation_unconfirmed');
      return group;
    };

    it('the group goes on within seconds of its being shown, and has made it', async () => {
      const group = await createWithoutAnswer();
      await pass(12 * SECOND);
      await waitFor('another attempt, which is refused', creations, (posts) => posts === 2);
      expect(await untilReason(group, 'creation_unconfirmed')).toMatchObject({
        state: 'retrying',
        message: expect.stringContaining('not known yet'),
      });
      lag.remove();
      await pass(5 * SECOND);
      await scimify.settled(integration);
      expect(await shown(group)).toMatchObject({ remote: { ownership: 'created' } });
      expect(scimify.teams()).toEqual({ 'On-call': [email('ada')] });
    });

    it('it is known for our own also where another attempt was refused for something else', async () => {
      const group = await createWithoutAnswer();
      scimify.pagerDuty.inject({ method: 'POST', path: '/teams', status: 400, times: 1 });
      await pass(12 * SECOND);
      expect(await untilReason(group, 'request_refused')).toMatchObject({ state: 'blocked' });
      lag.remove();
      await scimify.admin.post(path(`/groups/${group}/retry`));
      await scimify.settled(integration);
      expect(await shown(group)).toMatchObject({ remote: { ownership: 'created' } });
    });

    it('the name is said to be taken only once two minutes have passed', async () => {
      const group = await createWithoutAnswer();
      await pass(121 * SECOND);
      expect(await untilReason(group, 'name_taken')).toMatchObject({ state: 'blocked' });
      lag.remove();
      await scimify.admin.post(path(`/groups/${group}/retry`));
      await scimify.settled(integration);
      expect(await shown(group)).toMatchObject({ remote: { ownership: 'created' } });
    });

    it('a group renamed since comes to a team of its new name once the old one is refused for good', async () => {
      const group = await createWithoutAnswer();
      await pass(121 * SECOND);
      await untilReason(group, 'name_taken');
      await integration.scim.renameGroup(group, 'Platform');
      await waitFor(
        'a team of the new name',
        () => scimify.teams().Platform ?? [],
        (members) => members.length === 1,
      );
      await scimify.settled(integration);
      expect(await shown(group)).toMatchObject({ state: 'synced', remote: { ownership: 'created' } });
    });

    it('it is the one of its group also where that gets the name of a deleted group meanwhile', async () => {
      const former = await integration.scim.createGroup('Platform', [users[1]!]);
      await scimify.settled(integration);
      const group = await createWithoutAnswer();
      const { id } = scimify.pagerDuty.team('On-call')!;
      await scimify.admin.post(path('/pause'));
      await integration.scim.delete(`/Groups/${former}`);
      await integration.scim.renameGroup(group, 'Platform');
      lag.remove();
      await pass(12 * SECOND);
      const planned = (await scimify.admin.get(path('/plan'))).body.groups;
      expect(
        planned.map(({ groupId, action, remote }: any) => ({ groupId, action, team: remote?.name })),
      ).toEqual([
        { groupId: former, action: 'delete', team: 'Platform' },
        { groupId: group, action: 'create', team: 'On-call' },
      ]);
      await scimify.admin.post(path('/enable'));
      await waitFor(
        'the group to be the only one',
        () => scimify.groups(integration),
        (groups) => groups.length === 1 && groups[0].state === 'synced',
      );
      expect(scimify.pagerDuty.teams()).toMatchObject([{ id, name: 'Platform' }]);
      expect(scimify.teams()).toEqual({ Platform: [email('ada')] });
    });

    it('it is deleted with its group, which waits for that', async () => {
      const group = await createWithoutAnswer();
      await integration.scim.delete(`/Groups/${group}`);
      const before = lookUps();
      await pass(12 * SECOND);
      await waitFor('a look-up', lookUps, (made) => made > before);
      expect(await untilReason(group, 'creation_unconfirmed')).toMatchObject({ state: 'retrying' });
      lag.remove();
      await pass(5 * SECOND);
      await untilGone();
      expect(scimify.teams()).toEqual({});
    });

    it('a deleted group waits for no longer than two minutes', async () => {
      const group = await createWithoutAnswer();
      await integration.scim.delete(`/Groups/${group}`);
      await pass(121 * SECOND);
      await untilGone();
      expect(creations()).toBe(1);
    });
  });

  it('creations that were answered by a proxy’s page come right within two minutes by themselves', async () => {
    const page = { status: 200, body: '<html><body>Welcome</body></html>' };
    const creation = { method: 'POST', path: '/teams', ...page };
    scimify.pagerDuty.inject({ ...creation, afterEffect: true, times: 2 });
    scimify.pagerDuty.inject(creation);
    const groups: string[] = [];
    for (const name of ['One', 'Two', 'Three', 'Four']) {
      groups.push(await integration.scim.createGroup(name, users));
    }
    await waitFor('all of them', creations, (posts) => posts >= groups.length);
    scimify.pagerDuty.inject({ path: /^\/(teams|users)/, ...page });
    for (let passed = 0; passed < 40 * SECOND; passed += 5 * SECOND) {
      const waits = await waitFor(
        'the next attempts to be planned',
        async () => (await scimify.groups(integration)).map(({ nextAttemptAt }) => Date.parse(nextAttemptAt)),
        (times) => times.every((at) => at > Date.now()),
      );
      expect(Math.max(...waits) - Date.now()).toBeLessThanOrEqual(12 * SECOND);
      await pass(5 * SECOND);
    }
    scimify.pagerDuty.clearFaults();
    await pass(12 * SECOND);
    await scimify.settled(integration);
    for (const group of groups) {
      expect(await shown(group)).toMatchObject({ remote: { ownership: 'created' } });
    }
    expect(Object.keys(scimify.teams()).sort()).toEqual(['Four', 'One', 'Three', 'Two']);
  });

  it('an attempt is given its time from when it failed, however long it had waited to be sent', async () => {
    const post = scimify.pagerDuty.inject({
      method: 'POST',
      path: '/teams',
      status: 500,
      afterEffect: true,
      latencyMs: SECOND,
      times: 1,
    });
    const lag = listNoTeams();
    const group = await integration.scim.createGroup('On-call', [users[0]!]);
    await waitFor('the creation to be under way', post.hits, (hits) => hits === 1);
    await letTimePassSinceCreations(scimify, 12 * SECOND);
    const { nextAttemptAt } = await untilReason(group, 'creation_unconfirmed');
    expect(Date.parse(nextAttemptAt) - Date.now()).toBeGreaterThan(5 * SECOND);
    expect(creations()).toBe(1);
    lag.remove();
  });

  it('nobody else waits for it: who left an older team is taken out at once', async () => {
    const old = await integration.scim.createGroup('Old', users);
    await scimify.settled(integration);
    await letTimePassSinceCreations(scimify, 121 * SECOND);
    const made: string[] = [];
    for (let i = 0; i < 8; i++) made.push(await integration.scim.createGroup(`New ${i}`, [users[0]!]));
    await scimify.settled(integration);
    const unseen = made.map((_, i) => scimify.pagerDuty.team(`New ${i}`)!.id).join('|');
    await scimify.admin.patch(path(), { name: 'Renamed' });
    await scimify.admin.post(path('/pause'));
    scimify.pagerDuty.inject({ path: new RegExp(`^/teams/(${unseen})`), status: 404 });
    for (const group of made) await integration.scim.addMembers(group, users[1]!);
    await integration.scim.removeMembers(old, users[0]!);
    await scimify.admin.post(path('/enable'));
    for (const group of made) await untilReason(group, 'not_visible_yet');
    await waitFor(
      'ada to be out of the older team',
      () => scimify.teams().Old!.join(),
      (members) => members === email('bo'),
      3_000,
    );
    expect((await scimify.admin.get(path())).body.connection.status).toBe('ok');
  });

  describe('and another connection has been begun since', () => {
    const groups: string[] = [];
    let ids: (string | undefined)[];
    const names = ['One', 'Two'];
    const teamIds = () => names.map((name) => scimify.pagerDuty.team(name)?.id);

    beforeEach(async () => {
      groups.length = 0;
      for (const name of names) groups.push(await integration.scim.createGroup(name, [users[0]!]));
      await scimify.settled(integration);
      ids = teamIds();
      // Each revision has its own connection.
      await scimify.admin.patch(path(), { name: 'Renamed' });
      scimify.pagerDuty.inject({ path: /^\/teams\/\w+/, status: 404 });
      listNoTeams();
    });

    const comeInSight = async () => {
      scimify.pagerDuty.clearFaults();
      await pass(5 * SECOND);
      await scimify.settled(integration);
    };

    it('the group waits for it, and goes on with the very same team', async () => {
      await integration.scim.addMembers(groups[0]!, users[1]!);
      expect(await untilReason(groups[0]!, 'not_visible_yet')).toMatchObject({ state: 'retrying' });
      await comeInSight();
      expect(await shown(groups[0]!)).toMatchObject({ remote: { id: ids[0], ownership: 'created' } });
      expect(scimify.teams().One).toEqual([email('ada'), email('bo')]);
    });

    it('a reconciliation takes none of them for missing, and says that it has to look again', async () => {
      await scimify.admin.post(path('/reconcile'));
      const overview = await waitFor(
        'the reconciliation to say what it could not see',
        async () => (await scimify.admin.get(path('/overview'))).body,
        ({ reconciliation }) => reconciliation.problem !== null,
      );
      expect(overview.reconciliation.problem).toMatchObject({ reason: 'not_visible_yet' });
      expect((await scimify.admin.get(path())).body.suspension).toBeNull();
      expect((await scimify.admin.get(path('/drift'))).body.items).toEqual([]);
      await comeInSight();
      expect(teamIds()).toEqual(ids);
    });

    it('the deletion of a group waits for it', async () => {
      await integration.scim.delete(`/Groups/${groups[0]}`);
      expect(await untilReason(groups[0]!, 'not_visible_yet')).toMatchObject({ state: 'retrying' });
      await comeInSight();
      await waitFor(
        'the team to be gone',
        () => scimify.teams(),
        (teams) => teams.One === undefined,
      );
    });

    it('the deletion of the integration waits for it', async () => {
      await scimify.admin.delete(path('?teams=delete'));
      await untilReason(groups[0]!, 'not_visible_yet');
      scimify.pagerDuty.clearFaults();
      await pass(5 * SECOND);
      await waitFor(
        'the teams to be gone',
        () => scimify.teams(),
        (teams) => Object.keys(teams).length === 0,
      );
    });
  });
});
