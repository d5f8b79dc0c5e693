import { startSimulator, type Simulator } from '../../simulator/simulator';
import { callContext, connectTo, hostOf } from '../../test/support/pagerduty';
import type { AccountSnapshot, ConnectionHost } from '../integrations/provider/integration-provider';

let simulator: Simulator;
let key: string;

beforeAll(async () => {
  simulator = await startSimulator({ rateLimit: 100_000 });
  key = simulator.addApiKey();
});
afterAll(() => simulator.close());
beforeEach(() => simulator.reset());

function snapshotOf(teamIds: Iterable<string>, host?: ConnectionHost): Promise<AccountSnapshot> {
  return connectTo(simulator, key, host).snapshot(new Set(teamIds), callContext('reconcile'));
}

/** Runs an action right before the n-th call. */
function hostThat(call: number, act: () => void): ConnectionHost {
  const host = hostOf();
  const acquire = host.budget.acquire.bind(host.budget);
  let calls = 0;
  host.budget.acquire = (context) => {
    calls += 1;
    if (calls === call) act();
    return acquire(context);
  };
  return host;
}

/** Teams A, B and C. All users are in A, every second one is also in B. */
function account(people: number) {
  const [a, b, c] = ['A', 'B', 'C'].map((name) => simulator.addTeam({ name }).id) as [string, string, string];
  const users = simulator.addUsers(people).map(({ id }) => id);
  users.forEach((user, index) => {
    simulator.addMember(a, user);
    if (index % 2 === 0) simulator.addMember(b, user);
  });
  return { a, b, c, users, even: users.filter((_, index) => index % 2 === 0) };
}

function ids(snapshot: AccountSnapshot, teamId: string): string[] {
  return [...(snapshot.groups.get(teamId)?.memberIds ?? [])].sort();
}

function calls(): string[] {
  return simulator.calls().map(({ method, path }) => `${method} ${decodeURIComponent(path)}`);
}

describe('a snapshot of the account', () => {
  it('reports a team as hidden, not gone, when members name it but the account does not show it', async () => {
    const ada = simulator.addUser({ email: 'ada@acme.example' });
    const eve = simulator.addUser({ email: 'eve@acme.example' });
    const [theirs, empty] = ['Theirs', 'Empty'].map(
      (name) => simulator.addTeam({ name, defaultRole: 'none' }).id,
    );
    simulator.addMember(theirs!, ada.id);
    const evesKey = simulator.addApiKey({ kind: 'user', userId: eve.id });
    const snapshot = await connectTo(simulator, evesKey).snapshot(new Set([theirs!, empty!]), callContext());
    expect([...snapshot.groups]).toEqual([[empty, null]]);
    expect(snapshot.hidden).toEqual(new Set([theirs]));
    expect(snapshot.complete).toEqual({ groups: true, members: false });
    expect(snapshot.failures).toMatchObject([{ reason: 'team_gone' }]);
  });

  it('gives every team asked for with its name and members, and null for one that is gone', async () => {
    const { a, b, c, users, even } = account(20);
    const gone = simulator.addTeam({ name: 'Gone' }).id;
    simulator.removeTeam(gone);
    const snapshot = await snapshotOf([a, b, c, gone]);
    expect(snapshot.groups.get(a)).toMatchObject({ name: 'A', membersComplete: true });
    expect([ids(snapshot, a), ids(snapshot, b), ids(snapshot, c)]).toEqual([users.sort(), even.sort(), []]);
    expect(snapshot.groups.get(gone)).toBeNull();
    expect(snapshot.complete).toEqual({ groups: true, members: true });
    expect(snapshot.unknownUserIds.size).toBe(0);
    expect(snapshot.users?.size).toBe(20);
    expect(snapshot.users?.get(users[0]!)).toBe(simulator.user(users[0]!)?.email);
    expect(snapshot.failures).toEqual([]);
    expect(calls()).toEqual([
      'GET /teams?limit=100&offset=0&total=true',
      'GET /users?include[]=teams&limit=100&offset=0&total=true',
    ]);
  });

  it('contains only the requested teams', async () => {
    const { a, b } = account(4);
    expect([...(await snapshotOf([b])).groups.keys()]).toEqual([b]);
    expect([...(await snapshotOf([a])).groups.keys()]).toEqual([a]);
  });

  it('of 500 teams and 3,000 users costs 35 calls', async () => {
    const teams = Array.from({ length: 500 }, (_, index) => simulator.addTeam({ name: `Team ${index}` }).id);
    const users = simulator.addUsers(3_000);
    users.forEach(({ id }, index) => simulator.addMember(teams[index % 500]!, id));
    const snapshot = await snapshotOf(teams);
    expect(snapshot.complete).toEqual({ groups: true, members: true });
    expect(teams.map((team) => ids(snapshot, team).length)).toEqual(teams.map(() => 6));
    expect(simulator.calls()).toHaveLength(5 + 30);
  });

  it('asks for few teams of a large account one by one when that costs no more calls', async () => {
    const { a, b, users, even } = account(600);
    simulator.setLimits({ membersPerTeam: 500 });
    const few = await snapshotOf([b]);
    expect(ids(few, b)).toEqual(even.sort());
    expect(few).toMatchObject({ users: null, complete: { groups: true, members: true } });
    expect(calls().slice(2)).toEqual(
      [0, 100, 200].map((offset) => expect.stringContaining(`offset=${offset}`)),
    );

    simulator.clearCalls();
    const both = await snapshotOf([a, b]);
    expect(ids(both, a)).toEqual(users.sort());
    expect(simulator.calls()).toHaveLength(1 + 6);
  });

  it('of teams that are all gone reads no more users than necessary', async () => {
    account(250);
    const snapshot = await snapshotOf(['PGONE1', 'PGONE2']);
    expect([...snapshot.groups.values()]).toEqual([null, null]);
    expect(snapshot.complete).toEqual({ groups: true, members: true });
    expect(simulator.calls()).toHaveLength(2);
  });
});

