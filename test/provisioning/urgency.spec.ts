import type { Fault } from '../../simulator/faults';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';

const LARGE = 150;
const LATENCY_MS = 150;
/** Calls to PagerDuty in this time, with four in parallel. */
const within = (ms: number) => (ms / LATENCY_MS) * 4;
const email = (name: string) => `${name}@example.com`;

describe('while a large group is pushed to a PagerDuty that takes 150 ms a call', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;
  let many: string[];
  let latency: Fault;
  let turn = 0;
  let [onCall, everyone] = ['', ''];

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    const names = ['ada', 'bo', 'cy', 'dee'];
    const crowd = Array.from({ length: LARGE }, (_, index) => `user.${index}`);
    scimify.pagerDuty.addUsers([...names, ...crowd].map((name) => ({ email: email(name) })));
    const ids = await integration.scim.createUsers([...names, ...crowd].map(email));
    users = Object.fromEntries(names.map((name, index) => [name, ids[index]!]));
    many = ids.slice(names.length);
  }, 60_000);
  afterAll(() => scimify.stop());

  beforeEach(async () => {
    turn += 1;
    await integration.scim.setActive(users.ada!, true);
    onCall = await integration.scim.createGroup(`On-call ${turn}`, [users.ada!, users.bo!]);
    everyone = await integration.scim.createGroup(`Everyone ${turn}`, [users.ada!, users.bo!]);
    await scimify.settled(integration);
    scimify.pagerDuty.clearCalls();
    latency = scimify.pagerDuty.inject({ latencyMs: LATENCY_MS });
  }, 60_000);
  afterEach(async () => {
    latency.remove();
    await scimify.settled(integration, ['synced'], 60_000);
  }, 90_000);

  const sent = () => scimify.pagerDuty.calls().length;
  const peopleOf = (team: string) => scimify.teams()[`${team} ${turn}`] ?? [];
  const remoteIdOf = (address: string) =>
    scimify.pagerDuty.users().find((user) => user.email === address)!.id;
  const patchThemIn = () => integration.scim.addMembers(everyone, ...many);
  const createThem = () => integration.scim.createGroup(`All of them ${turn}`, many);
  const createOnCall = () => integration.scim.createGroup(`New on-call ${turn}`, [users.cy!, users.dee!]);

  /** Until the push is well under way: most of it is still to come. */
  const beginPush = async (push: () => Promise<unknown>): Promise<void> => {
    const before = sent();
    await push();
    await waitFor('the push to be under way', sent, (count) => count > before + 10, 30_000);
  };

  /** The number of calls until it is done. */
  const callsUntil = async (done: () => boolean, act: () => Promise<unknown>): Promise<number> => {
    const before = sent();
    await act();
    await waitFor('it to be done', done, Boolean, 60_000);
    return sent() - before;
  };

  it('somebody who leaves is off another team at once, and off that very team', async () => {
    await beginPush(patchThemIn);
    const isOff = (team: string) => !peopleOf(team).includes(email('ada'));
    const calls = await callsUntil(
      () => isOff('On-call') && isOff('Everyone'),
      () => integration.scim.setActive(users.ada!, false),
    );
    expect(calls).toBeLessThan(within(2_000));
    expect(peopleOf('Everyone').length).toBeLessThan(LARGE / 2);
  }, 90_000);

  it('who is reactivated while they are taken out comes back', async () => {
    await beginPush(patchThemIn);
    const removal = scimify.pagerDuty.inject({ method: 'DELETE', latencyMs: 1_000 });
    await integration.scim.setActive(users.ada!, false);
    await waitFor('the removals to be under way', removal.hits, (hits) => hits >= 2, 30_000);
    await integration.scim.setActive(users.ada!, true);
    removal.remove();
    latency.remove();
    const isBack = (team: string) => peopleOf(team).includes(email('ada'));
    const removals = () =>
      scimify.pagerDuty
        .calls({ method: 'DELETE' })
        .filter(({ path }) => path.endsWith(remoteIdOf(email('ada'))));
    await waitFor('ada to have left', removals, ({ length }) => length >= 2, 30_000);
    await waitFor('ada to come back', () => isBack('On-call') && isBack('Everyone'), Boolean, 30_000);
  }, 90_000);

  it('who leaves before their turn to join came is never added', async () => {
    await beginPush(patchThemIn);
    const index = many.findLastIndex((_, each) => !peopleOf('Everyone').includes(email(`user.${each}`)));
    const remoteId = remoteIdOf(email(`user.${index}`));
    await integration.scim.setActive(many[index]!, false);
    latency.remove();
    await waitFor(
      'all others to join',
      () => peopleOf('Everyone').length,
      (size) => size === LARGE + 1,
      60_000,
    );
    await scimify.settled(integration);
    const additions = scimify.pagerDuty
      .calls({ method: 'PUT' })
      .filter(({ path }) => path.endsWith(remoteId));
    expect(additions).toEqual([]);
    await integration.scim.setActive(many[index]!, true);
  }, 120_000);

  it('none of those who leave at once is added again, where a call for one of them is refused for its rate', async () => {
    await beginPush(patchThemIn);
    const yet = many.map((id, index) => ({ id, address: email(`user.${index}`) }));
    const leavers = yet.filter(({ address }) => !peopleOf('Everyone').includes(address)).slice(-8);
    const refused = scimify.pagerDuty.inject({
      method: 'DELETE',
      path: new RegExp(remoteIdOf(leavers.at(-1)!.address)),
      status: 429,
      times: 1,
      headers: { 'ratelimit-limit': '960', 'ratelimit-remaining': '0', 'ratelimit-reset': '1' },
    });
    await Promise.all(leavers.map(({ id }) => integration.scim.setActive(id, false)));
    await waitFor('the refusal', refused.hits, (hits) => hits === 1, 30_000);
    latency.remove();
    const left = () => new Set(peopleOf('Everyone'));
    await waitFor(
      'the others to join',
      left,
      (people) =>
        yet.every(({ address }) => people.has(address) || leavers.some((one) => one.address === address)),
      60_000,
    );
    await scimify.settled(integration);
    expect(leavers.filter(({ address }) => left().has(address))).toEqual([]);
    await Promise.all(leavers.map(({ id }) => integration.scim.setActive(id, true)));
  }, 120_000);

  it('somebody who leaves is off another team at once, where groups beside it keep failing', async () => {
    await beginPush(patchThemIn);
    const failing = scimify.pagerDuty.inject({ method: 'POST', path: '/teams', status: 500, times: 4 });
    const names = [1, 2, 3, 4].map((number) => `New ${turn} ${number}`);
    await Promise.all(names.map((name) => integration.scim.createGroup(name, [users.cy!])));
    await waitFor('them to fail', failing.hits, (hits) => hits >= 3, 30_000);
    const calls = await callsUntil(
      () => !peopleOf('On-call').includes(email('ada')),
      () => integration.scim.setActive(users.ada!, false),
    );
    expect(calls).toBeLessThan(within(4_000));
    failing.remove();
  }, 90_000);

  it('somebody whose removal fails once is tried again long before the push has ended', async () => {
    await beginPush(patchThemIn);
    const path = `/teams/${scimify.pagerDuty.team(`Everyone ${turn}`)!.id}/users/${remoteIdOf(email('ada'))}`;
    scimify.pagerDuty.inject({ method: 'DELETE', path, status: 500, times: 1 });
    await integration.scim.setActive(users.ada!, false);
    await waitFor('ada to be off', () => !peopleOf('Everyone').includes(email('ada')), Boolean, 60_000);
    expect(peopleOf('Everyone').length).toBeLessThan(LARGE / 2);
  }, 90_000);

  it.each([
    ['a PATCH of a team', patchThemIn],
    ['another new group', createThem],
  ])(
    'a new group of two has its team soon beside %s',
    async (_what, push) => {
      await beginPush(push);
      const calls = await callsUntil(() => peopleOf('New on-call').length === 2, createOnCall);
      expect(calls).toBeLessThan(within(5_000));
    },
    90_000,
  );

  it('somebody who is added to another team is there soon', async () => {
    await beginPush(patchThemIn);
    const calls = await callsUntil(
      () => peopleOf('On-call').length === 3,
      () => integration.scim.addMembers(onCall, users.cy!),
    );
    expect(calls).toBeLessThan(within(5_000));
  }, 90_000);

  it.each([
    ['', patchThemIn],
    [
      ' and an admin retries it',
      async () => {
        await patchThemIn();
        await scimify.admin.post(`/integrations/${integration.id}/groups/${everyone}/retry`);
      },
    ],
  ])(
    'somebody who is added to that very team is there soon, whoever is still to join%s',
    async (_what, push) => {
      await beginPush(push);
      const calls = await callsUntil(
        () => peopleOf('Everyone').includes(email('cy')),
        () => integration.scim.addMembers(everyone, users.cy!),
      );
      expect(calls).toBeLessThan(within(5_000));
      expect(peopleOf('Everyone').length).toBeLessThan(LARGE / 2);
      // A second addition would overwrite a role that was set by hand meanwhile.
      latency.remove();
      await waitFor(
        'the others to join',
        () => peopleOf('Everyone').length,
        (size) => size === LARGE + 3,
        60_000,
      );
      await scimify.settled(integration);
      const additions = scimify.pagerDuty
        .calls({ method: 'PUT' })
        .filter(({ path }) => path.endsWith(remoteIdOf(email('cy'))));
      expect(additions).toHaveLength(1);
    },
    120_000,
  );

  it('somebody who is taken out of that very team and added again meanwhile stays on it', async () => {
    await integration.scim.addMembers(everyone, users.cy!);
    await scimify.settled(integration);
    const keep = many.slice(0, LARGE - 1);
    await beginPush(() =>
      integration.scim.patchOperations(
        `/Groups/${everyone}`,
        { op: 'add', path: 'members', value: keep.map((value) => ({ value })) },
        { op: 'remove', path: `members[value eq "${users.cy}"]` },
      ),
    );
    await integration.scim.addMembers(everyone, users.cy!);
    latency.remove();
    await waitFor(
      'the others to join',
      () => peopleOf('Everyone').length,
      (size) => size === LARGE + 2,
      60_000,
    );
    await scimify.settled(integration);
    expect(peopleOf('Everyone')).toContain(email('cy'));
    const removals = scimify.pagerDuty
      .calls({ method: 'DELETE' })
      .filter(({ path }) => path.endsWith(remoteIdOf(email('cy'))));
    expect(removals).toEqual([]);
  }, 120_000);

  it('somebody who leaves after a restart in the middle of it is off that very team at once', async () => {
    await beginPush(patchThemIn);
    await scimify.restart();
    integration.scim = scimify.scimWith(integration.id, integration.scimKey);
    const calls = await callsUntil(
      () => !peopleOf('Everyone').includes(email('ada')),
      () => integration.scim.setActive(users.ada!, false),
    );
    expect(calls).toBeLessThan(within(2_000));
    expect(peopleOf('Everyone').length).toBeLessThan(LARGE / 2);
  }, 90_000);

  it('a new group of two does not wait until all of the large one have been searched for', async () => {
    const strangers = Array.from({ length: LARGE }, (_, index) => email(`stranger.${index}`));
    scimify.pagerDuty.addUsers([...strangers, email('eve')].map((address) => ({ email: address })));
    const [eve, ...others] = await integration.scim.createUsers([email('eve'), ...strangers]);
    const body = { users: [], limit: 100, offset: 0, more: true, total: 20_000 };
    const tooLong = scimify.pagerDuty.inject({ path: /^\/users\?.*total=true/, status: 200, body });
    await beginPush(() => integration.scim.createGroup(`All of them ${turn}`, others));
    const calls = await callsUntil(
      () => peopleOf('New on-call').length === 2,
      () => integration.scim.createGroup(`New on-call ${turn}`, [users.cy!, eve!]),
    );
    expect(calls).toBeLessThan(within(5_000));
    tooLong.remove();
  }, 90_000);
});

