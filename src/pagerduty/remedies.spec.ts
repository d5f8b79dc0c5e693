import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import type { FaultSpec } from '../../simulator/faults';
import { startSimulator, type Simulator } from '../../simulator/simulator';
import { FAILURE_REMEDIES } from '../../test/support/failed-answers';
import { callContext, connectTo, hostOf } from '../../test/support/pagerduty';
import type { ProviderConnection } from '../integrations/provider/integration-provider';
import { ProviderError } from '../integrations/provider/provider-error';
import type { FailureReason } from './api/failures';
import { REMEDIES } from './diagnosis-checks';
import { PagerDutyProvider } from './pagerduty-provider';

let simulator: Simulator;

beforeEach(async () => {
  simulator = await startSimulator();
  simulator.addUser({ email: 'owner@acme.example', role: 'owner' });
});
afterEach(() => simulator.close());

type Attempt = (connection: ProviderConnection) => Promise<unknown>;

const withKey = () => connectTo(simulator, simulator.addApiKey());
const withApp = () => connectTo(simulator, simulator.addOAuthClient());

const findTeam: Attempt = (connection) => connection.findGroups(['SRE'], callContext());
const createTeam: Attempt = (connection) =>
  connection.createGroup({ name: 'SRE', description: 'by Scimify' }, callContext());

function teamOf(...emails: string[]): { team: string; people: string[] } {
  const team = simulator.addTeam({ name: 'SRE' }).id;
  const people = emails.map((email) => simulator.addUser({ email }).id);
  return { team, people };
}

/** Throws the error of the first member that could not be changed. */
async function changeMembers(
  connection: ProviderConnection,
  team: string,
  change: { add?: string[]; remove?: string[] },
): Promise<void> {
  const members = {
    add: (change.add ?? []).map((remoteUserId) => ({ remoteUserId })),
    remove: change.remove ?? [],
  };
  for await (const outcome of connection.changeMembers(team, members, callContext())) {
    if (!outcome.applied) throw outcome.error;
  }
}

function addOne(fault: FaultSpec | null, prepare: (userId: string) => void = () => undefined): Promise<void> {
  const { team, people } = teamOf('ada@acme.example');
  prepare(people[0]!);
  if (fault) simulator.inject(fault);
  return changeMembers(withKey(), team, { add: people });
}

const onList = (fault: FaultSpec) => () => {
  simulator.inject({ path: /^\/teams/, ...fault });
  return findTeam(withKey());
};

const refusal = (message: string, code?: number, errors?: string[]) => ({ error: { message, code, errors } });

/** Never reaches a person: the client reads team and user, and reports its conclusion. */
const LOOKED_INTO = 'team_or_user_gone';

