import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { HttpService } from '@nestjs/axios';
import { NestFactory } from '@nestjs/core';
import axios from 'axios';
import { startSimulator, type Call, type OAuthCredentials, type Simulator } from '../../simulator/simulator';
import type {
  AccessToken,
  CallContext,
  ConnectionHost,
  MemberOutcome,
  ProviderConnection,
  UserIdentity,
  UserMatch,
} from '../integrations/provider/integration-provider';
import { ProviderError } from '../integrations/provider/provider-error';
import { hostOf } from '../../test/support/pagerduty';
import type { PagerDutyEndpoints } from './pagerduty-endpoints';
import { PagerDutyProvider } from './pagerduty-provider';
import type { PagerDutySettings } from './pagerduty-settings';
import { PagerDutyModule } from './pagerduty.module';

/** Gives one token and records what it receives; it never makes a call wait. */
class NotingHost implements ConnectionHost {
  readonly readings: { limit: number; remaining: number; resetMs: number }[] = [];
  readonly pauses: number[] = [];
  acquired = 0;
  ended = 0;
  private token: Promise<AccessToken> | null = null;

  readonly budget: ConnectionHost['budget'] = {
    acquire: (context) => {
      context.signal.throwIfAborted();
      this.acquired += 1;
      return Promise.resolve();
    },
    observe: (reading) => void this.readings.push(reading),
    ended: () => void (this.ended += 1),
    pause: (ms) => void this.pauses.push(ms),
    reading: () => null,
  };

  readonly tokens: ConnectionHost['tokens'] = {
    get: (mint) => {
      this.token ??= mint().catch((error: unknown) => {
        this.token = null;
        throw error;
      });
      return this.token;
    },
    drop: () => {
      this.token = null;
    },
  };

  readonly slots: ConnectionHost['slots'] = hostOf().slots;
}

interface ConnectOptions {
  settings?: Partial<PagerDutySettings>;
  secret?: string;
  endpoints?: PagerDutyEndpoints;
  host?: ConnectionHost;
  timeoutMs?: number;
}

let simulator: Simulator;
let oauth: OAuthCredentials;
let apiKey: string;

beforeAll(async () => {
  simulator = await startSimulator();
  oauth = simulator.addOAuthClient();
  apiKey = simulator.addApiKey();
});
afterAll(() => simulator.close());
beforeEach(() => {
  simulator.reset();
  simulator.setAbility('teams', true);
  simulator.setLimits({ membersPerTeam: 500 });
  simulator.setClientScopes(oauth.clientId, oauth.scopes);
  simulator.setClientSecret(oauth.clientId, oauth.clientSecret);
});

function providerOf({ endpoints, timeoutMs = 5_000 }: ConnectOptions): PagerDutyProvider {
  // Axios declares its types once for each module system; the instance is the same.
  const http = new HttpService(axios.create({ timeout: timeoutMs }) as unknown as HttpService['axiosRef']);
  const overrides = { apiUrl: simulator.url, identityUrl: simulator.url, userAgent: 'scimify/0.1.0' };
  return new PagerDutyProvider(http, { ...overrides, ...endpoints });
}

function withKey(options: ConnectOptions = {}): ProviderConnection {
  const settings = { authMethod: 'api_key', accountRegion: 'us', ...options.settings } as PagerDutySettings;
  const account = { settings, secret: options.secret ?? apiKey };
  return providerOf(options).connect(account, options.host ?? new NotingHost());
}

function withOAuth(options: ConnectOptions = {}): ProviderConnection {
  const settings = {
    authMethod: 'oauth',
    clientId: oauth.clientId,
    accountSubdomain: 'acme',
    accountRegion: 'us',
    ...options.settings,
  } as PagerDutySettings;
  const account = { settings, secret: options.secret ?? oauth.clientSecret };
  return providerOf(options).connect(account, options.host ?? new NotingHost());
}

const context: CallContext = {
  signal: new AbortController().signal,
  priority: 'interactive',
  assertMaySend: () => undefined,
};

function person(email: string | null, key = email ?? 'no-address'): UserIdentity {
  return { key, email, userName: 'no address', externalId: null, attributes: {} };
}

/** Asks again for identities that the answer leaves out. */
async function everybody(connection: ProviderConnection, people: readonly UserIdentity[]) {
  const found = new Map<string, UserMatch>();
  for (let left = people; left.length > 0; left = left.filter(({ key }) => !found.has(key))) {
    for (const [key, match] of await connection.resolveUsers(left, context)) found.set(key, match);
  }
  return found;
}

async function failureOf(work: Promise<unknown>): Promise<ProviderError> {
  const outcome = await work.then(
    (value) => value,
    (error: unknown) => error,
  );
  if (outcome instanceof ProviderError) return outcome;
  throw new Error(`expected a ProviderError, got ${inspect(outcome)}`);
}

/** Every outcome, and the error that the generator threw at the end. */
async function outcomesOf(
  changes: AsyncIterable<MemberOutcome>,
): Promise<{ outcomes: MemberOutcome[]; thrown: unknown }> {
  const outcomes: MemberOutcome[] = [];
  try {
    for await (const outcome of changes) outcomes.push(outcome);
  } catch (thrown) {
    return { outcomes, thrown };
  }
  return { outcomes, thrown: null };
}

function reasonOf(outcome: MemberOutcome | undefined): string | null {
  return outcome?.applied === false ? outcome.error.reason : null;
}

function requests(filter: { method?: string; path?: string | RegExp } = {}): string[] {
  return simulator.calls(filter).map(({ method, path }) => `${method} ${path}`);
}

function tokenRequests(): Call[] {
  return simulator.calls({ path: '/oauth/token' });
}

function mostAtOnce(calls: readonly Call[]): number {
  const edges = calls.flatMap(({ at, durationMs }) => [
    { at, change: 1 },
    { at: at + (durationMs ?? 0), change: -1 },
  ]);
  edges.sort((a, b) => a.at - b.at || a.change - b.change);
  let now = 0;
  return edges.reduce((most, { change }) => Math.max(most, (now += change)), 0);
}