describe('while more tenants push than a pool of 32 workers would serve', () => {
  const TENANTS = 40;
  const LATENCY = 5_000;
  let scimify: Scimify;
  beforeAll(async () => {
    scimify = await Scimify.start();
  });
  afterAll(() => scimify.stop());

  it('somebody of another tenant who leaves is off their team at once', async () => {
    const crowd = Array.from({ length: 6 }, (_, index) => email(`user.${index}`));
    scimify.pagerDuty.addUsers(crowd.map((address) => ({ email: address })));
    const quiet = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    const [ada, bo] = await quiet.scim.createUsers(crowd.slice(0, 2));
    await quiet.scim.createGroup('On-call', [ada!, bo!]);
    await scimify.settled(quiet);
    scimify.pagerDuty.inject({ method: 'PUT', latencyMs: LATENCY });
    for (let index = 0; index < TENANTS; index++) {
      const busy = await scimify.createIntegration({ authMethod: 'api_key' });
      await busy.scim.createGroup(`Team ${index}`, await busy.scim.createUsers(crowd));
    }
    const teams = () => scimify.pagerDuty.teams().length;
    await waitFor('so many to push', teams, (count) => count > 32, 60_000);
    const added = () => scimify.pagerDuty.calls({ method: 'PUT' }).length;
    await quiet.scim.setActive(ada!, false);
    const before = added();
    await waitFor(
      'ada to leave',
      () => scimify.teams()['On-call'],
      (emails) => emails?.length === 1,
      60_000,
    );
    // Each of the others has one call in progress, and may have begun the next.
    expect(added() - before).toBeLessThan(TENANTS);
  }, 180_000);
});