describe('a snapshot that could not be read to the end', () => {
  const tenTeams = () =>
    Array.from({ length: 10 }, (_, index) => simulator.addTeam({ name: `T${index}` }).id);

  it.each([
    ['fails', { status: 503 }],
    ['times out', { drop: true }],
    ['cannot be read', { status: 200, body: '<html>' }],
  ])('has no complete members when a page of users %s', async (_, fault) => {
    const { a, b, users } = account(250);
    const others = tenTeams();
    simulator.inject({ path: /^\/users\?.*offset=200/, ...fault });
    const snapshot = await snapshotOf([a, b, ...others]);
    expect(snapshot.complete).toEqual({ groups: true, members: false });
    // Users that were seen are members all the same.
    expect(ids(snapshot, a)).toHaveLength(200);
    expect(users).toEqual(expect.arrayContaining(ids(snapshot, a)));
    expect(snapshot.groups.get(a)).toMatchObject({ membersComplete: false });
    expect(snapshot.groups.get(others[0]!)).toMatchObject({ membersComplete: false });
    expect(snapshot.users).toBeNull();
    expect(snapshot.failures).toMatchObject([{ kind: 'unavailable' }]);
  });

  it('calls no team gone when a page of teams fails', async () => {
    const { a, c } = account(20);
    for (let index = 0; index < 120; index++) simulator.addTeam({ name: `B${index}` });
    simulator.inject({ path: /^\/teams\?.*offset=100/, status: 500 });
    const snapshot = await snapshotOf([a, c, 'PGONE']);
    expect(snapshot.groups.get(a)).toMatchObject({ name: 'A', membersComplete: true });
    expect([snapshot.groups.has(c), snapshot.groups.has('PGONE')]).toEqual([false, false]);
    expect(snapshot.complete).toEqual({ groups: false, members: false });
  });

  it.each([
    ['a user who is removed shifts the pages', (users: string[]) => simulator.removeUser(users[0]!)],
    [
      'a user who is added shifts them',
      () => void simulator.addUser({ name: 'Aaa', email: 'aaa@acme.example' }),
    ],
  ])('has no complete members when %s', async (_, act) => {
    const { a, b, c, users } = account(350);
    const others = tenTeams();
    // The first call lists the teams, the second and third the first two hundred users.
    const snapshot = await snapshotOf(
      [a, b, c, ...others],
      hostThat(4, () => act(users)),
    );
    expect(snapshot.complete).toEqual({ groups: true, members: false });
    expect(snapshot.failures).toMatchObject([{ reason: 'list_changed' }]);
    expect(simulator.calls()).toHaveLength(1 + 4);
  });

  it('calls no team gone when the teams shift', async () => {
    const doomed = simulator.addTeam({ name: '0' }).id;
    const teams = Array.from(
      { length: 150 },
      (_, index) => simulator.addTeam({ name: `T${1000 + index}` }).id,
    );
    const snapshot = await snapshotOf(
      teams,
      hostThat(2, () => simulator.removeTeam(doomed)),
    );
    // One row slipped from the second page to the first, which was read already.
    expect(snapshot.groups.size).toBe(149);
    expect([...snapshot.groups.values()]).not.toContain(null);
    expect(snapshot.complete.groups).toBe(false);
  });

  it('does not treat a user without a list of teams as a member of none', async () => {
    const { a, users } = account(2);
    const [first, second] = users as [string, string];
    const rows = [
      { id: first, email: 'a@acme.example', teams: [{ id: a }] },
      { id: second, email: 'b@acme.example', teams: null },
      { id: 'PTHIRD', email: 'c@acme.example', teams: [{ id: a }, { type: 'team_reference' }] },
    ];
    simulator.inject({
      path: /^\/users/,
      status: 200,
      body: { users: rows, limit: 100, more: false, total: 3 },
    });
    const snapshot = await snapshotOf([a]);
    expect(ids(snapshot, a)).toEqual([first]);
    expect(snapshot.unknownUserIds).toEqual(new Set([second, 'PTHIRD']));
    expect(snapshot.users?.size).toBe(3);
  });

  it('is not complete with a row that has no id', async () => {
    const { a } = account(2);
    const body = { users: [{ email: 'a@acme.example', teams: [{ id: a }] }], limit: 100, more: false };
    simulator.inject({ path: /^\/users/, status: 200, body });
    expect((await snapshotOf([a])).complete.members).toBe(false);
  });

  it('does not report a team as gone when a member names it', async () => {
    const { a } = account(2);
    simulator.inject({
      path: /^\/teams\?/,
      status: 200,
      body: { teams: [], limit: 100, more: false, total: 0 },
    });
    const snapshot = await snapshotOf([a, 'PGONE']);
    expect([...snapshot.groups]).toEqual([['PGONE', null]]);
  });

  it.each([
    [{ status: 401 }, 'credentials'],
    [{ status: 402 }, 'permission'],
    [{ status: 429, headers: { 'ratelimit-reset': '0' } }, 'rate-limited'],
  ])('throws what concerns the whole account: %j', async (fault, kind) => {
    const { a } = account(2);
    simulator.inject({ path: /^\/users/, ...fault });
    await expect(snapshotOf([a])).rejects.toMatchObject({ kind });
  });

  it('stops on an abort', async () => {
    const { a, b, c } = account(150);
    const controller = new AbortController();
    const reason = new Error('the lease is over');
    const host = hostThat(3, () => controller.abort(reason));
    const context = { ...callContext('reconcile'), signal: controller.signal };
    const work = connectTo(simulator, key, host).snapshot(new Set([a, b, c]), context);
    await expect(work).rejects.toBe(reason);
  });
});

