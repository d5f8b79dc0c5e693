import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { beginReconciliation, reconciliationToEnd } from './support/reconciliation';

const MEMBERS = 200;
const email = (user: number) => `user.${user}@example.com`;

describe('the calls to PagerDuty', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];
  let group: string;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration();
    scimify.pagerDuty.addUsers(Array.from({ length: 1000 }, (_, user) => ({ email: email(user) })));
    users = await integration.scim.createUsers(Array.from({ length: MEMBERS + 3 }, (_, user) => email(user)));
    group = await integration.scim.createGroup('On-call', users.slice(0, MEMBERS));
    await scimify.settled(integration);
    expect(scimify.teams()['On-call']).toHaveLength(MEMBERS);
  });

  afterAll(() => scimify.stop());

  const callsOf = async (act: () => Promise<unknown>) => {
    scimify.pagerDuty.clearCalls();
    await act();
    await scimify.settled(integration);
    return scimify.pagerDuty.calls().map(({ method, path }) => `${method} ${path}`);
  };

  it('are one for a member who is added and not more than two when the person is new', async () => {
    const calls = await callsOf(() => integration.scim.addMembers(group, users[MEMBERS]!));
    expect(calls.length).toBeLessThanOrEqual(2);
    expect(calls.at(-1)).toMatch(/^PUT \/teams\/\w+\/users\/\w+$/);
  });

  it('are exactly one for a member who is added and known', async () => {
    await integration.scim.removeMembers(group, users[MEMBERS]!);
    await scimify.settled(integration);
    const calls = await callsOf(() => integration.scim.addMembers(group, users[MEMBERS]!));
    expect(calls).toEqual([expect.stringMatching(/^PUT \/teams\/\w+\/users\/\w+$/)]);
  });

  it('are exactly one for a member who is removed', async () => {
    const calls = await callsOf(() => integration.scim.removeMembers(group, users[MEMBERS]!));
    expect(calls).toEqual([expect.stringMatching(/^DELETE \/teams\/\w+\/users\/\w+$/)]);
  });

  it('are none for what changes nothing', async () => {
    const calls = await callsOf(async () => {
      await integration.scim.addMembers(group, users[0]!);
      await integration.scim.removeMembers(group, users[MEMBERS + 1]!);
      await integration.scim.renameGroup(group, 'On-call');
    });
    expect(calls).toEqual([]);
  });

  it('are none while the integration is paused, and everything is made up for afterwards', async () => {
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    scimify.pagerDuty.clearCalls();
    await integration.scim.addMembers(group, users[MEMBERS + 1]!);
    const [shown] = await scimify.groups(integration);
    expect(shown).toMatchObject({ state: 'pending', generation: shown.appliedGeneration + 1 });
    expect(scimify.pagerDuty.calls()).toEqual([]);
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await waitFor(
      'the member to join',
      () => scimify.teams()['On-call']!,
      (emails) => emails.includes(email(MEMBERS + 1)),
    );
  });
});

/** PagerDuty's largest page. */
const PAGE = 100;
const pages = (rows: number) => Math.ceil(rows / PAGE);

/** One turn of the engine. The next turn looks up again what is left over. */
const TURN_MS = 10_000;

interface Push {
  groups: number;
  membersEach: number;
  /** Different people in these groups. */
  people: number;
  /** Users and teams of the account before the push. */
  pagerDutyUsers: number;
  pagerDutyTeams: number;
}

/** What a first push costs at least. */
const leastCallsOf = (push: Push) => ({
  // A token for the app, once.
  token: 1,
  // The account's identity, once: the first team shows it (an account without a team would be asked for its first
  // user too).
  // Abilities cost nothing: only the connection test reads them.
  account: 1,
  // The PagerDuty user of each person: all users page by page, or a query for each, whichever is less.
  people: Math.min(pages(push.pagerDutyUsers), push.people),
  // The existing teams with these names: all teams page by page, or a query for each name.
  names: Math.min(pages(push.pagerDutyTeams), push.groups),
  // PagerDuty has no bulk call: each team and each membership is one call.
  teams: push.groups,
  members: push.groups * push.membersEach,
});