describe('a connection to PagerDuty', () => {
  it('is made by the module with the addresses the operator gives', async () => {
    const app = await NestFactory.createApplicationContext(
      PagerDutyModule.forRoot({ apiUrl: `${simulator.url}/`, identityUrl: `${simulator.url}/` }),
      { logger: false },
    );
    const provider = app.get(PagerDutyProvider);
    const settings = provider.parseSettings({ authMethod: 'api_key' });
    const connection = provider.connect({ settings, secret: apiKey }, new NotingHost());
    await expect(connection.getGroup('PNONE', context)).resolves.toBeNull();
    expect(simulator.calls()).toMatchObject([{ path: '/teams/PNONE', userAgent: 'scimify' }]);
    await app.close();
  });

  it('says who is calling', async () => {
    await withKey().getGroup('PNONE', context);
    expect(simulator.calls()[0]?.userAgent).toBe('scimify/0.1.0');
  });

  it('waits for the budget before every call and reports what the headers say', async () => {
    const host = new NotingHost();
    await withKey({ host }).getGroup('PNONE', context);
    expect(host.acquired).toBe(1);
    expect(host.readings).toEqual([{ limit: 960, remaining: 959, resetMs: expect.any(Number) as number }]);
    expect(host.readings[0]?.resetMs).toBeLessThanOrEqual(60_000);
  });

  it('pauses all callers for as long as a refused call names', async () => {
    simulator.inject({ status: 429, headers: { 'ratelimit-reset': '7' }, times: 1 });
    const host = new NotingHost();
    const error = await failureOf(withKey({ host }).getGroup('PNONE', context));
    expect(error).toMatchObject({ kind: 'rate-limited', outcome: 'not-applied', status: 429 });
    expect(host.pauses).toEqual([error.retryAfterMs]);
    expect(error.retryAfterMs).toBeGreaterThanOrEqual(7_500);
    expect(error.retryAfterMs).toBeLessThan(8_000);
  });

  it('pauses for about five seconds after a 429 that is a page of HTML', async () => {
    simulator.inject({ status: 429, body: '<html>nginx</html>', times: 1 });
    const host = new NotingHost();
    await failureOf(withKey({ host }).createGroup({ name: 'SRE', description: 'd' }, context));
    expect(host.pauses).toHaveLength(1);
    expect(host.pauses[0]).toBeGreaterThanOrEqual(5_000);
    expect(host.pauses[0]).toBeLessThanOrEqual(6_500);
  });

  it('follows no redirect, which would carry the key elsewhere', async () => {
    simulator.inject({ path: '/teams/P1', status: 302, headers: { location: `${simulator.url}/teams/P2` } });
    const error = await failureOf(withKey().getGroup('P1', context));
    expect(error).toMatchObject({ kind: 'unavailable', reason: 'unexpected_answer', status: 302 });
    expect(requests()).toEqual(['GET /teams/P1']);
  });

  it('treats a page of HTML with status 200 as an outage', async () => {
    simulator.inject({ status: 200, body: '<html>captive portal</html>' });
    const connection = withKey();
    const read = await failureOf(connection.getGroup('P1', context));
    expect(read).toMatchObject({ kind: 'unavailable', reason: 'unreadable_answer', outcome: 'not-applied' });
    const write = await failureOf(connection.createGroup({ name: 'SRE', description: 'd' }, context));
    expect(write).toMatchObject({ kind: 'unavailable', reason: 'unreadable_answer', outcome: 'unknown' });
  });

  it('gives up after its time-out, however slowly the answer comes', async () => {
    simulator.inject({ latencyMs: 1_000 });
    const connection = withKey({ timeoutMs: 50 });
    const read = await failureOf(connection.getGroup('P1', context));
    expect(read).toMatchObject({ kind: 'unavailable', reason: 'timeout', outcome: 'not-applied' });
    const write = await failureOf(connection.updateGroup('P1', { name: 'x' }, context));
    expect(write).toMatchObject({ kind: 'unavailable', reason: 'timeout', outcome: 'unknown' });
  });

  it('knows that a call which never connected had no effect', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const connection = withKey({ endpoints: { apiUrl: `http://127.0.0.1:${port}` } });
    const error = await failureOf(connection.createGroup({ name: 'SRE', description: 'd' }, context));
    expect(error).toMatchObject({ kind: 'unavailable', reason: 'connection_failed', outcome: 'not-applied' });
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('does not know whether a write took effect when the connection broke', async () => {
    simulator.inject({ method: 'POST', path: '/teams', drop: true, afterEffect: true, times: 1 });
    const connection = withKey();
    const error = await failureOf(connection.createGroup({ name: 'SRE', description: 'd' }, context));
    expect(error).toMatchObject({ kind: 'unavailable', reason: 'connection_broken', outcome: 'unknown' });
    const found = await connection.findGroups(['SRE'], context);
    expect(found.get('sre')).toMatchObject({ name: 'SRE', description: 'd' });
    expect(simulator.calls({ method: 'POST' })).toHaveLength(1);
  });

  it('stops on an abort, with the reason of the abort', async () => {
    simulator.inject({ latencyMs: 2_000 });
    const controller = new AbortController();
    const work = withKey().getGroup('P1', { ...context, signal: controller.signal });
    const reason = new Error('the lease is over');
    setTimeout(() => controller.abort(reason), 20);
    await expect(work).rejects.toBe(reason);
  });

  it('sends nothing for a malformed id', async () => {
    const connection = withKey();
    await expect(connection.getGroup('../users/P1', context)).resolves.toBeNull();
    await expect(connection.getGroup('..', context)).resolves.toBeNull();
    const error = await failureOf(connection.updateGroup('', { name: 'x' }, context));
    expect(error).toMatchObject({ kind: 'not-found', reason: 'malformed_id' });
    expect(simulator.calls()).toEqual([]);
  });

  it('keeps the secret out of every error', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const errors = [
      await failureOf(withKey({ endpoints: { apiUrl } }).getGroup('P1', context)),
      await failureOf(withOAuth({ endpoints: { identityUrl: apiUrl } }).getGroup('P1', context)),
    ];
    simulator.inject({ path: '/oauth/token', status: 401, body: { error: `bad ${oauth.clientSecret}` } });
    simulator.inject({ path: '/teams/P1', status: 401, body: { error: { message: `bad key ${apiKey}` } } });
    errors.push(await failureOf(withOAuth().getGroup('P1', context)));
    errors.push(await failureOf(withKey().getGroup('P1', context)));
    for (const error of errors) {
      const shown = inspect(error, { depth: 20, showHidden: true, getters: true });
      expect(shown).not.toContain(apiKey);
      expect(shown).not.toContain(oauth.clientSecret);
      expect(shown).not.toContain('Authorization');
    }
    server.close();
  });
});