describe('a snapshot of more than PagerDuty lists', () => {
  const TOO_MANY = 10_001;
  const tooLong = (total: number | null) => ({
    users: [{ id: 'PFIRST', email: 'first@acme.example', teams: [] }],
    limit: 100,
    more: true,
    total,
  });

  it('asks each team for its members after one look at the users', async () => {
    const { a, b, users, even } = account(20);
    simulator.inject({ path: /^\/users/, status: 200, body: tooLong(TOO_MANY) });
    const snapshot = await snapshotOf([a, b]);
    expect([ids(snapshot, a), ids(snapshot, b)]).toEqual([users.sort(), even.sort()]);
    expect(snapshot).toMatchObject({ users: null, complete: { groups: true, members: true }, failures: [] });
    expect(simulator.calls()).toHaveLength(4);
  });

  it('does so too when it notices this only at the end of the list', async () => {
    const { a, users } = account(20);
    simulator.addUsers(TOO_MANY - 20);
    simulator.inject({ path: /^\/users\?.*total=true/, status: 200, body: tooLong(null), times: 1 });
    const snapshot = await snapshotOf([a]);
    expect(ids(snapshot, a)).toEqual(users.sort());
    expect(snapshot.complete).toEqual({ groups: true, members: true });
    expect(simulator.calls({ path: /^\/users/ })).toHaveLength(100);
  });

  it('asks each of the teams, however many they are', async () => {
    const teams = Array.from({ length: 501 }, (_, index) => simulator.addTeam({ name: `Team ${index}` }).id);
    simulator.inject({ path: /^\/users/, status: 200, body: tooLong(TOO_MANY) });
    const snapshot = await snapshotOf(teams);
    expect(snapshot).toMatchObject({ complete: { groups: true, members: true }, failures: [] });
    expect(simulator.calls()).toHaveLength(6 + 1 + 501);
  });

  it('skips the teams that cannot be listed, and stops in an outage', async () => {
    const { a, b, users } = account(20);
    const others = Array.from({ length: 10 }, (_, index) => simulator.addTeam({ name: `Z${index}` }).id);
    simulator.inject({ path: /^\/users/, status: 200, body: tooLong(TOO_MANY) });
    simulator.inject({ path: `/teams/${b}/members`, status: 503 });
    const one = await snapshotOf([a, b, ...others]);
    expect(ids(one, a)).toEqual(users.sort());
    expect(one.groups.get(a)).toMatchObject({ membersComplete: true });
    expect(one.groups.get(b)).toMatchObject({ membersComplete: false });
    expect(one.groups.get(others[9]!)).toMatchObject({ membersComplete: true });
    expect(one.complete).toEqual({ groups: true, members: false });

    simulator.clearCalls();
    simulator.inject({ path: /\/members/, status: 503 });
    const none = await snapshotOf([a, b, ...others]);
    expect(none.complete.members).toBe(false);
    expect(simulator.calls({ path: /\/members/ })).toHaveLength(3);
  });

  it('asks for each team beyond the end of the list by its id', async () => {
    const { a, b } = account(20);
    const teams = [{ id: a, name: 'A' }];
    simulator.inject({
      path: /^\/teams\?/,
      status: 200,
      body: { teams, limit: 10_000, more: true, total: null },
    });
    const snapshot = await snapshotOf([a, b, 'PGONE']);
    expect(snapshot.groups.get(b)).toMatchObject({ name: 'B' });
    expect(snapshot.groups.get('PGONE')).toBeNull();
    expect(snapshot.complete).toEqual({ groups: true, members: true });
  });
});