/** How to provoke each failure. A new failure without an entry does not compile. */
const FAILURES: Record<Exclude<FailureReason, typeof LOOKED_INTO>, () => Promise<unknown>> = {
  rate_limited: onList({ status: 429 }),
  server_error: onList({ status: 503 }),
  server_timeout: onList({ status: 408 }),
  account_locked_briefly: () =>
    addOne({ method: 'PUT', status: 400, body: refusal('account could not be locked') }),
  unexpected_answer: onList({ status: 404 }),
  unreadable_answer: onList({ status: 200, body: '<html></html>' }),
  answer_too_large: onList({ status: 200, body: 'x'.repeat(17 * 1024 * 1024) }),
  connection_failed: async () => findTeam(await connectToNobody()),
  connection_broken: onList({ drop: true }),
  timeout: () => {
    simulator.inject({ path: /^\/teams/, latencyMs: 5_000 });
    return findTeam(connectWithin(200, simulator.url));
  },
  list_changed: () => {
    const { team } = teamOf();
    simulator.inject({
      path: /\/members/,
      status: 200,
      body: { members: [], limit: 100, offset: 0, more: true, total: 1 },
    });
    return withKey().listMembers(team, callContext());
  },

  unauthorized: () => findTeam(connectTo(simulator, 'PdUnknownKey12345678')),
  oauth_client_refused: () =>
    findTeam(connectTo(simulator, { ...simulator.addOAuthClient(), clientSecret: 'another' })),
  oauth_scope_refused: () =>
    findTeam(connectTo(simulator, { ...simulator.addOAuthClient(), subdomain: 'acme-typo' })),
  oauth_refused: () => {
    simulator.inject({ path: '/oauth/token', status: 400, body: '' });
    return findTeam(withApp());
  },
  account_not_found: onList({ status: 400, body: refusal('Account Not Found', 2007) }),
  account_locked: onList({ status: 403, body: refusal('Account Locked', 2008) }),
  account_expired: onList({ status: 403, body: refusal('Account Expired', 2012) }),

  scopes_missing: () =>
    findTeam(connectTo(simulator, simulator.addOAuthClient({ scopes: ['teams.read', 'users.read'] }))),
  access_denied: () => createTeam(connectTo(simulator, simulator.addApiKey({ readOnly: true }))),
  teams_ability_missing: () => {
    simulator.setAbility('teams', false);
    return findTeam(withKey());
  },
  plan_too_small: onList({ status: 402, body: '' }),

  team_gone: () => withKey().updateGroup('PGONE', { name: 'SRE' }, callContext()),
  addition_not_found: () => addOne({ method: 'PUT', status: 404 }),
  change_not_found: () => {
    simulator.inject({ method: 'PUT', status: 404 });
    return withKey().updateGroup(teamOf().team, { name: 'SRE' }, callContext());
  },
  user_gone: () => addOne(null, (userId) => simulator.removeUser(userId)),
  malformed_id: () => withKey().updateGroup('../users', { name: 'SRE' }, callContext()),

  name_taken: () => {
    simulator.addTeam({ name: 'sre' });
    return createTeam(withKey());
  },
  conflict: () => {
    simulator.inject({ method: 'POST', path: '/teams', status: 409, body: '' });
    return createTeam(withKey());
  },

  name_too_long: () => withKey().createGroup({ name: 'x'.repeat(101), description: 'd' }, callContext()),
  team_limit_reached: () => {
    simulator.inject({ method: 'POST', status: 400, body: refusal('Product Limit Reached', 2019) });
    return createTeam(withKey());
  },
  team_in_use: () => {
    const { team } = teamOf();
    simulator.associate(team, 'Schedules');
    return withKey().deleteGroup(team, callContext());
  },
  team_has_incidents: () => {
    const { team } = teamOf();
    simulator.inject({ method: 'DELETE', status: 400, body: refusal('Too many incidents', 6004) });
    return withKey().deleteGroup(team, callContext());
  },
  member_on_escalation_policy: () => {
    const { team, people } = teamOf('ada@acme.example');
    simulator.addMember(team, people[0]!);
    simulator.associate(team, 'Escalation Policies', { userIds: people });
    return changeMembers(withKey(), team, { remove: people });
  },
  team_full: () => addOne({ method: 'PUT', status: 400, body: refusal('Product Limit Reached', 2019) }),
  user_in_too_many_teams: () => {
    simulator.setLimits({ teamsPerUser: 1 });
    return addOne(null, (userId) => simulator.addMember(simulator.addTeam({ name: 'Another' }).id, userId));
  },
  user_is_stakeholder: () =>
    addOne(null, (userId) => simulator.updateUser(userId, { role: 'read_only_user' })),
  role_refused: () => addOne({ method: 'PUT', status: 400, body: refusal('Role is not allowed', 2001) }),
  list_too_long: onList({
    status: 400,
    body: refusal('Arguments Caused Error', 2002, ['Offset+limit exceeds maximum allowed value of 10000.']),
  }),
  request_refused: () =>
    addOne({ method: 'PUT', status: 400, body: refusal('Invalid Input Provided', 2001) }),
};

describe('what a person is told to do about a failure', () => {
  it('exists for every failure', () => {
    expect([...Object.keys(FAILURES), LOOKED_INTO].sort()).toEqual(Object.keys(FAILURE_REMEDIES).sort());
  });

  it.each(Object.entries(FAILURES))('is said when the failure happens: %s', async (reason, provoke) => {
    const error: unknown = await provoke().then(
      () => null,
      (cause: unknown) => cause,
    );
    expect(error).toBeInstanceOf(ProviderError);
    const { remedy, explanation } = error as ProviderError;
    expect(error).toMatchObject({ reason });
    expect(remedy).toBe(FAILURE_REMEDIES[reason as FailureReason]);
    expect(explanation).toMatch(/\. [A-Z][^.]*.*\.$/);
  });
});

interface Advice {
  /** A connection whose diagnosis gives the advice. */
  provoke: () => ProviderConnection | Promise<ProviderConnection>;
  says: string;
}