describe('with an API access key', () => {
  it('a disabled key is a credentials error', async () => {
    const key = simulator.addApiKey();
    simulator.disableKey(key);
    const error = await failureOf(withKey({ secret: key }).getGroup('P1', context));
    expect(error).toMatchObject({ kind: 'credentials', reason: 'unauthorized', status: 401 });
  });

  it('a key of the other service region is refused, and the remedy names the region', async () => {
    const connection = withKey({
      settings: { accountRegion: 'eu' },
      endpoints: { apiUrl: simulator.euUrl },
    });
    const error = await failureOf(connection.account(context));
    expect(error).toMatchObject({ kind: 'credentials', reason: 'unauthorized', outcome: 'not-applied' });
    expect(error.remedy).toContain('region');
  });

  it('a read-only key may not write', async () => {
    const secret = simulator.addApiKey({ readOnly: true });
    const error = await failureOf(
      withKey({ secret }).createGroup({ name: 'SRE', description: 'd' }, context),
    );
    expect(error).toMatchObject({ kind: 'permission', reason: 'access_denied' });
  });

  it('an account without teams says that its plan is too small', async () => {
    simulator.setAbility('teams', false);
    const error = await failureOf(withKey().findGroups(['SRE'], context));
    expect(error).toMatchObject({ kind: 'permission', reason: 'teams_ability_missing', status: 402 });
  });
});

describe('with Scoped OAuth', () => {
  it('one token serves every call, also those that begin at once', async () => {
    const connection = withOAuth();
    await Promise.all(['P1', 'P2', 'P3', 'P4', 'P5'].map((id) => connection.getGroup(id, context)));
    await connection.getGroup('P6', context);
    expect(tokenRequests().map(({ requestBody }) => requestBody)).toEqual([
      {
        grant_type: 'client_credentials',
        client_id: oauth.clientId,
        scope: 'as_account-us.acme teams.read teams.write users.read',
      },
    ]);
  });

  it('a token revoked in PagerDuty is replaced once and the call made again', async () => {
    const connection = withOAuth();
    await connection.getGroup('P1', context);
    simulator.revokeAllTokens(oauth.clientId);
    await expect(connection.getGroup('P1', context)).resolves.toBeNull();
    expect(tokenRequests()).toHaveLength(2);
    expect(requests({ path: '/teams/P1' })).toHaveLength(3);
  });

  it('a new token that is refused too is not replaced again', async () => {
    const connection = withOAuth();
    await connection.getGroup('P1', context);
    simulator.inject({ path: '/teams/P1', status: 401 });
    const error = await failureOf(connection.getGroup('P1', context));
    expect(error).toMatchObject({ kind: 'credentials', reason: 'unauthorized' });
    expect(tokenRequests()).toHaveLength(2);
  });

  it('a token that was minted for the refused call is not minted again', async () => {
    simulator.inject({ path: '/teams/P1', status: 401 });
    await failureOf(withOAuth().getGroup('P1', context));
    expect(tokenRequests()).toHaveLength(1);
  });

  it('a scope added to the app counts at once, because a scope-403 asks for a new token', async () => {
    const connection = withOAuth();
    const body = {
      error: {
        message: 'Token missing required scopes',
        required_scopes: 'teams.write',
        token_scopes: 'teams.read',
      },
    };
    await connection.getGroup('P1', context);
    simulator.inject({ path: '/teams/P1', status: 403, body, times: 1 });
    await expect(connection.getGroup('P1', context)).resolves.toBeNull();
    expect(tokenRequests()).toHaveLength(2);
  });

  it('names the missing scopes, whether PagerDuty grants fewer scopes or refuses', async () => {
    simulator.setClientScopes(oauth.clientId, ['teams.read']);
    const less = await failureOf(withOAuth().account(context));
    expect(less).toMatchObject({ kind: 'permission', reason: 'scopes_missing', outcome: 'not-applied' });
    expect(less.message).toContain('teams.write, users.read');

    const strict = simulator.addOAuthClient({ scopes: ['teams.read'], refuseUnallowedScopes: true });
    const refused = await failureOf(
      withOAuth({ settings: { clientId: strict.clientId }, secret: strict.clientSecret }).account(context),
    );
    expect(refused).toMatchObject({ kind: 'credentials', reason: 'oauth_scope_refused', status: 400 });
    expect(refused.message).toContain('Invalid scope');
  });

  it('asks again as soon as missing scopes may have been added', async () => {
    const connection = withOAuth();
    simulator.setClientScopes(oauth.clientId, ['teams.read']);
    await failureOf(connection.account(context));
    simulator.setClientScopes(oauth.clientId, oauth.scopes);
    simulator.addTeam({ name: 'SRE' });
    await expect(connection.account(context)).resolves.toMatchObject({ name: 'acme' });
  });

  it.each([
    ['a wrong secret', { secret: 'wrong' }, 'oauth_client_refused'],
    ['an unknown client id', { settings: { clientId: 'unknown' } }, 'oauth_client_refused'],
    ['a wrong subdomain', { settings: { accountSubdomain: 'other' } }, 'oauth_scope_refused'],
    ['a wrong region', { settings: { accountRegion: 'eu' as const } }, 'oauth_scope_refused'],
  ])('%s is a credentials error that says what to check', async (_, options, reason) => {
    const error = await failureOf(withOAuth(options).account(context));
    expect(error).toMatchObject({ kind: 'credentials', reason, outcome: 'not-applied' });
    for (const word of ['client id', 'client secret', 'subdomain', 'region', 'scopes']) {
      expect(error.remedy).toContain(word);
    }
  });

  it.each([
    [{ status: 503 }, 'unavailable', 'server_error'],
    [{ status: 429 }, 'rate-limited', 'rate_limited'],
    [{ drop: true }, 'unavailable', 'connection_broken'],
    [{ status: 200, body: '<html>' }, 'unavailable', 'unreadable_answer'],
  ])('an identity service that answers with %j is no credentials error', async (fault, kind, reason) => {
    simulator.inject({ path: '/oauth/token', ...fault });
    const error = await failureOf(withOAuth().createGroup({ name: 'SRE', description: 'd' }, context));
    expect(error).toMatchObject({ kind, reason, outcome: 'not-applied' });
  });

  it('a token is replaced before it ends', async () => {
    simulator.setTokenLifetime(2);
    const connection = withOAuth();
    await connection.getGroup('P1', context);
    await sleep(1_050);
    await connection.getGroup('P1', context);
    expect(tokenRequests()).toHaveLength(2);
    expect(simulator.calls({ status: 401 })).toEqual([]);
  });

  it('an aborted call leaves the token to the other waiting calls', async () => {
    simulator.inject({ path: '/oauth/token', latencyMs: 100 });
    const connection = withOAuth();
    const controller = new AbortController();
    const first = connection.getGroup('P1', { ...context, signal: controller.signal });
    const second = connection.getGroup('P2', context);
    controller.abort(new Error('gave up'));
    await expect(first).rejects.toThrow('gave up');
    await expect(second).resolves.toBeNull();
    expect(tokenRequests()).toHaveLength(1);
  });
});

