import type { Fault } from '../../simulator/faults';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePass } from './support/passing-time';

const STRANGERS = 400;
const LATENCY_MS = 100;
const RECHECK_AFTER_MS = 6 * 60_000;
/** Calls that are in progress or next when a change comes, and a few that the change itself needs. */
const FEW_CALLS = 40;
const email = (name: string) => `${name}@example.com`;

describe('while hundreds of people whom PagerDuty does not have are searched for one by one', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;
  let strangers: string[];
  let latency: Fault | undefined;
  let turn = 0;
  let [onCall, everyone] = ['', ''];

  beforeAll(async () => {
    scimify = await Scimify.start();
    const names = ['ada', 'bo', 'cy', 'dee'];
    scimify.pagerDuty.addUsers([...names, 'eve', 'fay'].map((name) => ({ email: email(name) })));
    const body = { users: [], limit: 100, offset: 0, more: true, total: 20_000 };
    scimify.pagerDuty.inject({ path: /^\/users\?.*total=true/, status: 200, body });
  }, 60_000);
  afterAll(() => scimify.stop());

  beforeEach(async () => {
    turn += 1;
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    const names = ['ada', 'bo', 'cy', 'dee'];
    const nobodies = Array.from({ length: STRANGERS }, (_, index) => `nobody.${index}`);
    const ids = await integration.scim.createUsers([...names, ...nobodies].map(email));
    users = Object.fromEntries(names.map((name, index) => [name, ids[index]!]));
    strangers = ids.slice(names.length);
    await integration.scim.createGroup(`All four ${turn}`, Object.values(users));
    onCall = await integration.scim.createGroup(`On-call ${turn}`, [users.ada!, users.bo!]);
    everyone = await integration.scim.createGroup(`Everyone ${turn}`, [users.ada!, users.bo!]);
    await scimify.settled(integration);
  }, 60_000);
  afterEach(async () => {
    latency?.remove();
    await scimify.admin.delete(`/integrations/${integration.id}?teams=leave`);
  }, 60_000);

  const calls = () => scimify.pagerDuty.calls();
  const searches = () => calls().filter(({ path }) => path.includes('query=nobody'));
  const peopleOf = (team: string) => scimify.teams()[`${team} ${turn}`] ?? [];

  const beSlow = () => {
    latency = scimify.pagerDuty.inject({ latencyMs: LATENCY_MS });
  };
  const searchesToBegin = async () => {
    const before = searches().length;
    await waitFor('the searches to be under way', searches, ({ length }) => length > before + 10, 30_000);
  };
  const waitingPeople = async () => {
    await waitFor(
      'all of them to wait',
      () => scimify.groups(integration),
      (groups) => groups.reduce((sum, { members }) => sum + Number(members.pending), 0) === STRANGERS,
      60_000,
    );
    await scimify.settled(integration, ['synced', 'partial']);
  };
  const inGroupsOf = async (size: number) => {
    for (let start = 0; start < STRANGERS; start += size) {
      await integration.scim.createGroup(`Team ${turn} ${start}`, strangers.slice(start, start + size));
    }
  };

  /** The number of calls until it is done. */
  const callsUntil = async (done: () => boolean, act: () => Promise<unknown>): Promise<number> => {
    const before = calls().length;
    await act();
    await waitFor('it to be done', done, Boolean, 90_000);
    return calls().length - before;
  };

  const CHANGES: [string, () => Promise<unknown>, () => boolean][] = [
    [
      'who leaves is off another team',
      () => integration.scim.setActive(users.ada!, false),
      () => !peopleOf('On-call').includes(email('ada')),
    ],
    [
      'who leaves is off that very team',
      () => integration.scim.setActive(users.bo!, false),
      () => !peopleOf('Everyone').includes(email('bo')),
    ],
    [
      'who is added to another team is on it',
      () => integration.scim.addMembers(onCall, users.cy!),
      () => peopleOf('On-call').includes(email('cy')),
    ],
    [
      'who is added to that very team is on it',
      () => integration.scim.addMembers(everyone, users.dee!),
      () => peopleOf('Everyone').includes(email('dee')),
    ],
    [
      'who is added to another team and has to be looked up is on it',
      async () => integration.scim.addMembers(onCall, await integration.scim.createUser(email('eve'))),
      () => peopleOf('On-call').includes(email('eve')),
    ],
    [
      'who is added to that very team and has to be looked up is on it',
      async () => integration.scim.addMembers(everyone, await integration.scim.createUser(email('fay'))),
      () => peopleOf('Everyone').includes(email('fay')),
    ],
    [
      'a new group of two whom it knows has its team',
      () => integration.scim.createGroup(`New ${turn}`, [users.cy!, users.dee!]),
      () => peopleOf('New').length === 2,
    ],
  ];

  const expectAllSoon = async () => {
    const taken: Record<string, number> = {};
    for (const [what, act, done] of CHANGES) taken[what] = await callsUntil(done, act);
    const late = Object.entries(taken).filter(([, count]) => count > FEW_CALLS);
    expect(late).toEqual([]);
    // Some searches are still to come. Otherwise the changes had nothing to wait for.
    expect(searches().length).toBeLessThan(searchedBefore + STRANGERS);
  };
  let searchedBefore = 0;
  const begin = async (work: () => Promise<unknown>) => {
    beSlow();
    searchedBefore = searches().length;
    await work();
    await searchesToBegin();
  };

  it('as they are pushed in one team, any other change is made after a few calls', async () => {
    await begin(() => integration.scim.addMembers(everyone, ...strangers));
    await expectAllSoon();
  }, 120_000);

  it('as they are pushed in many small teams, any other change is made after a few calls', async () => {
    await begin(() => inGroupsOf(2));
    await expectAllSoon();
  }, 120_000);

  it('as a team of them is looked at again after a while, any other change is made after a few calls', async () => {
    await integration.scim.addMembers(everyone, ...strangers);
    await waitingPeople();
    await begin(() => letTimePass(scimify, RECHECK_AFTER_MS));
    await expectAllSoon();
  }, 120_000);

  it.each([
    ['retries that team', () => `groups/${everyone}/retry`],
    ['has everything tried again', () => 'sync'],
    ['has everything looked at', () => 'reconcile'],
  ])(
    'as an admin %s, any other change is made after a few calls',
    async (_what, path) => {
      await integration.scim.addMembers(everyone, ...strangers);
      await waitingPeople();
      await begin(() => scimify.admin.post(`/integrations/${integration.id}/${path()}`));
      await expectAllSoon();
    },
    120_000,
  );

  it('whoever is known joins before others of other groups are searched for who changed at the same time', async () => {
    const groups: string[] = [];
    for (let index = 0; index < 40; index++) {
      groups.push(await integration.scim.createGroup(`Team ${turn} ${index}`, [users.ada!]));
    }
    await scimify.settled(integration);
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    for (const [index, group] of groups.entries()) {
      await integration.scim.addMembers(group, strangers[index]!);
    }
    await integration.scim.addMembers(onCall, users.cy!);
    beSlow();
    const before = searches().length;
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await waitFor('cy to join', () => peopleOf('On-call').includes(email('cy')), Boolean, 60_000);
    expect(searches().length - before).toBeLessThan(groups.length / 2);
  }, 120_000);

  it.each([
    ['pushed as a new team', (ids: string[]) => integration.scim.createGroup(`Both ${turn}`, ids)],
    ['added to a team', (ids: string[]) => integration.scim.addMembers(everyone, ...ids)],
  ])(
    'whoever is known joins before the others are searched for who are %s with them',
    async (_what, push) => {
      beSlow();
      const before = searches().length;
      await push([...strangers, users.cy!, users.dee!]);
      const joined = () => [...peopleOf('Both'), ...peopleOf('Everyone')];
      await waitFor('dee to join', joined, (people) => people.includes(email('dee')), 60_000);
      expect(joined()).toContain(email('cy'));
      expect(searches().length - before).toBeLessThan(STRANGERS / 2);
    },
    60_000,
  );

  it('whoever is found joins before all others are searched for', async () => {
    scimify.pagerDuty.addUser({ email: email('nobody.0') });
    beSlow();
    const before = searches().length;
    await integration.scim.createGroup(`Both ${turn}`, strangers);
    await waitFor(
      'them to join',
      () => peopleOf('Both'),
      ({ length }) => length === 1,
      60_000,
    );
    expect(searches().length - before).toBeLessThan(STRANGERS / 2);
  }, 60_000);
});