const afterFault = (fault: FaultSpec, connect: () => ProviderConnection) => () => {
  simulator.inject(fault);
  return connect();
};

/** How to provoke each advice of a connection test. */
const ADVICE: Record<keyof typeof REMEDIES, Advice> = {
  outage: { provoke: afterFault({ path: '/users', status: 503 }, withKey), says: REMEDIES.outage },
  rate: { provoke: afterFault({ path: '/users', status: 429 }, withKey), says: REMEDIES.rate },
  address: { provoke: () => connectToNobody(), says: REMEDIES.address },
  client: {
    provoke: () => connectTo(simulator, { ...simulator.addOAuthClient(), clientSecret: 'another' }),
    says: REMEDIES.client,
  },
  appType: {
    provoke: afterFault(
      { path: '/oauth/token', status: 400, body: { error: 'unauthorized_client' } },
      withApp,
    ),
    says: REMEDIES.appType,
  },
  accountOrScopes: {
    provoke: () => connectTo(simulator, { ...simulator.addOAuthClient(), subdomain: 'acme-typo' }),
    says: REMEDIES.accountOrScopes,
  },
  token: { provoke: afterFault({ path: '/users', status: 401 }, withApp), says: REMEDIES.token },
  key: { provoke: () => connectTo(simulator, 'PdUnknownKey12345678'), says: REMEDIES.key },
  region: {
    provoke: () => {
      const eu = simulator.addAccount({ subdomain: 'acme', region: 'eu' });
      eu.addUser({ email: 'owner@acme.eu.example', role: 'owner' });
      return connectTo(simulator, { ...eu.addOAuthClient(), region: 'us' });
    },
    says: REMEDIES.region('eu'),
  },
  subdomain: {
    provoke: afterFault(
      {
        path: '/users',
        status: 200,
        body: { users: [{ id: 'PBETA', html_url: 'https://beta.pagerduty.com/users/PBETA' }], limit: 1 },
      },
      withApp,
    ),
    says: REMEDIES.subdomain('beta'),
  },
  scope: {
    provoke: () => connectTo(simulator, simulator.addOAuthClient({ scopes: ['teams.read', 'users.read'] })),
    says: REMEDIES.scope('teams.write'),
  },
  ability: {
    provoke: () => {
      simulator.setAbility('teams', false);
      return withKey();
    },
    says: REMEDIES.ability,
  },
  notReadable: { provoke: afterFault({ path: '/teams', status: 403 }, withKey), says: REMEDIES.notReadable },
  readOnly: {
    provoke: () => connectTo(simulator, simulator.addApiKey({ readOnly: true })),
    says: REMEDIES.readOnly,
  },
  userKey: {
    provoke: () => {
      const { id } = simulator.addUser({ email: 'ada@acme.example', role: 'admin' });
      return connectTo(simulator, simulator.addApiKey({ kind: 'user', userId: id }));
    },
    says: REMEDIES.userKey,
  },
};

describe('what a connection test advises', () => {
  it.each(Object.entries(ADVICE))('is said when there is cause: %s', async (_, { provoke, says }) => {
    const connection = await provoke();
    const remedies: (string | null)[] = [];
    for await (const { remedy } of connection.diagnose(callContext())) remedies.push(remedy);
    expect(remedies.filter((remedy) => remedy !== null)).toEqual([says]);
  });

  it('is provoked here for every remedy', () => {
    expect(Object.keys(ADVICE).sort()).toEqual(Object.keys(REMEDIES).sort());
  });
});

async function connectToNobody(): Promise<ProviderConnection> {
  const closedServer = createServer().listen(0, '127.0.0.1');
  await once(closedServer, 'listening');
  const { port } = closedServer.address() as AddressInfo;
  closedServer.close();
  await once(closedServer, 'close');
  return connectWithin(5_000, `http://127.0.0.1:${port}`);
}

function connectWithin(timeoutMs: number, url: string): ProviderConnection {
  // Axios declares its types once for each module system; the instance is the same.
  const http = new HttpService(axios.create({ timeout: timeoutMs }) as unknown as HttpService['axiosRef']);
  const provider = new PagerDutyProvider(http, { apiUrl: url, identityUrl: url });
  const settings = { authMethod: 'api_key' as const, accountRegion: 'us' as const };
  return provider.connect({ settings, secret: simulator.addApiKey() }, hostOf());
}