describe('the account', () => {
  it('is known from the address of a team', async () => {
    simulator.addTeam({ name: 'SRE' });
    await expect(withOAuth().account(context)).resolves.toEqual({
      identity: 'pagerduty:us:acme',
      name: 'acme',
      url: 'https://acme.pagerduty.com',
    });
  });

  it('is known from the address of a user when there is no team yet', async () => {
    const account = simulator.addAccount({ subdomain: 'acme', region: 'eu' });
    account.addUser({ email: 'owner@acme.example', role: 'owner' });
    const secret = account.addApiKey();
    await expect(withKey({ secret, settings: { accountRegion: 'eu' } }).account(context)).resolves.toEqual({
      identity: 'pagerduty:eu:acme',
      name: 'acme',
      url: 'https://acme.eu.pagerduty.com',
    });
  });

  it('is not known from an empty account', async () => {
    await expect(withKey().account(context)).resolves.toBeNull();
  });

  it('is not known from another kind of address', async () => {
    const team = { id: 'P1', name: 'x', html_url: 'https://pagerduty.com.evil.example/teams/P1' };
    simulator.inject({ path: '/teams', status: 200, body: { teams: [team] } });
    await expect(withKey().account(context)).resolves.toBeNull();
  });
});

describe('finding users', () => {
  it('compares addresses whole, without case and outer spaces', async () => {
    const user = simulator.addUser({ email: 'E.Doe@Acme.example' });
    simulator.addUsers([{ email: 'ellie.doe@acme.example' }, { email: 'jane.doe@acme.example.org' }]);
    const found = await withKey().resolveUsers(
      [person(' e.doe@ACME.example ', 'a'), person('doe@acme.example', 'b'), person(null, 'c')],
      context,
    );
    expect(found.get('a')).toEqual({ kind: 'resolved', remoteUserId: user.id });
    expect(found.get('b')).toMatchObject({ kind: 'not-found' });
    expect(found.get('c')).toMatchObject({ kind: 'not-found' });
  });

  it('uses a userName that is an address when there is no e-mail address', async () => {
    const user = simulator.addUser({ email: 'jane@acme.example' });
    const jane = { key: 'j', email: null, userName: 'Jane@acme.example', externalId: null, attributes: {} };
    const found = await withKey().resolveUsers([jane], context);
    expect(found.get('j')).toEqual({ kind: 'resolved', remoteUserId: user.id });
  });

  it('sends the plus of an address as a plus', async () => {
    const user = simulator.addUser({ email: 'jane+oncall@acme.example' });
    const found = await withKey().resolveUsers([person('jane+oncall@acme.example', 'j')], context);
    expect(found.get('j')).toEqual({ kind: 'resolved', remoteUserId: user.id });
    expect(requests()[0]).toContain('query=jane%2Boncall%40acme.example');
  });

  it('reads on past the first page of near matches', async () => {
    simulator.addUsers(
      Array.from({ length: 120 }, (_, i) => ({ email: `a${i}-zed@acme.example`, name: 'A' })),
    );
    const user = simulator.addUser({ email: 'zed@acme.example', name: 'Z' });
    const found = await withKey().resolveUsers([person('zed@acme.example')], context);
    expect(found.get('zed@acme.example')).toEqual({ kind: 'resolved', remoteUserId: user.id });
    expect(requests()).toHaveLength(2);
  });

  it('reads the whole list when that is cheaper than asking for each', async () => {
    const users = simulator.addUsers(250);
    const found = await withKey().resolveUsers(
      users.map(({ email, id }) => person(email, id)),
      context,
    );
    expect(users.every(({ id }) => found.get(id)?.kind === 'resolved')).toBe(true);
    expect(requests()).toEqual([
      'GET /users?limit=100&offset=0&total=true',
      'GET /users?limit=100&offset=100',
      'GET /users?limit=100&offset=200',
    ]);
  });

  it('asks for each when that is cheaper, four at a time', async () => {
    const users = simulator.addUsers(1_500);
    simulator.inject({ latencyMs: 30 });
    const connection = withKey();
    const wanted = users.slice(-8);
    const found = await connection.resolveUsers(
      wanted.map(({ email, id }) => person(email, id)),
      context,
    );
    expect(wanted.every(({ id }) => found.get(id)?.kind === 'resolved')).toBe(true);
    const calls = simulator.calls();
    expect(calls).toHaveLength(1 + 8);
    expect(mostAtOnce(calls)).toBeGreaterThan(1);
    expect(mostAtOnce(calls)).toBeLessThanOrEqual(4);

    simulator.clearCalls();
    await connection.resolveUsers(
      users.slice(0, 5).map(({ email }) => person(email)),
      context,
    );
    expect(requests({ path: /total=true/ })).toEqual([]);
  });

  it('asks for each in an account too large to be listed', async () => {
    simulator.addUsers(10_050);
    const wanted = simulator.users().slice(-110);
    const found = await everybody(
      withKey(),
      wanted.map(({ email, id }) => person(email, id)),
    );
    expect(wanted.every(({ id }) => found.get(id)?.kind === 'resolved')).toBe(true);
    expect(simulator.calls()).toHaveLength(1 + 110);
  });

  it('returns what it has found so far when it has to search for each user', async () => {
    simulator.addUsers(10_050);
    const people = simulator.users().map(({ email, id }) => person(email, id));
    const found = await withKey().resolveUsers(people, context);
    expect(found.size).toBeGreaterThan(10);
    expect(found.size).toBeLessThan(1_000);
    expect([...found].every(([id, match]) => match.kind === 'resolved' && match.remoteUserId === id)).toBe(
      true,
    );
  });

  it('returns what it found before a search failed, and throws only when it found no user', async () => {
    const users = simulator.addUsers(1_500).slice(-8);
    const people = users.map(({ email, id }) => person(email, id));
    const failing = simulator.inject({
      path: new RegExp(`query=${people[7]!.email!.split('@')[0]}`),
      status: 408,
    });
    const connection = withKey();
    const found = await connection.resolveUsers(people, context);
    expect([...found.keys()].sort()).toEqual(
      users
        .slice(0, 7)
        .map(({ id }) => id)
        .sort(),
    );
    expect(failing.hits()).toBeGreaterThan(0);
    const error = await failureOf(connection.resolveUsers(people.slice(7), context));
    expect(error).toMatchObject({ status: 408, isTransient: true });
  });

  it('remembers users that it found, and asks again for the others', async () => {
    simulator.addUsers([{ email: 'a@acme.example' }, { email: 'b@acme.example' }]);
    const connection = withKey();
    const people = ['a@acme.example', 'b@acme.example', 'late@acme.example'].map((email) => person(email));
    const before = await connection.resolveUsers(people, context);
    expect(before.get('late@acme.example')).toMatchObject({ kind: 'not-found' });
    const late = simulator.addUser({ email: 'late@acme.example' });
    simulator.clearCalls();
    const after = await connection.resolveUsers(people, context);
    expect(after.get('late@acme.example')).toEqual({ kind: 'resolved', remoteUserId: late.id });
    expect(after.get('a@acme.example')?.kind).toBe('resolved');
    expect(requests()).toEqual(['GET /users?query=late%40acme.example&limit=100&offset=0']);
  });

  it('asks again for found users when the caller does not accept the cache', async () => {
    const former = simulator.addUser({ email: 'jane@acme.example' });
    const connection = withKey();
    const jane = person('jane@acme.example', 'j');
    await connection.resolveUsers([jane], context);
    simulator.updateUser(former.id, { email: 'old@acme.example' });
    const { id } = simulator.addUser({ email: 'jane@acme.example' });
    const found = await connection.resolveUsers([{ ...jane, maxAgeMs: 0 }], context);
    expect(found.get('j')).toEqual({ kind: 'resolved', remoteUserId: id });
    expect((await connection.resolveUsers([jane], context)).get('j')).toEqual(found.get('j'));
  });

  it('forgets the user of an address that a later look-up did not find', async () => {
    const { id } = simulator.addUser({ email: 'jane@acme.example' });
    const connection = withKey();
    const jane = person('jane@acme.example', 'j');
    await connection.resolveUsers([jane], context);
    simulator.updateUser(id, { email: 'old@acme.example' });
    await connection.resolveUsers([{ ...jane, maxAgeMs: 0 }], context);
    const found = await connection.resolveUsers([jane], context);
    expect(found.get('j')).toMatchObject({ kind: 'not-found' });
  });

  it('does not answer from the cache when the same look-up shows the user with another address', async () => {
    const former = simulator.addUser({ email: 'jane@acme.example' });
    const others = simulator.addUsers(3).map(({ email, id }) => person(email, id));
    const connection = withKey();
    const jane = person('jane@acme.example', 'j');
    await connection.resolveUsers([jane], context);
    simulator.updateUser(former.id, { email: 'old@acme.example' });
    const current = simulator.addUser({ email: 'jane@acme.example' });
    const found = await connection.resolveUsers([jane, ...others], context);
    expect([...found.keys()].sort()).toEqual(others.map(({ key }) => key).sort());
    const again = await connection.resolveUsers([jane], context);
    expect(again.get('j')).toEqual({ kind: 'resolved', remoteUserId: current.id });
  });

  it('calls an address of two users ambiguous', async () => {
    const row = (id: string, email: string) => ({ id, type: 'user', email });
    const users = [row('P1', 'jane@acme.example'), row('P2', 'Jane@acme.example')];
    simulator.inject({ path: '/users', status: 200, body: { users, limit: 100, offset: 0, more: false } });
    const found = await withKey().resolveUsers([person('jane@acme.example', 'j')], context);
    expect(found.get('j')).toMatchObject({ kind: 'ambiguous' });
    expect(found.get('j')).toHaveProperty('message', expect.stringContaining('P1, P2'));
  });

  it('searches for users that are missing from a list that shifted during the read', async () => {
    const users = simulator.addUsers(150);
    const missed = users[149]!;
    const shifted = { users: [{ id: users[0]!.id, email: users[0]!.email }], limit: 100, more: false };
    simulator.inject({ path: /^\/users\?.*offset=100$/, status: 200, body: shifted });
    const found = await withKey().resolveUsers(
      users.slice(-3).map(({ email, id }) => person(email, id)),
      context,
    );
    expect(found.get(missed.id)).toEqual({ kind: 'resolved', remoteUserId: missed.id });
  });

  it('finds no user when PagerDuty fails', async () => {
    simulator.inject({ path: '/users', status: 503 });
    const error = await failureOf(withKey().resolveUsers([person('a@acme.example')], context));
    expect(error).toMatchObject({ kind: 'unavailable', reason: 'server_error' });
  });
});

