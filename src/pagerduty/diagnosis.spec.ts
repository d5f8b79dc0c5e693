import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import { startSimulator, type OAuthCredentials, type Simulator } from '../../simulator/simulator';
import type {
  CallContext,
  ConnectionHost,
  DiagnosisCheck,
} from '../integrations/provider/integration-provider';
import { CHECKS, REMEDIES } from './diagnosis-checks';
import type { PagerDutyEndpoints } from './pagerduty-endpoints';
import { PagerDutyProvider } from './pagerduty-provider';
import type { PagerDutySettings } from './pagerduty-settings';

let simulator: Simulator;
/** Fails the test: a diagnosis must not use the token store. */
let tokenStoreUsed: boolean;
const waiting = new AbortController();

beforeEach(async () => {
  tokenStoreUsed = false;
  simulator = await startSimulator();
  simulator.addUser({ email: 'owner@acme.example', role: 'owner' });
});
afterEach(() => simulator.close());

interface Options {
  settings?: Partial<PagerDutySettings>;
  endpoints?: PagerDutyEndpoints;
  timeoutMs?: number;
  acquire?: (context: CallContext) => Promise<void>;
  signal?: AbortSignal;
}

async function diagnose(
  settings: PagerDutySettings,
  secret: string,
  options: Options = {},
): Promise<DiagnosisCheck[]> {
  const instance = axios.create({ timeout: options.timeoutMs ?? 5_000 });
  // Axios declares its types once for each module system; the instance is the same.
  const http = new HttpService(instance as unknown as HttpService['axiosRef']);
  const host: ConnectionHost = {
    budget: {
      acquire: options.acquire ?? (async ({ signal }) => signal.throwIfAborted()),
      observe: () => undefined,
      ended: () => undefined,
      pause: () => undefined,
      reading: () => null,
    },
    tokens: {
      get: (mint) => {
        tokenStoreUsed = true;
        return mint();
      },
      drop: () => undefined,
    },
    slots: { use: (_, call) => call(), serialise: () => undefined },
  };
  // As strict about the region as PagerDuty's two hosts are.
  const endpoints = { apiUrl: `${simulator.url}/{region}`, identityUrl: simulator.url, ...options.endpoints };
  const connection = new PagerDutyProvider(http, endpoints).connect({ settings, secret }, host);
  const checks: DiagnosisCheck[] = [];
  const context: CallContext = {
    signal: options.signal ?? waiting.signal,
    priority: 'interactive',
    assertMaySend: () => undefined,
  };
  for await (const check of connection.diagnose(context)) checks.push(check);
  return checks;
}

function withKey(key: string, options: Options = {}): Promise<DiagnosisCheck[]> {
  const settings = { authMethod: 'api_key', accountRegion: 'us', ...options.settings } as PagerDutySettings;
  return diagnose(settings, key, options);
}

function withApp(app: OAuthCredentials, options: Options & { secret?: string } = {}) {
  const settings = {
    authMethod: 'oauth',
    clientId: app.clientId,
    accountSubdomain: 'acme',
    accountRegion: 'us',
    ...options.settings,
  } as PagerDutySettings;
  return diagnose(settings, options.secret ?? app.clientSecret, options);
}

const statuses = (checks: readonly DiagnosisCheck[]) =>
  Object.fromEntries(checks.map(({ id, status }) => [id, status]));
const named = (checks: readonly DiagnosisCheck[], id: string) => checks.find((check) => check.id === id);
const every = (status: string) => Object.fromEntries(Object.keys(CHECKS).map((id) => [id, status]));
const SCOPES_OF_A_KEY = {
  scope_teams_read: 'skipped',
  scope_teams_write: 'skipped',
  scope_users_read: 'skipped',
};