describe('while many integrations with the same key push many small groups, and one that is deleted lets go of its team', () => {
  const OTHERS = 20;
  const GROUPS = 10;
  let scimify: Scimify;
  beforeAll(async () => {
    scimify = await Scimify.start();
  });
  afterAll(() => scimify.stop());

  it('somebody of yet another one who leaves is off their team, and who is added is on it, after a few calls', async () => {
    const names = ['ada', 'bo', 'cy', ...Array.from({ length: 40 }, (_, index) => `user.${index}`)];
    scimify.pagerDuty.addUsers(names.map((name) => ({ email: email(name) })));
    const tenantId = await scimify.createTenant();
    const secret = scimify.pagerDuty.addApiKey();
    const options = { tenantId, secret, authMethod: 'api_key' as const, policies: WITHOUT_GUARD };
    const quiet = await scimify.createIntegration(options);
    const [ada, bo, cy] = await quiet.scim.createUsers(['ada', 'bo', 'cy'].map(email));
    const onCall = await quiet.scim.createGroup('On-call', [ada!, bo!]);
    await quiet.scim.createGroup('All three', [ada!, bo!, cy!]);
    await scimify.settled(quiet);
    const gone = await scimify.createIntegration(options);
    await gone.scim.createGroup('Gone', await gone.scim.createUsers(names.slice(3).map(email)));
    await scimify.settled(gone);

    scimify.pagerDuty.inject({ latencyMs: LATENCY_MS });
    await scimify.admin.delete(`/integrations/${gone.id}?teams=release`);
    for (let other = 0; other < OTHERS; other++) {
      const { scim } = await scimify.createIntegration(options);
      const ids = await scim.createUsers(names.slice(3, 13).map(email));
      for (let group = 0; group < GROUPS; group++) await scim.createGroup(`Team ${other} ${group}`, ids);
    }
    const onCallTeam = () => scimify.teams()['On-call']!;
    const callsUntil = async (act: () => Promise<unknown>, done: () => boolean) => {
      const before = scimify.pagerDuty.calls().length;
      await act();
      await waitFor('it to be done', done, Boolean, 90_000);
      return scimify.pagerDuty.calls().length - before;
    };
    const calls = [
      await callsUntil(
        () => quiet.scim.setActive(ada!, false),
        () => !onCallTeam().includes(email('ada')),
      ),
      await callsUntil(
        () => quiet.scim.addMembers(onCall, cy!),
        () => onCallTeam().includes(email('cy')),
      ),
      await callsUntil(
        () => quiet.scim.createGroup('New on-call', [bo!, cy!]),
        () => scimify.teams()['New on-call']?.length === 2,
      ),
    ];
    expect(calls.filter((count) => count > 40)).toEqual([]);
    // Some teams are still to come. Otherwise the changes had nothing to wait for.
    expect(scimify.pagerDuty.teams().length).toBeLessThan(OTHERS * GROUPS);
  }, 180_000);
});