describe('teams', () => {
  it('are created with name and description', async () => {
    const group = await withOAuth().createGroup({ name: 'SRE', description: 'Made here' }, context);
    expect(simulator.team(group.id)).toMatchObject({ name: 'SRE', description: 'Made here', members: [] });
    expect(group).toEqual({
      id: group.id,
      name: 'SRE',
      description: 'Made here',
      url: `https://acme.pagerduty.com/teams/${group.id}`,
    });
  });

  it('whose name is taken, whatever its case, are a conflict', async () => {
    simulator.addTeam({ name: 'SRE' });
    const error = await failureOf(withKey().createGroup({ name: 'sre', description: 'd' }, context));
    expect(error).toMatchObject({ kind: 'conflict', reason: 'name_taken', outcome: 'not-applied' });
  });

  it('whose name is too long are rejected', async () => {
    const error = await failureOf(
      withKey().createGroup({ name: 'x'.repeat(101), description: 'd' }, context),
    );
    expect(error).toMatchObject({ kind: 'rejected', reason: 'name_too_long' });
  });

  it('of too many for the plan are rejected', async () => {
    simulator.setLimits({ teams: 0 });
    const error = await failureOf(withKey().createGroup({ name: 'SRE', description: 'd' }, context));
    simulator.setLimits({ teams: Number.MAX_SAFE_INTEGER });
    expect(error).toMatchObject({ kind: 'rejected', reason: 'team_limit_reached' });
  });

  it('are found by their exact name among others that contain it', async () => {
    simulator.addTeam({ name: 'SRE Europe' });
    const team = simulator.addTeam({ name: 'SRE' });
    simulator.addTeam({ name: 'Old SRE' });
    const found = await withKey().findGroups(['  sre ', 'Missing'], context);
    expect([...found]).toEqual([['sre', expect.objectContaining({ id: team.id, name: 'SRE' })]]);
  });

  it('are found behind a page of others that contain the name', async () => {
    for (let i = 0; i < 130; i += 1) simulator.addTeam({ name: `A${i} ops` });
    const team = simulator.addTeam({ name: 'ops' });
    const found = await withKey().findGroups(['Ops'], context);
    expect(found.get('ops')?.id).toBe(team.id);
  });

  it('are looked up in one list when many are looked up', async () => {
    for (let i = 0; i < 130; i += 1) simulator.addTeam({ name: `Team ${i}` });
    const names = Array.from({ length: 40 }, (_, i) => `team  ${i}`);
    const found = await withKey().findGroups([...names, 'Missing'], context);
    expect(found.size).toBe(40);
    expect(found.get('team 7')?.name).toBe('Team 7');
    expect(requests()).toEqual([
      'GET /teams?limit=100&offset=0&total=true',
      'GET /teams?limit=100&offset=100',
    ]);
  });

  it('are not looked up without a name', async () => {
    await expect(withKey().findGroups(['', '  '], context)).resolves.toEqual(new Map());
    expect(simulator.calls()).toEqual([]);
  });

  it('are read by id, and null once they are gone', async () => {
    const team = simulator.addTeam({ name: 'SRE', description: 'd' });
    const connection = withKey();
    await expect(connection.getGroup(team.id, context)).resolves.toMatchObject({ name: 'SRE' });
    simulator.removeTeam(team.id);
    await expect(connection.getGroup(team.id, context)).resolves.toBeNull();
  });

  it('are changed only in the given fields', async () => {
    const team = simulator.addTeam({ name: 'SRE', description: 'kept' });
    const connection = withKey();
    await connection.updateGroup(team.id, { name: 'Platform' }, context);
    expect(simulator.team(team.id)).toMatchObject({ name: 'Platform', description: 'kept' });
    expect(simulator.calls({ method: 'PUT' })[0]?.requestBody).toEqual({
      team: { type: 'team', name: 'Platform' },
    });
    simulator.clearCalls();
    await connection.updateGroup(team.id, {}, context);
    expect(simulator.calls()).toEqual([]);
  });

  it('that are gone cannot be changed', async () => {
    const error = await failureOf(withKey().updateGroup('PGONE', { name: 'x' }, context));
    expect(error).toMatchObject({ kind: 'not-found', reason: 'team_gone' });
  });

  it('are deleted, and are not found a second time', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const connection = withKey();
    await connection.deleteGroup(team.id, context);
    expect(simulator.teams()).toEqual([]);
    const error = await failureOf(connection.deleteGroup(team.id, context));
    expect(error).toMatchObject({ kind: 'not-found', reason: 'team_gone', outcome: 'not-applied' });
  });

  it.each([[['Schedules']], [['Schedules', 'Services']]] as const)(
    'that %j use are not deleted, and say why',
    async (kinds) => {
      const team = simulator.addTeam({ name: 'SRE' });
      for (const kind of kinds) simulator.associate(team.id, kind);
      const error = await failureOf(withKey().deleteGroup(team.id, context));
      expect(error).toMatchObject({ kind: 'rejected', reason: 'team_in_use', outcome: 'not-applied' });
      expect(error.message).toContain('Schedules');
    },
  );
});