describe('a diagnosis of a good credential', () => {
  it('passes every check of an app, with a token of its own', async () => {
    const checks = await withApp(simulator.addOAuthClient());
    expect(checks.map(({ id }) => id)).toEqual(Object.keys(CHECKS));
    expect(checks.map(({ title }) => title)).toEqual(Object.values(CHECKS));
    expect(statuses(checks)).toEqual(every('passed'));
    expect(named(checks, 'account')?.account).toEqual({
      identity: 'pagerduty:us:acme',
      name: 'acme',
      url: 'https://acme.pagerduty.com',
    });
    expect(checks.every(({ remedy }) => remedy === null)).toBe(true);
    expect(tokenStoreUsed).toBe(false);
    expect(simulator.calls().map(({ path }) => path)).toEqual([
      '/oauth/token',
      '/users?limit=1',
      '/teams?limit=1',
    ]);
  });

  it('passes every check of a general access key, except the checks of scopes', async () => {
    const checks = await withKey(simulator.addApiKey());
    expect(statuses(checks)).toEqual({ ...every('passed'), ...SCOPES_OF_A_KEY });
  });

  it('changes nothing, and tests the right to write with a team that cannot exist', async () => {
    const team = simulator.addTeam({ name: 'SRE' });
    simulator.addMember(team.id, simulator.users()[0]!.id);
    await withKey(simulator.addApiKey());
    const writes = simulator.calls().filter(({ method }) => method !== 'GET');
    expect(writes.map(({ method, path, status }) => `${method} ${path} ${status}`)).toEqual([
      'DELETE /teams/PNOSUCHTEAMATALL/users/PNOSUCHUSERATALL 404',
    ]);
    expect(simulator.team('SRE')?.members).toHaveLength(1);
  });

  it('works in the EU service region', async () => {
    const account = simulator.addAccount({ subdomain: 'acme', region: 'eu' });
    account.addUser({ email: 'owner@acme.eu.example', role: 'owner' });
    const settings = { accountRegion: 'eu' as const };
    expect(statuses(await withApp(account.addOAuthClient(), { settings }))).toEqual(every('passed'));
    const checks = await withKey(account.addApiKey(), { settings });
    expect(named(checks, 'account')).toMatchObject({
      status: 'passed',
      account: { url: 'https://acme.eu.pagerduty.com' },
    });
  });

  it('warns about a personal key', async () => {
    const ada = simulator.addUser({ email: 'ada@acme.example', role: 'admin' });
    const checks = await withKey(simulator.addApiKey({ kind: 'user', userId: ada.id }));
    expect(statuses(checks)).toEqual({ ...every('passed'), ...SCOPES_OF_A_KEY, key_owner: 'warning' });
    expect(named(checks, 'key_owner')).toMatchObject({ reason: 'user_key', remedy: REMEDIES.userKey });
  });
});

