import { askForToken, RestClient, send } from '../spec-support/rest-client';
import { startSimulator, type Simulator } from '../simulator';

let simulator: Simulator;

beforeEach(async () => {
  simulator = await startSimulator();
});

afterEach(() => simulator.close());

const control = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  send(`${simulator.url}/_control${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });

it('lists its routes', async () => {
  const { status, body } = await control('GET', '');
  expect(status).toBe(200);
  expect(body.routes).toContainEqual({
    method: 'GET',
    path: '/_control/faults',
    what: 'injected faults and how many requests each has hit',
  });
  expect(body.accountRoutes.routes.map(({ path }: { path: string }) => path)).toContain('/_control/users');
});

it('adds, shows, changes and removes users', async () => {
  const added = await control('POST', '/users', { email: 'ada@example.com', name: 'Ada', role: 'admin' });
  expect([added.status, added.body]).toMatchObject([201, { name: 'Ada', role: 'admin', teamIds: [] }]);
  expect((await control('POST', '/users', { users: [{ email: 'bob@example.com' }] })).status).toBe(201);
  expect((await control('POST', '/users', { count: 3 })).body.users).toHaveLength(3);
  expect((await control('GET', '/users')).body.users).toHaveLength(5);
  const changed = await control('PATCH', `/users/${added.body.id}`, { role: 'user', jobTitle: null });
  expect(changed.body).toMatchObject({ role: 'user', name: 'Ada' });
  expect((await control('GET', '/users/ADA%40example.com')).body.id).toBe(added.body.id);
  expect((await control('DELETE', `/users/${added.body.id}`)).status).toBe(204);
  expect((await control('GET', `/users/${added.body.id}`)).status).toBe(404);
});

it('controls teams, members and associations', async () => {
  const user = simulator.addUser({ email: 'ada@example.com' });
  const { status, body: team } = await control('POST', '/teams', { name: 'SRE', description: 'on call' });
  expect([status, team]).toMatchObject([201, { name: 'SRE', members: [] }]);
  expect((await control('PATCH', `/teams/${team.id}`, { name: 'Core' })).body.name).toBe('Core');
  expect((await control('PUT', `/teams/${team.id}/members/${user.id}`, { role: 'observer' })).status).toBe(
    204,
  );
  expect((await control('GET', '/teams/core')).body.members).toMatchObject([{ role: 'observer' }]);
  expect((await control('DELETE', `/teams/${team.id}/members/${user.id}`)).status).toBe(204);
  const tie = { kind: 'Schedules', userIds: [user.id] };
  expect((await control('POST', `/teams/${team.id}/associations`, tie)).status).toBe(204);
  expect((await control('GET', '/teams')).body.teams[0].associations).toEqual([tie]);
  expect((await control('DELETE', `/teams/${team.id}/associations`, { kind: 'Schedules' })).status).toBe(204);
  expect((await control('DELETE', `/teams/${team.id}`)).status).toBe(204);
  expect(simulator.teams()).toEqual([]);
});

it('creates credentials that work, shows them once, and removes them', async () => {
  const { key } = (await control('POST', '/keys', { readOnly: true })).body;
  const pagerduty = RestClient.withKey(simulator, key);
  expect((await pagerduty.get('/teams')).status).toBe(200);
  const { keys } = (await control('GET', '/keys')).body;
  expect(keys).toEqual([
    { id: expect.any(String), kind: 'account', userId: null, readOnly: true, disabled: false },
  ]);
  await control('PATCH', `/keys/${keys[0].id}`, { disabled: true });
  expect((await pagerduty.get('/teams')).status).toBe(401);
  await control('PATCH', `/keys/${keys[0].id}`, { disabled: false });
  expect((await pagerduty.get('/teams')).status).toBe(200);
  await control('DELETE', `/keys/${keys[0].id}`);
  expect((await pagerduty.get('/teams')).status).toBe(401);

  const client = (await control('POST', '/clients', { clientId: 'app' })).body;
  const token = () =>
    askForToken(simulator, {
      client_id: 'app',
      client_secret: client.clientSecret,
      scope: 'as_account-us.acme teams.read',
    });
  expect((await token()).status).toBe(200);
  expect((await control('GET', '/clients')).body.clients).toEqual([
    { clientId: 'app', scopes: client.scopes },
  ]);
  expect((await control('POST', '/clients/app/revoke-tokens')).body).toEqual({ revoked: 1 });
  await control('PATCH', '/clients/app', { scopes: [] });
  expect((await token()).body.scope).toBe('openid');
  await control('PATCH', '/clients/app', { clientSecret: 'other' });
  expect((await token()).status).toBe(401);
  expect((await control('DELETE', '/clients/app')).status).toBe(204);
  expect((await control('DELETE', '/clients/app')).status).toBe(404);
});

it('controls faults, the call log and the settings', async () => {
  const pagerduty = RestClient.withKey(simulator);
  const { id } = (await control('POST', '/faults', { pathPattern: '^.users', status: 503, times: 5 })).body;
  expect((await pagerduty.get('/users')).status).toBe(503);
  expect((await control('GET', '/faults')).body.faults).toEqual([
    { id, hits: 1, pathPattern: '^.users', status: 503, times: 5 },
  ]);
  expect((await control('DELETE', `/faults/${id}`)).status).toBe(204);
  expect((await control('DELETE', `/faults/${id}`)).status).toBe(404);
  await control('POST', '/faults', { path: '/teams', drop: true });
  expect((await control('DELETE', '/faults')).status).toBe(204);
  expect((await pagerduty.get('/teams')).status).toBe(200);

  const { calls } = (await control('GET', '/calls?status=503&method=GET')).body;
  expect(calls).toMatchObject([{ path: '/users', faulted: id }]);
  expect((await control('GET', `/calls?afterSeq=${calls[0].seq}&path=/teams`)).body.calls).toHaveLength(1);
  await control('DELETE', '/calls');
  expect((await control('GET', '/calls')).body.calls).toEqual([]);

  const settings = { rateLimit: 1, tokenLifetimeSeconds: 60, creationLagMs: 10, membershipReadLagMs: 10 };
  expect((await control('PATCH', '/settings', settings)).status).toBe(204);
  expect((await pagerduty.get('/teams')).status).toBe(429);
  await control('POST', '/rate-limit/reset');
  expect((await pagerduty.get('/teams')).headers.get('ratelimit-limit')).toBe('1');
  await control('POST', '/rate-limit/reset');
  await control('PATCH', '/abilities', { abilities: { teams: false } });
  expect((await pagerduty.get('/teams')).status).toBe(402);
  expect((await control('PATCH', '/limits', { teams: 0 })).status).toBe(204);
  expect((await control('POST', '/reset')).status).toBe(204);
  expect((await pagerduty.createTeam('SRE')).status).toBe(201);
});

it('controls other accounts under their identity', async () => {
  expect((await control('POST', '/accounts', { subdomain: 'globex', region: 'eu' })).status).toBe(201);
  expect((await control('GET', '/accounts')).body.accounts).toEqual([
    { subdomain: 'acme', region: 'us' },
    { subdomain: 'globex', region: 'eu' },
  ]);
  expect((await control('POST', '/accounts/eu.globex/teams', { name: 'SRE' })).status).toBe(201);
  expect(simulator.account('eu.globex')?.team('SRE')).toBeDefined();
  expect(simulator.teams()).toEqual([]);
  expect((await control('GET', '/accounts/us.globex/teams')).status).toBe(404);
});

it.each<[string, string, unknown, string]>([
  ['POST', '/users', {}, 'email: is required'],
  ['POST', '/users', { email: 7 }, 'email: must be a string'],
  ['POST', '/users', { email: 'unknown' }, 'email: must be an address of 6 to 100 characters'],
  ['POST', '/users', { email: 'a@example.com', role: 'boss' }, 'role: must be one of owner, admin'],
  ['POST', '/users', { email: 'a@example.com', rol: 'user' }, 'rol: is not a field of this request'],
  ['POST', '/users', { users: [{ email: 'a@example.com' }, {}] }, 'users[1].email: is required'],
  ['POST', '/users', { count: 0 }, 'count: must be an integer from 1'],
  ['POST', '/users', [], 'body: must be a JSON object'],
  ['POST', '/users', '{', 'body: is not valid JSON'],
  ['POST', '/teams', { name: '' }, 'name: is required'],
  ['POST', '/teams', { name: 'x', defaultRole: 'all' }, 'defaultRole: must be one of manager, none'],
  ['POST', '/accounts', { subdomain: 'A b' }, 'subdomain: must be a DNS label'],
  ['POST', '/accounts', { subdomain: 'x', region: 'ap' }, 'region: must be one of us, eu'],
  ['POST', '/keys', { kind: 'user' }, 'userId: needed for a user key'],
  ['POST', '/keys', { key: 'a b' }, 'key: must be printable ASCII'],
  ['POST', '/clients', { scopes: 'teams.read' }, 'scopes: must be an array of strings'],
  ['POST', '/faults', {}, 'status: give a status, drop or latencyMs'],
  ['POST', '/faults', { status: 42 }, 'status: must be an integer from 200 to 599'],
  ['POST', '/faults', { status: 500, pathPattern: '(' }, 'pathPattern: must be a regular expression'],
  ['POST', '/faults', { status: 500, probability: 2 }, 'probability: must be 0 to 1'],
  ['POST', '/faults', { status: 500, headers: { a: 1 } }, 'headers: must be an object of strings'],
  ['PATCH', '/settings', { rateLimit: 0 }, 'rateLimit: must be an integer from 1'],
  ['PATCH', '/settings', { tokenLifetimeSeconds: -1 }, 'tokenLifetimeSeconds: must be a positive number'],
  ['PATCH', '/limits', { teams: -1 }, 'teams: must be an integer from 0'],
  ['PATCH', '/abilities', { abilities: { teams: 'no' } }, 'abilities: must be an object of booleans'],
  ['GET', '/calls?status=ok', undefined, 'status: must be a whole number'],
  ['GET', '/calls?since=1', undefined, 'since: is not a parameter of this request'],
])('%s %s with %j is 400 and names the field', async (method, path, body, message) => {
  const answer = await control(method, path, body);
  expect([answer.status, answer.body.message]).toEqual([400, expect.stringContaining(message)]);
});

it('refuses bodies that are not declared as JSON, unknown routes and wrong methods', async () => {
  const text = await control('POST', '/users', '{}', { 'content-type': 'text/plain' });
  expect([text.status, text.body.message]).toEqual([400, 'Content-Type: must be application/json']);
  expect((await control('GET', '/nothing')).status).toBe(404);
  expect((await control('PUT', '/users', {})).body.message).toBe('no PUT here, only GET, POST');
  expect((await control('DELETE', '/teams/PNOBODY')).status).toBe(404);
});

it('requires the control token if one is set, but not for the PagerDuty API', async () => {
  await simulator.close();
  simulator = await startSimulator({ controlToken: 'open-sesame' });
  expect((await control('GET', '/users')).status).toBe(401);
  expect((await control('GET', '/users', undefined, { authorization: 'Bearer wrong' })).status).toBe(401);
  const allowed = await control('GET', '/users', undefined, { authorization: 'Bearer open-sesame' });
  expect(allowed.status).toBe(200);
  expect((await RestClient.withKey(simulator).get('/teams')).status).toBe(200);
});

it('does not log its own requests', async () => {
  await control('GET', '/users');
  expect(simulator.calls()).toEqual([]);
});