describe('the calls to PagerDuty, counted against the least that are needed', () => {
  const PUSH: Push = {
    groups: 50,
    membersEach: 40,
    people: 1_000,
    pagerDutyUsers: 3_000,
    pagerDutyTeams: 120,
  };
  const ALL_GROUPS = 500;
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];

  beforeAll(async () => {
    scimify = await Scimify.start();
    const people = Array.from({ length: PUSH.pagerDutyUsers }, (_, user) => ({ email: email(user) }));
    scimify.pagerDuty.addUsers(people);
    for (let team = 0; team < PUSH.pagerDutyTeams; team++)
      scimify.pagerDuty.addTeam({ name: `Theirs ${team}` });
    integration = await scimify.createIntegration({ enable: false });
    users = await integration.scim.createUsers(Array.from({ length: PUSH.people }, (_, user) => email(user)));
  }, 60_000);

  afterAll(() => scimify.stop());

  /** Each user is in two of the groups. */
  const membersOf = (group: number) =>
    Array.from(
      { length: PUSH.membersEach },
      (_, member) => users[(group * PUSH.membersEach + member) % PUSH.people]!,
    );

  const kindOf = ({ method, path }: { method: string; path: string }) => {
    if (path === '/oauth/token') return 'token';
    if (path === '/teams?limit=1') return 'account';
    if (method === 'GET' && path.startsWith('/users?')) return 'people';
    if (method === 'GET' && path.startsWith('/teams?')) return 'names';
    if (method === 'POST' && path === '/teams') return 'teams';
    if (method === 'PUT' && /^\/teams\/\w+\/users\/\w+$/.test(path)) return 'members';
    return `${method} ${path}`;
  };

  const counted = () => {
    const counts: Record<string, number> = {};
    for (const call of scimify.pagerDuty.calls()) {
      const kind = kindOf(call);
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  };

  it('are the least for a first push of fifty groups of forty', async () => {
    for (let group = 0; group < PUSH.groups; group++) {
      await integration.scim.createGroup(`Team ${group}`, membersOf(group));
    }
    expect(scimify.pagerDuty.calls()).toEqual([]);
    const began = performance.now();
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await scimify.settled(integration, ['synced'], 120_000);
    const furtherTurns = Math.floor((performance.now() - began) / TURN_MS);
    const least = leastCallsOf(PUSH);
    const { names, ...others } = counted();
    const { names: leastNames, ...leastOthers } = least;
    expect(others).toEqual(leastOthers);
    expect(names).toBeGreaterThanOrEqual(leastNames);
    expect(names).toBeLessThanOrEqual(leastNames + furtherTurns * pages(PUSH.pagerDutyTeams + PUSH.groups));
    expect(least).toEqual({ token: 1, account: 1, people: 30, names: 2, teams: 50, members: 2_000 });
  }, 150_000);

  it('are a page of users or teams each for a reconciliation of five hundred teams without drift', async () => {
    for (let group = PUSH.groups; group < ALL_GROUPS; group++) {
      await integration.scim.createGroup(`Team ${group}`, [users[group]!]);
    }
    await scimify.settled(integration, ['synced'], 120_000);
    scimify.pagerDuty.clearCalls();
    await beginReconciliation(scimify, integration);
    await reconciliationToEnd(scimify, integration, 60_000);
    await scimify.settled(integration);
    const teams = PUSH.pagerDutyTeams + ALL_GROUPS;
    expect(counted()).toEqual({ people: pages(PUSH.pagerDutyUsers), names: pages(teams) });
    expect((await scimify.admin.get(`/integrations/${integration.id}/drift`)).body.items).toEqual([]);
  }, 200_000);

  it('read all users once for a push of two hundred groups of people who are new', async () => {
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    const fresh = Array.from({ length: 400 }, (_, user) => email(PUSH.people + user));
    const ids = await integration.scim.createUsers(fresh);
    for (let group = 0; group < 200; group++) {
      await integration.scim.createGroup(`New ${group}`, ids.slice(2 * group, 2 * group + 2));
    }
    scimify.pagerDuty.clearCalls();
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await scimify.settled(integration, ['synced'], 120_000);
    expect(counted()).toMatchObject({ people: pages(PUSH.pagerDutyUsers), teams: 200, members: 400 });
  }, 200_000);
});