describe('a diagnosis of a credential that is refused', () => {
  const onlyCredentialFailed = { ...every('skipped'), address: 'passed', credential: 'failed' };

  it.each([
    ['unknown', () => 'PdUnknownKey12345678'],
    ['disabled', () => disabled(simulator.addApiKey())],
    ['removed', () => removed(simulator.addApiKey())],
  ])('says that the key is not accepted in either region when it is %s', async (_, key) => {
    const checks = await withKey(key());
    expect(statuses(checks)).toEqual(onlyCredentialFailed);
    const check = named(checks, 'credential');
    expect(check).toMatchObject({ reason: 'unauthorized', remedy: REMEDIES.key });
    expect(check?.message).toContain('The region eu does not accept it either.');
    expect(check?.message).not.toContain(key());
    expect(simulator.calls().map(({ host }) => host)).toEqual(['us', 'eu']);
  });

  it('says that the client secret is wrong, and does not repeat it', async () => {
    const checks = await withApp(simulator.addOAuthClient(), { secret: 'not-the-secret' });
    expect(statuses(checks)).toEqual(onlyCredentialFailed);
    expect(named(checks, 'credential')).toMatchObject({
      reason: 'oauth_client_refused',
      remedy: REMEDIES.client,
    });
    expect(JSON.stringify(checks)).not.toContain('not-the-secret');
  });

  it('says that the client id is not known', async () => {
    const app = { ...simulator.addOAuthClient(), clientId: 'no-such-client' };
    expect(named(await withApp(app), 'credential')?.remedy).toBe(REMEDIES.client);
  });

  it.each(['unauthorized_client', 'unsupported_grant_type'])(
    'says that the app is of the wrong type (%s)',
    async (error) => {
      simulator.inject({ path: '/oauth/token', status: 400, body: { error } });
      const checks = await withApp(simulator.addOAuthClient());
      expect(statuses(checks)).toEqual(onlyCredentialFailed);
      expect(named(checks, 'credential')?.remedy).toBe(REMEDIES.appType);
    },
  );

  it('says that the subdomain is wrong when PagerDuty gives no token for it', async () => {
    const settings = { accountSubdomain: 'acme-typo' };
    const checks = await withApp(simulator.addOAuthClient(), { settings });
    expect(statuses(checks)).toEqual(onlyCredentialFailed);
    expect(named(checks, 'credential')?.remedy).toBe(REMEDIES.accountOrScopes);
  });

  it('says that the app is gone when its fresh token is refused', async () => {
    simulator.inject({ path: '/users', status: 401 });
    const checks = await withApp(simulator.addOAuthClient());
    expect(named(checks, 'credential')).toMatchObject({ status: 'failed', remedy: REMEDIES.token });
  });

  it.each([
    [2008, 'account_locked'],
    [2012, 'account_expired'],
  ])('says that an owner of the account has to act (code %i)', async (code, reason) => {
    simulator.inject({ path: '/users', status: 403, body: { error: { message: 'Account', code } } });
    const check = named(await withKey(simulator.addApiKey()), 'credential');
    expect(check).toMatchObject({ status: 'failed', reason });
    expect(check?.remedy).toContain('owner of the account');
  });
});

describe('a diagnosis of a credential of another region or account', () => {
  const elsewhere = { ...every('skipped'), address: 'passed', credential: 'passed', account: 'failed' };

  it.each(['key', 'app'] as const)('says that the region is wrong (%s)', async (kind) => {
    const account = simulator.addAccount({ subdomain: 'acme', region: 'eu' });
    account.addUser({ email: 'owner@acme.eu.example', role: 'owner' });
    const checks =
      kind === 'key' ? await withKey(account.addApiKey()) : await withApp(account.addOAuthClient());
    expect(statuses(checks)).toEqual(elsewhere);
    expect(named(checks, 'account')).toMatchObject({
      reason: 'region_wrong',
      remedy: REMEDIES.region('eu'),
      account: { identity: 'pagerduty:eu:acme' },
    });
  });

  it('says so as well when one address accepts the keys of both regions', async () => {
    const account = simulator.addAccount({ subdomain: 'acme', region: 'eu' });
    account.addUser({ email: 'owner@acme.eu.example', role: 'owner' });
    const checks = await withKey(account.addApiKey(), { endpoints: { apiUrl: simulator.url } });
    expect(statuses(checks)).toEqual(elsewhere);
    expect(named(checks, 'account')?.remedy).toBe(REMEDIES.region('eu'));
  });

  it('does not ask one address twice when it accepts the keys of both regions', async () => {
    const checks = await withKey('PdUnknownKey12345678', { endpoints: { apiUrl: simulator.url } });
    expect(named(checks, 'credential')?.status).toBe('failed');
    expect(simulator.calls()).toHaveLength(1);
  });

  it('says that the subdomain is wrong when the token is for another account', async () => {
    const other = simulator.addAccount({ subdomain: 'beta', region: 'us' });
    other.addUser({ email: 'owner@beta.example', role: 'owner' });
    // PagerDuty gives a token for the account of the app, whatever account the request names.
    const rows = { users: [{ id: 'PBETA', html_url: 'https://beta.pagerduty.com/users/PBETA' }], limit: 1 };
    simulator.inject({ path: '/users', status: 200, body: rows });
    const checks = await withApp(simulator.addOAuthClient());
    expect(statuses(checks)).toEqual(elsewhere);
    expect(named(checks, 'account')).toMatchObject({
      reason: 'subdomain_wrong',
      remedy: REMEDIES.subdomain('beta'),
    });
  });

  it('draws no conclusion from a region that does not answer', async () => {
    simulator.inject({ path: /^\/users/, status: 401, times: 1 });
    simulator.inject({ path: /^\/users/, status: 503 });
    const check = named(await withKey(simulator.addApiKey()), 'credential');
    expect(check).toMatchObject({ status: 'failed', reason: 'unauthorized' });
    expect(check?.message).toContain('Scimify could not find out whether the region eu accepts it.');
  });
});