describe('listing members', () => {
  it('reads every page, with the roles', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    for (const user of simulator.addUsers(230)) simulator.addMember(team.id, user.id, 'responder');
    const members = await withKey().listMembers(team.id, context);
    expect(new Set(members.map(({ remoteUserId }) => remoteUserId)).size).toBe(230);
    expect(members[0]).toEqual({ remoteUserId: expect.any(String) as string, role: 'responder' });
    expect(requests()).toHaveLength(3);
  });

  it('goes on by the size of the pages that it gets, not of those it asked for', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    const users = simulator.addUsers(30);
    for (const user of users) simulator.addMember(team.id, user.id);
    const real = await withKey().listMembers(team.id, context);
    const rows = real.map(({ remoteUserId, role }) => ({ user: { id: remoteUserId }, role }));
    const short = { members: rows.slice(0, 25), limit: 25, offset: 0, more: true, total: null };
    simulator.inject({ path: /members\?.*offset=0&/, status: 200, body: short });
    simulator.clearCalls();
    await expect(withKey().listMembers(team.id, context)).resolves.toEqual(real);
    expect(requests()[1]).toContain('offset=25');
  });

  it('of a team that is gone fails', async () => {
    const error = await failureOf(withKey().listMembers('PGONE', context));
    expect(error).toMatchObject({ kind: 'not-found', reason: 'team_gone' });
  });

  it.each(['a row comes twice', 'the count differs'])(
    'reads once more when %s, and fails when it does again',
    async (trouble) => {
      const team = simulator.addTeam({ name: 'SRE' });
      for (const user of simulator.addUsers(130)) simulator.addMember(team.id, user.id);
      const read = await withKey().listMembers(team.id, context);
      const rows = read.map(({ remoteUserId, role }) => ({ user: { id: remoteUserId }, role }));
      const fault =
        trouble === 'the count differs'
          ? { path: /members\?.*offset=0&/, body: { members: rows.slice(0, 100), more: true, total: 131 } }
          : { path: /members\?.*offset=100/, body: { members: rows.slice(99), more: false, total: null } };

      simulator.inject({ ...fault, status: 200, times: 1 });
      await expect(withKey().listMembers(team.id, context)).resolves.toEqual(read);

      simulator.inject({ ...fault, status: 200 });
      const error = await failureOf(withKey().listMembers(team.id, context));
      expect(error).toMatchObject({ kind: 'unavailable', reason: 'list_changed' });
    },
  );

  it('never treats a list that fails half-way as complete', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    for (const user of simulator.addUsers(130)) simulator.addMember(team.id, user.id);
    simulator.inject({ path: /members\?.*offset=100/, status: 500 });
    await expect(withKey().listMembers(team.id, context)).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

describe('changing members', () => {
  let teamId: string;
  beforeEach(() => {
    teamId = simulator.addTeam({ name: 'SRE' }).id;
  });

  const emails = (): string[] => simulator.team(teamId)!.members.map(({ email }) => email);
  const add = (...ids: string[]) => ({ add: ids.map((remoteUserId) => ({ remoteUserId })), remove: [] });
  const remove = (...ids: string[]) => ({ add: [], remove: ids });

  it('adds first, then removes, one call after another, with no role unless one is asked', async () => {
    const [old, ...fresh] = simulator.addUsers(4);
    simulator.addMember(teamId, old!.id);
    simulator.inject({ latencyMs: 10 });
    const ids = fresh.map(({ id }) => id);
    const change = { ...add(...ids), remove: [old!.id] };
    const { outcomes, thrown } = await outcomesOf(withKey().changeMembers(teamId, change, context));
    expect(thrown).toBeNull();
    expect(outcomes).toEqual([
      ...ids.map((remoteUserId) => ({ remoteUserId, change: 'add', applied: true, role: null })),
      { remoteUserId: old!.id, change: 'remove', applied: true, role: null },
    ]);
    expect(emails()).toEqual(fresh.map(({ email }) => email));
    const calls = simulator.calls();
    expect(mostAtOnce(calls)).toBe(1);
    expect(calls.every(({ requestBody }) => requestBody === undefined)).toBe(true);
  });

  it('gives the role that is asked', async () => {
    const user = simulator.addUser({ email: 'a@acme.example' });
    const change = { add: [{ remoteUserId: user.id, role: 'observer' }], remove: [] };
    const { outcomes } = await outcomesOf(withKey().changeMembers(teamId, change, context));
    expect(outcomes).toMatchObject([{ applied: true, role: 'observer' }]);
    expect(simulator.team(teamId)?.members).toMatchObject([{ role: 'observer' }]);
  });

  it('adds a user who may not have the requested role with the role that PagerDuty gives', async () => {
    const owner = simulator.addUser({ email: 'owner@acme.example', role: 'owner' });
    const change = { add: [{ remoteUserId: owner.id, role: 'responder' }], remove: [] };
    const { outcomes } = await outcomesOf(withKey().changeMembers(teamId, change, context));
    expect(outcomes).toEqual([{ remoteUserId: owner.id, change: 'add', applied: true, role: null }]);
    expect(simulator.team(teamId)?.members).toMatchObject([{ role: 'manager' }]);
    expect(simulator.calls({ method: 'PUT' })).toHaveLength(2);
  });

  it('rejects only the stakeholder', async () => {
    const stakeholder = simulator.addUser({ email: 's@acme.example', role: 'read_only_user' });
    const user = simulator.addUser({ email: 'a@acme.example' });
    const { outcomes, thrown } = await outcomesOf(
      withKey().changeMembers(teamId, add(stakeholder.id, user.id), context),
    );
    expect(outcomes.map(reasonOf)).toEqual(['user_is_stakeholder', null]);
    expect(thrown).toBeNull();
    expect(emails()).toEqual(['a@acme.example']);
  });

  it('recognises a stakeholder by the base role when PagerDuty does not say so', async () => {
    const stakeholder = simulator.addUser({ email: 's@acme.example', role: 'read_only_limited_user' });
    simulator.inject({ method: 'PUT', status: 400 });
    const { outcomes } = await outcomesOf(withKey().changeMembers(teamId, add(stakeholder.id), context));
    expect(outcomes).toMatchObject([
      { applied: false, error: { kind: 'rejected', reason: 'user_is_stakeholder' } },
    ]);
  });

  it('rejects users who no longer fit into the team', async () => {
    simulator.setLimits({ membersPerTeam: 1 });
    const [first, second] = simulator.addUsers(2);
    const { outcomes } = await outcomesOf(
      withKey().changeMembers(teamId, add(first!.id, second!.id), context),
    );
    expect(outcomes.map(reasonOf)).toEqual([null, 'team_full']);
  });

  it('distinguishes a user in too many teams from a team with too many members', async () => {
    simulator.setLimits({ teamsPerUser: 1 });
    const [inAnother, free] = simulator.addUsers(2);
    simulator.addMember(simulator.addTeam({ name: 'Another' }).id, inAnother!.id);
    const { outcomes } = await outcomesOf(
      withKey().changeMembers(teamId, add(inAnother!.id, free!.id), context),
    );
    expect(outcomes.map(reasonOf)).toEqual(['user_in_too_many_teams', null]);
  });

  it('is repeatable', async () => {
    const user = simulator.addUser({ email: 'a@acme.example' });
    const connection = withKey();
    for (let i = 0; i < 2; i += 1) {
      const { outcomes } = await outcomesOf(connection.changeMembers(teamId, add(user.id), context));
      expect(outcomes).toMatchObject([{ applied: true }]);
    }
    for (let i = 0; i < 2; i += 1) {
      const { outcomes } = await outcomesOf(connection.changeMembers(teamId, remove(user.id), context));
      expect(outcomes).toMatchObject([{ applied: true }]);
    }
    expect(emails()).toEqual([]);
  });

  it('removes users who were never members or are deleted, and reads the team once', async () => {
    const stranger = simulator.addUser({ email: 'a@acme.example' });
    const { outcomes, thrown } = await outcomesOf(
      withKey().changeMembers(teamId, remove(stranger.id, 'PDELETED'), context),
    );
    expect(thrown).toBeNull();
    expect(outcomes).toMatchObject([{ applied: true }, { applied: true }]);
    expect(simulator.calls({ method: 'GET', path: `/teams/${teamId}` })).toHaveLength(1);
  });

  it('does not remove a user who is on an escalation policy of the team', async () => {
    const [onCall, other] = simulator.addUsers(2);
    simulator.associate(teamId, 'Escalation Policies', { userIds: [onCall!.id] });
    simulator.addMember(teamId, other!.id);
    const { outcomes, thrown } = await outcomesOf(
      withKey().changeMembers(teamId, remove(onCall!.id, other!.id), context),
    );
    expect(outcomes).toMatchObject([
      { applied: false, error: { kind: 'rejected', reason: 'member_on_escalation_policy' } },
      { applied: true },
    ]);
    expect(thrown).toBeNull();
    expect(emails()).toEqual([onCall!.email]);
  });

  it('does not add a deleted user, and looks the user up again afterwards', async () => {
    const user = simulator.addUser({ email: 'jane@acme.example' });
    const connection = withKey();
    await connection.resolveUsers([person('jane@acme.example')], context);
    simulator.removeUser(user.id);
    const again = simulator.addUser({ email: 'jane@acme.example' });
    const { outcomes, thrown } = await outcomesOf(connection.changeMembers(teamId, add(user.id), context));
    expect(outcomes).toMatchObject([
      { applied: false, error: { kind: 'not-found', reason: 'user_gone', outcome: 'not-applied' } },
    ]);
    expect(thrown).toBeNull();
    const found = await connection.resolveUsers([person('jane@acme.example')], context);
    expect(found.get('jane@acme.example')).toEqual({ kind: 'resolved', remoteUserId: again.id });
  });

  it.each(['add', 'remove'] as const)('stops at the first %s when the team is gone', async (kind) => {
    const ids = simulator.addUsers(2).map(({ id }) => id);
    simulator.removeTeam(teamId);
    const change = kind === 'add' ? add(...ids) : remove(...ids);
    const { outcomes, thrown } = await outcomesOf(withKey().changeMembers(teamId, change, context));
    expect(outcomes.map(reasonOf)).toEqual(['team_gone']);
    expect(thrown).toMatchObject({ kind: 'not-found', reason: 'team_gone' });
  });

  it('does not conclude from a 404 that an existing object is gone', async () => {
    const user = simulator.addUser({ email: 'a@acme.example' });
    simulator.inject({ method: 'PUT', status: 404, times: 1 });
    const { outcomes } = await outcomesOf(withKey().changeMembers(teamId, add(user.id), context));
    expect(outcomes).toMatchObject([
      { applied: false, error: { kind: 'rejected', reason: 'addition_not_found' } },
    ]);
  });

  it.each([
    [{ status: 401 }, 'unauthorized', 'not-applied'],
    [{ status: 402 }, 'teams_ability_missing', 'not-applied'],
    [{ status: 429 }, 'rate_limited', 'not-applied'],
    [{ status: 503 }, 'server_error', 'unknown'],
    [{ drop: true }, 'connection_broken', 'unknown'],
  ])('stops after %j, which is not about one member', async (fault, reason, outcome) => {
    const ids = simulator.addUsers(3).map(({ id }) => id);
    simulator.inject({ method: 'PUT', ...fault });
    const { outcomes, thrown } = await outcomesOf(withKey().changeMembers(teamId, add(...ids), context));
    expect(outcomes).toMatchObject([{ applied: false, error: { reason, outcome } }]);
    expect(thrown).toBe((outcomes[0] as { error: unknown }).error);
  });

  it('reports an unknown outcome for an applied write whose response was lost', async () => {
    const user = simulator.addUser({ email: 'a@acme.example' });
    simulator.inject({ method: 'PUT', status: 502, afterEffect: true, times: 1 });
    const { outcomes } = await outcomesOf(withKey().changeMembers(teamId, add(user.id), context));
    expect(outcomes).toMatchObject([{ applied: false, error: { outcome: 'unknown' } }]);
    expect(emails()).toEqual(['a@acme.example']);
  });

  it('goes on after a single 500 and stops after three in a row', async () => {
    const status = 500;
    const ids = simulator.addUsers(6).map(({ id }) => id);
    simulator.inject({ method: 'PUT', path: `/teams/${teamId}/users/${ids[0]}`, status });
    const one = await outcomesOf(withKey().changeMembers(teamId, add(...ids.slice(0, 3)), context));
    expect(one.outcomes.map(({ applied }) => applied)).toEqual([false, true, true]);
    expect(one.thrown).toBeNull();

    simulator.inject({ method: 'PUT', status });
    const all = await outcomesOf(withKey().changeMembers(teamId, add(...ids), context));
    expect(all.outcomes).toHaveLength(3);
    expect(all.thrown).toBeInstanceOf(ProviderError);
  });

  it('goes on after any number of refused members in a row', async () => {
    const ids = simulator.addUsers(6).map(({ id }) => id);
    simulator.inject({
      method: 'PUT',
      path: new RegExp(`/users/(${ids.slice(0, 4).join('|')})$`),
      status: 403,
    });
    const { outcomes, thrown } = await outcomesOf(withKey().changeMembers(teamId, add(...ids), context));
    expect(outcomes.map(({ applied }) => applied)).toEqual([false, false, false, false, true, true]);
    expect(thrown).toBeNull();
  });

  it('makes no call before it is asked for the next outcome', async () => {
    const ids = simulator.addUsers(3).map(({ id }) => id);
    for await (const outcome of withKey().changeMembers(teamId, add(...ids), context)) {
      expect(outcome.applied).toBe(true);
      break;
    }
    expect(requests()).toHaveLength(1);
  });

  it('stops on an abort', async () => {
    const ids = simulator.addUsers(3).map(({ id }) => id);
    const controller = new AbortController();
    const changes = withKey().changeMembers(teamId, add(...ids), { ...context, signal: controller.signal });
    const outcomes: MemberOutcome[] = [];
    const work = (async () => {
      for await (const outcome of changes) {
        outcomes.push(outcome);
        controller.abort(new Error('time is up'));
      }
    })();
    await expect(work).rejects.toThrow('time is up');
    expect(outcomes).toHaveLength(1);
  });
});

describe('the provider', () => {
  it.each([
    ['SRE', ' sre '],
    ['Site  Reliability', 'site reliability'],
    ['ÉQUIPE', 'e\u0301quipe'],
    ['a\tb', 'A B'],
  ])('calls the names %j and %j equal', (one, other) => {
    const provider = providerOf({});
    expect(provider.groupNameKey(one)).toBe(provider.groupNameKey(other));
  });

  it('sends a name as PagerDuty keeps it: its case stays', () => {
    expect(providerOf({}).keptGroupName(' Site \t Reliability ')).toBe('Site Reliability');
  });

  it('shares token and budget between equal credentials only', () => {
    const provider = providerOf({});
    const base = {
      authMethod: 'oauth',
      clientId: 'c',
      accountSubdomain: 'acme',
      accountRegion: 'us',
    } as const;
    const keys = [
      provider.credentialKey(base, 's'),
      provider.credentialKey({ ...base, clientId: 'd' }, 's'),
      provider.credentialKey({ ...base, accountSubdomain: 'other' }, 's'),
      provider.credentialKey({ ...base, accountRegion: 'eu' }, 's'),
      provider.credentialKey(base, 't'),
      provider.credentialKey({ authMethod: 'api_key', accountRegion: 'us' }, 's'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(provider.credentialKey({ ...base, groupDescription: 'other' }, 's')).toBe(keys[0]);
  });
});

describe('what the credential may write', () => {
  const WRITES = ['create', 'update', 'delete', 'add', 'remove'] as const;

  it.each(WRITES)('is known without a change at PagerDuty: %s', async (write) => {
    const team = simulator.addTeam({ name: 'Ops' });
    const readOnly = withKey({ secret: simulator.addApiKey({ readOnly: true }) });
    const teamId = write === 'add' || write === 'remove' ? team.id : null;
    expect(await readOnly.mayWrite(write, teamId, context)).toBe(false);
    expect(await readOnly.mayWrite(write, null, context)).toBe(false);
    // A creation names nothing that could be missing.
    const may = write === 'create' ? null : true;
    expect(await withKey().mayWrite(write, teamId, context)).toBe(may);
    expect(await withKey().mayWrite(write, null, context)).toBe(may);
    expect(simulator.teams()).toMatchObject([{ name: 'Ops', members: [] }]);
  });

  it('is not known during an outage', async () => {
    simulator.inject({ status: 503 });
    expect(await withKey().mayWrite('add', null, context)).toBeNull();
  });
});
