import { askForToken, HEADERS, RestClient, send } from './spec-support/rest-client';
import { startSimulator, type OAuthCredentials, type Simulator } from './simulator';

const SCOPE = 'as_account-us.acme teams.read teams.write users.read';

let simulator: Simulator;
let client: OAuthCredentials;

beforeEach(async () => {
  simulator = await startSimulator();
  client = simulator.addOAuthClient();
});

afterEach(() => simulator.close());

const ask = (scope: string, overrides: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  askForToken(
    simulator,
    { client_id: client.clientId, client_secret: client.clientSecret, scope, ...overrides },
    headers,
  );

const clientWith = async (scope: string) =>
  new RestClient(simulator.url, `Bearer ${(await ask(scope)).body.access_token}`);

it('grants a token that works and lasts a day', async () => {
  const { status, body, headers } = await ask(SCOPE);
  expect([status, body]).toEqual([
    200,
    { access_token: expect.any(String), scope: SCOPE, token_type: 'bearer', expires_in: 86_400 },
  ]);
  expect(headers.get('cache-control')).toBe('no-store');
  const pagerduty = new RestClient(simulator.url, `Bearer ${body.access_token}`);
  expect((await pagerduty.createTeam('SRE')).status).toBe(201);
  expect(simulator.team('SRE')?.members).toEqual([]);
  expect((await pagerduty.get('/users/me')).status).toBe(400);
  // The same token in the form of a key is not a valid key.
  const asKey = new RestClient(simulator.url, `Token token=${body.access_token}`);
  expect((await asKey.get('/teams')).status).toBe(401);
});

it.each([
  ['a wrong secret', { client_secret: 'wrong' }],
  ['an unknown client', { client_id: 'unknown' }],
  ['an empty client id', { client_id: '' }],
])('answers %s with 401 invalid_client', async (_what, overrides) => {
  const { status, body } = await ask(SCOPE, overrides);
  expect([status, body.error]).toEqual([401, 'invalid_client']);
});

it('takes credentials in the form body only, not by HTTP Basic', async () => {
  const basic = { authorization: `Basic ${btoa(`${client.clientId}:${client.clientSecret}`)}` };
  const both = await ask(SCOPE, {}, basic);
  expect([both.status, both.body.error]).toEqual([401, 'invalid_client']);
  const alone = await askForToken(simulator, { scope: SCOPE }, basic);
  expect([alone.status, alone.body.error]).toEqual([401, 'invalid_client']);
});

it.each([
  ['no account', 'teams.read'],
  ['nothing', ''],
  ['two accounts', 'as_account-us.acme as_account-us.globex teams.read'],
  ['another subdomain', 'as_account-us.globex teams.read'],
  ['the wrong region', 'as_account-eu.acme teams.read'],
  ['no region', 'as_account-acme teams.read'],
])('answers a scope that names %s with 400', async (_what, scope) => {
  simulator.addAccount({ subdomain: 'globex', region: 'us' });
  const { status, body } = await ask(scope);
  expect([status, body]).toEqual([400, { error: 'invalid_request', error_description: 'Invalid scope' }]);
});

it('refuses other grants, bodies that are no form, repeated fields, and GET', async () => {
  expect((await ask(SCOPE, { grant_type: 'password' })).body.error).toBe('unsupported_grant_type');
  const json = await send(simulator.tokenUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ grant_type: 'client_credentials', client_id: client.clientId }),
  });
  expect([json.status, json.body.error]).toEqual([400, 'invalid_request']);
  const repeated = await send(simulator.tokenUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'scope=a&scope=b',
  });
  expect([repeated.status, repeated.body.error]).toEqual([400, 'invalid_request']);
  expect((await send(simulator.tokenUrl)).status).toBe(405);
});

it('grants only the scopes of the app without an error, and only openid if none is left', async () => {
  simulator.setClientScopes(client.clientId, ['teams.read']);
  const partial = await ask(SCOPE);
  expect([partial.status, partial.body.scope]).toEqual([200, 'as_account-us.acme teams.read']);
  const nothing = await ask('as_account-us.acme teams.write');
  expect([nothing.status, nothing.body.scope]).toEqual([200, 'openid']);
});

it('refuses a scope that the app lacks, if the app is configured so', async () => {
  client = simulator.addOAuthClient({ scopes: ['teams.read'], refuseUnallowedScopes: true });
  const { status, body } = await ask(SCOPE);
  expect([status, body.error_description]).toEqual([400, 'Invalid scope']);
  expect((await ask('as_account-us.acme teams.read')).status).toBe(200);
});