describe('a diagnosis of what a credential may do', () => {
  it.each([
    ['teams.read', 'scope_teams_read', ['teams_ability', 'teams_readable']],
    ['teams.write', 'scope_teams_write', ['teams_writable']],
    ['users.read', 'scope_users_read', ['users_readable']],
  ])('names the scope %s that the app lacks, and skips what needs it', async (scope, id, needing) => {
    const app = simulator.addOAuthClient();
    simulator.setClientScopes(
      app.clientId,
      app.scopes.filter((name) => name !== scope),
    );
    simulator.addTeam({ name: 'SRE' });
    const checks = await withApp(app);
    expect(statuses(checks)).toEqual({
      ...every('passed'),
      [id]: 'failed',
      ...Object.fromEntries(needing.map((name) => [name, 'skipped'])),
    });
    expect(named(checks, id)).toMatchObject({ reason: 'scopes_missing', remedy: REMEDIES.scope(scope) });
  });

  it('names every scope of an app that has none', async () => {
    const checks = await withApp(simulator.addOAuthClient({ scopes: ['incidents.read'] }));
    expect(statuses(checks)).toEqual({
      ...every('skipped'),
      address: 'passed',
      credential: 'passed',
      scope_teams_read: 'failed',
      scope_teams_write: 'failed',
      scope_users_read: 'failed',
      key_owner: 'passed',
    });
  });

  it('finds the missing scope when PagerDuty gives no token at all', async () => {
    const scopes = ['teams.read', 'users.read'];
    const checks = await withApp(simulator.addOAuthClient({ scopes, refuseUnallowedScopes: true }));
    expect(statuses(checks)).toEqual({
      ...every('skipped'),
      address: 'passed',
      credential: 'passed',
      scope_teams_read: 'passed',
      scope_teams_write: 'failed',
      scope_users_read: 'passed',
    });
    expect(named(checks, 'scope_teams_write')?.remedy).toBe(REMEDIES.scope('teams.write'));
  });

  it('says that the plan has no teams', async () => {
    simulator.setAbility('teams', false);
    for (const checks of [await withApp(simulator.addOAuthClient()), await withKey(simulator.addApiKey())]) {
      expect(named(checks, 'teams_ability')).toMatchObject({
        status: 'failed',
        reason: 'teams_ability_missing',
        remedy: REMEDIES.ability,
      });
      expect(named(checks, 'teams_readable')?.status).toBe('skipped');
    }
  });

  it.each(['teams', 'users'])('says that %s cannot be read', async (collection) => {
    simulator.inject({ path: `/${collection}`, status: 403 });
    const checks = await withKey(simulator.addApiKey());
    expect(named(checks, `${collection}_readable`)).toMatchObject({
      status: 'failed',
      reason: 'access_denied',
      remedy: REMEDIES.notReadable,
    });
    expect(named(checks, 'credential')?.status).toBe('passed');
  });

  it('says that the key is read-only', async () => {
    const checks = await withKey(simulator.addApiKey({ readOnly: true }));
    expect(statuses(checks)).toEqual({ ...every('passed'), ...SCOPES_OF_A_KEY, teams_writable: 'failed' });
    expect(named(checks, 'teams_writable')).toMatchObject({
      reason: 'key_read_only',
      remedy: REMEDIES.readOnly,
    });
  });

  it('only warns when the response to the harmless write proves nothing', async () => {
    simulator.inject({ method: 'DELETE', status: 400 });
    const check = named(await withKey(simulator.addApiKey()), 'teams_writable');
    expect(check).toMatchObject({ status: 'warning', reason: 'write_unknown' });
  });
});

describe('a diagnosis during a problem of PagerDuty', () => {
  const onlyAddressFailed = { ...every('skipped'), address: 'failed' };

  it.each([
    ['an error of the server', { status: 500 }, 'server_error', REMEDIES.outage],
    ['an error of a gateway', { status: 503 }, 'server_error', REMEDIES.outage],
    ['a broken connection', { drop: true }, 'connection_broken', REMEDIES.outage],
    ['the rate limit', { status: 429 }, 'rate_limited', REMEDIES.rate],
    ['the rate limit in HTML', { status: 429, body: '<html></html>' }, 'rate_limited', REMEDIES.rate],
    ['the page of a proxy', { status: 200, body: '<html></html>' }, 'unreadable_answer', REMEDIES.address],
    ['silence', { status: 500, latencyMs: 2_000 }, 'timeout', REMEDIES.outage],
  ])('never blames the credential for %s', async (_, fault, reason, remedy) => {
    for (const method of ['key', 'app'] as const) {
      simulator.clearFaults();
      simulator.inject({ path: method === 'key' ? '/users' : '/oauth/token', ...fault });
      const options = reason === 'timeout' ? { timeoutMs: 500 } : {};
      const checks =
        method === 'key'
          ? await withKey(simulator.addApiKey(), options)
          : await withApp(simulator.addOAuthClient(), options);
      expect(statuses(checks)).toEqual(onlyAddressFailed);
      expect(named(checks, 'address')).toMatchObject({ reason, remedy, transient: true });
    }
  });

  it('says that the address does not answer', async () => {
    const closedServer = createServer().listen(0, '127.0.0.1');
    await once(closedServer, 'listening');
    const url = `http://127.0.0.1:${(closedServer.address() as AddressInfo).port}`;
    closedServer.close();
    const endpoints = { apiUrl: url, identityUrl: url };
    for (const checks of [
      await withKey(simulator.addApiKey(), { endpoints }),
      await withApp(simulator.addOAuthClient(), { endpoints }),
    ]) {
      expect(named(checks, 'address')).toMatchObject({
        status: 'failed',
        reason: 'connection_failed',
        remedy: REMEDIES.address,
      });
    }
  });

  it('reports a later check that fails for an outage as transient', async () => {
    simulator.inject({ path: '/teams', status: 503 });
    const checks = await withKey(simulator.addApiKey());
    expect(named(checks, 'credential')?.status).toBe('passed');
    expect(named(checks, 'teams_readable')).toMatchObject({
      status: 'failed',
      transient: true,
      remedy: REMEDIES.outage,
    });
    expect(named(checks, 'teams_writable')?.status).toBe('skipped');
  });

  it('reports a used-up rate limit instead of waiting for it', async () => {
    const never = ({ signal }: CallContext) =>
      new Promise<void>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    const checks = await withKey(simulator.addApiKey(), { acquire: never });
    expect(statuses(checks)).toEqual(onlyAddressFailed);
    expect(named(checks, 'address')).toMatchObject({ reason: 'rate_limited', remedy: REMEDIES.rate });
  });

  it('ends with the reason of an abort', async () => {
    simulator.inject({ path: '/users', latencyMs: 5_000 });
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('stopped')), 50);
    await expect(withKey(simulator.addApiKey(), { signal: stop.signal })).rejects.toThrow('stopped');
  });
});

function disabled(key: string): string {
  simulator.disableKey(key);
  return key;
}

function removed(key: string): string {
  simulator.removeKey(key);
  return key;
}