it('answers 403 naming required and present scopes at the call that needs another', async () => {
  const reader = await clientWith('as_account-us.acme teams.read');
  expect((await reader.get('/teams')).status).toBe(200);
  const cases: [Promise<{ status: number; body: unknown }>, string][] = [
    [reader.createTeam('SRE'), 'teams.write'],
    [reader.put('/teams/P1/users/P2'), 'teams.write'],
    [reader.get('/users'), 'users.read'],
    [reader.get('/abilities'), 'abilities.read'],
    [reader.get('/audit/records'), 'audit_records.read'],
    [reader.get('/escalation_policies'), 'escalation_policies.read'],
  ];
  for (const [answer, required_scopes] of cases) {
    const { status, body } = await answer;
    expect([status, body]).toEqual([
      403,
      {
        error: {
          message: 'Token missing required scopes',
          required_scopes,
          token_scopes: 'as_account-us.acme teams.read',
        },
      },
    ]);
  }
});

it('refuses /abilities to a token with the three scopes', async () => {
  expect((await (await clientWith(SCOPE)).get('/abilities')).status).toBe(403);
  client = simulator.addOAuthClient({ scopes: ['abilities.read'] });
  const { status, body } = await (await clientWith('as_account-us.acme abilities.read')).get('/abilities');
  expect([status, body.abilities]).toEqual([200, expect.arrayContaining(['teams'])]);
});

it('keeps the scopes of a token: a change of the app only affects new tokens', async () => {
  const before = await clientWith(SCOPE);
  simulator.setClientScopes(client.clientId, ['teams.read']);
  expect((await before.createTeam('SRE')).status).toBe(201);
  const after = await clientWith(SCOPE);
  expect((await after.createTeam('Core')).status).toBe(403);
  simulator.setClientScopes(client.clientId, client.scopes);
  expect((await after.createTeam('Core')).status).toBe(403);
});

it('ends tokens that are revoked or expired with the same plain 401, and mints working new ones', async () => {
  const revoked = await clientWith(SCOPE);
  expect(simulator.revokeAllTokens(client.clientId)).toBe(1);
  simulator.setTokenLifetime(0.05);
  const { body } = await ask(SCOPE);
  expect(body.expires_in).toBe(1);
  const expired = new RestClient(simulator.url, `Bearer ${body.access_token}`);
  await new Promise((resolve) => setTimeout(resolve, 80));
  for (const ended of [revoked, expired]) {
    const answer = await ended.get('/teams');
    expect([answer.status, answer.text]).toEqual([401, '']);
  }
  simulator.setTokenLifetime(60);
  expect((await (await clientWith(SCOPE)).get('/teams')).status).toBe(200);
});

it('keeps tokens valid after their client is removed or its secret changes', async () => {
  const pagerduty = await clientWith(SCOPE);
  simulator.setClientSecret(client.clientId, 'rotated');
  expect((await ask(SCOPE)).status).toBe(401);
  expect((await ask(SCOPE, { client_secret: 'rotated' })).status).toBe(200);
  simulator.removeOAuthClient(client.clientId);
  expect((await ask(SCOPE, { client_secret: 'rotated' })).status).toBe(401);
  expect((await pagerduty.get('/teams')).status).toBe(200);
});

it('binds client and tokens to their account and its region', async () => {
  const eu = simulator.addAccount({ subdomain: 'globex', region: 'eu' });
  client = eu.addOAuthClient();
  const { body } = await ask('as_account-eu.globex teams.read teams.write');
  const headers = { ...HEADERS, authorization: `Bearer ${body.access_token}` };
  expect((await send(`${simulator.euUrl}/teams`, { headers })).status).toBe(200);
  expect((await send(`${simulator.usUrl}/teams`, { headers })).status).toBe(401);
  await new RestClient(simulator.url, headers.authorization).createTeam('SRE');
  expect(eu.team('SRE')).toBeDefined();
  expect(simulator.team('SRE')).toBeUndefined();
});

it('counts all tokens of an app in one bucket, and another app in another', async () => {
  simulator.setRateLimit(1);
  const [first, second] = [await clientWith(SCOPE), await clientWith(SCOPE)];
  expect((await first.get('/teams')).status).toBe(200);
  expect((await second.get('/teams')).status).toBe(429);
  client = simulator.addOAuthClient();
  expect((await (await clientWith(SCOPE)).get('/teams')).status).toBe(200);
});

it('logs token requests without the secret, and calls under the client', async () => {
  await (await clientWith(SCOPE)).get('/teams');
  const [token, call] = simulator.calls();
  expect(token).toMatchObject({
    host: 'identity',
    method: 'POST',
    path: '/oauth/token',
    status: 200,
    credential: { kind: 'client', id: client.clientId, account: 'us.acme' },
    requestBody: { grant_type: 'client_credentials', client_id: client.clientId, scope: SCOPE },
  });
  expect(call).toMatchObject({ credential: { kind: 'app', id: client.clientId, account: 'us.acme' } });
  expect(JSON.stringify(simulator.calls())).not.toContain(client.clientSecret);
});
