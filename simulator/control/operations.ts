import type { FaultSpec } from '../faults';
import { ASSOCIATION_KINDS, BASE_ROLES, DEFAULT_ROLES, REGIONS, TEAM_ROLES } from '../state/records';
import { create, found, get, patch, post, put, remove, type Operation } from './operation';
import * as json from './schemas';

function pattern(source: string | undefined): RegExp | undefined {
  if (source === undefined) return undefined;
  try {
    return new RegExp(source);
  } catch {
    throw new RangeError('pathPattern: must be a regular expression');
  }
}

function faultForJson({ id, spec, hits }: { id: string; spec: FaultSpec; hits: number }) {
  const { path, ...rest } = spec;
  const where = path instanceof RegExp ? { pathPattern: path.source } : path === undefined ? {} : { path };
  return { id, hits, ...where, ...rest };
}

const fault = json.object({
  method: json.string,
  path: json.string,
  pathPattern: json.string,
  account: json.string,
  status: json.integer(200, 599),
  body: json.anything,
  contentType: json.string,
  headers: json.recordOfStrings,
  latencyMs: json.number,
  drop: json.boolean,
  afterEffect: json.boolean,
  times: json.number,
  probability: json.number,
  seed: json.number,
});

const callFilter = json.object({
  method: json.string,
  path: json.string,
  pathPattern: json.string,
  status: json.digits,
  afterSeq: json.digits,
});

const settings = json.object({
  rateLimit: json.integer(1),
  tokenLifetimeSeconds: json.number,
  creationLagMs: json.integer(0, 3_600_000),
  creationLagInLists: json.boolean,
  membershipReadLagMs: json.integer(0, 3_600_000),
});

const userFields = {
  email: json.string,
  name: json.string,
  role: json.oneOf(BASE_ROLES),
  jobTitle: json.optionalText,
  description: json.optionalText,
  timeZone: json.string,
  invitationSent: json.boolean,
  createdViaSso: json.boolean,
  billed: json.boolean,
};
const newUser = json.object({ ...userFields, email: json.filledString }, ['email']);
const newUsers = json.object({ users: json.arrayOf(newUser) }, ['users']);
const madeUpUsers = json.object({ count: json.integer(1, 100_000) }, ['count']);

const teamFields = {
  name: json.string,
  description: json.optionalText,
  defaultRole: json.oneOf(DEFAULT_ROLES),
};

const association = json.object({ kind: json.oneOf(ASSOCIATION_KINDS), userIds: json.strings }, ['kind']);

const client = json.object({
  clientId: json.string,
  clientSecret: json.string,
  scopes: json.strings,
  subdomain: json.string,
  region: json.oneOf(REGIONS),
  refuseUnallowedScopes: json.boolean,
});

const key = json.object({
  kind: json.oneOf(['account', 'user']),
  readOnly: json.boolean,
  userId: json.string,
  key: json.string,
});

export const SIMULATOR_OPERATIONS: readonly Operation[] = [
  post(
    '/reset',
    'reset to an empty default account; its OAuth clients and account keys stay',
    json.object({}),
    ({ simulator }) => simulator.reset(),
  ),
  get('/accounts', 'all accounts', ({ simulator }) => ({
    accounts: simulator.accounts().map(({ subdomain, region }) => ({ subdomain, region })),
  })),
  create(
    '/accounts',
    'add one: {subdomain, region?}',
    json.object({ subdomain: json.filledString, region: json.oneOf(REGIONS) }, ['subdomain']),
    ({ simulator, input }) => {
      const { subdomain, region } = simulator.addAccount({ region: 'us', ...input });
      return { subdomain, region };
    },
  ),
  get('/faults', 'injected faults and how many requests each has hit', ({ simulator }) => ({
    faults: simulator.faults().map(faultForJson),
  })),
  create(
    '/faults',
    'inject: {method?, path? | pathPattern?, account?, status?, body?, contentType?, headers?, latencyMs?, drop?, afterEffect?, times?, probability?, seed?}',
    fault,
    ({ simulator, input: { path, pathPattern, ...failure } }) => {
      if (path !== undefined && pathPattern !== undefined) {
        throw new RangeError('pathPattern: cannot go with path');
      }
      return { id: simulator.inject({ ...failure, path: path ?? pattern(pathPattern) }).id };
    },
  ),
  remove('/faults', 'remove all faults', ({ simulator }) => simulator.clearFaults()),
  remove('/faults/:id', 'remove one fault', ({ simulator, id }) => {
    found(simulator.removeFault(id) || undefined, 'fault');
  }),
  get(
    '/calls',
    'the call log; ?method, ?path or ?pathPattern, ?status, ?afterSeq',
    callFilter,
    ({ simulator, input: { method, path, pathPattern, status, afterSeq } }) => ({
      calls: simulator.calls({
        method,
        path: path ?? pattern(pathPattern),
        status: status === undefined ? undefined : Number(status),
        afterSeq: afterSeq === undefined ? undefined : Number(afterSeq),
      }),
    }),
  ),
  remove('/calls', 'empty the call log', ({ simulator }) => simulator.clearCalls()),
  patch(
    '/settings',
    '{rateLimit?, tokenLifetimeSeconds?, creationLagMs?, creationLagInLists?, membershipReadLagMs?}',
    settings,
    ({ simulator, account, input }) => {
      const { rateLimit, tokenLifetimeSeconds, creationLagMs, creationLagInLists, membershipReadLagMs } =
        input;
      if (tokenLifetimeSeconds !== undefined) {
        if (tokenLifetimeSeconds <= 0)
          throw new RangeError('tokenLifetimeSeconds: must be a positive number');
        simulator.setTokenLifetime(tokenLifetimeSeconds);
      }
      if (rateLimit !== undefined) simulator.setRateLimit(rateLimit);
      if (creationLagInLists !== undefined && creationLagMs === undefined) {
        throw new RangeError('creationLagMs: is required with creationLagInLists');
      }
      if (creationLagMs !== undefined) {
        simulator.setCreationLag(creationLagMs, { inLists: creationLagInLists });
      }
      if (membershipReadLagMs !== undefined) account.setMembershipReadLag(membershipReadLagMs);
    },
  ),
  post('/rate-limit/reset', 'reset the rate limit of every credential, as after a minute', ({ simulator }) =>
    simulator.resetRateLimit(),
  ),
];

export const ACCOUNT_OPERATIONS: readonly Operation[] = [
  get('/users', 'all users', ({ account }) => ({ users: account.users() })),
  create(
    '/users',
    'add {email, name?, role?, jobTitle?, …}, {"users": […]}, or {"count": n} generated users',
    json.ifGiven('count', madeUpUsers, json.ifGiven('users', newUsers, newUser)),
    ({ account, input }) => {
      if ('count' in input) return { users: account.addUsers(input.count) };
      if ('users' in input) return { users: account.addUsers(input.users) };
      return account.addUser(input);
    },
  ),
  get('/users/:id', 'one user, by id or address', ({ account, id }) => found(account.user(id), 'user')),
  patch('/users/:id', 'change any field', json.object(userFields), ({ account, id, input }) =>
    account.updateUser(id, input),
  ),
  remove('/users/:id', 'delete a user', ({ account, id }) => account.removeUser(id)),
  get('/teams', 'all teams with members and associations', ({ account }) => ({ teams: account.teams() })),
  create(
    '/teams',
    'add {name, description?, defaultRole?}',
    json.object({ ...teamFields, name: json.filledString }, ['name']),
    ({ account, input }) => account.addTeam(input),
  ),
  get('/teams/:id', 'one team, by id or name', ({ account, id }) => found(account.team(id), 'team')),
  patch(
    '/teams/:id',
    'change {name?, description?, defaultRole?}',
    json.object(teamFields),
    ({ account, id, input }) => account.updateTeam(id, input),
  ),
  remove('/teams/:id', 'delete a team, even with associations', ({ account, id }) => account.removeTeam(id)),
  put(
    '/teams/:id/members/:userId',
    'add a member or change the role: {role?}',
    json.object({ role: json.oneOf(TEAM_ROLES) }),
    ({ account, id, userId, input }) => account.addMember(id, userId, input.role),
  ),
  remove('/teams/:id/members/:userId', 'remove a member', ({ account, id, userId }) =>
    account.removeMember(id, userId),
  ),
  post(
    '/teams/:id/associations',
    'add an association {kind, userIds?}; kinds: Escalation Policies, Services, Schedules, Subteams',
    association,
    ({ account, id, input: { kind, userIds } }) => account.associate(id, kind, { userIds }),
  ),
  remove(
    '/teams/:id/associations',
    'remove {kind, userIds?}; without userIds all of that kind',
    association,
    ({ account, id, input: { kind, userIds } }) => account.dissociate(id, kind, { userIds }),
  ),
  get('/clients', 'OAuth clients', ({ account }) => ({ clients: account.oauthClients() })),
  create(
    '/clients',
    'add {clientId?, clientSecret?, scopes?, subdomain?, region?, refuseUnallowedScopes?}; only this response contains the secret',
    client,
    ({ account, input }) => account.addOAuthClient(input),
  ),
  patch(
    '/clients/:id',
    'change {scopes?, clientSecret?}; existing tokens keep their scopes',
    json.object({ scopes: json.strings, clientSecret: json.string }),
    ({ simulator, id, input: { scopes, clientSecret } }) => {
      if (scopes) simulator.setClientScopes(id, scopes);
      if (clientSecret !== undefined) simulator.setClientSecret(id, clientSecret);
    },
  ),
  remove('/clients/:id', 'remove a client; its tokens stay valid', ({ simulator, id }) =>
    simulator.removeOAuthClient(id),
  ),
  post('/clients/:id/revoke-tokens', 'revoke all its tokens', ({ simulator, id }) => ({
    revoked: simulator.revokeAllTokens(id),
  })),
  get('/keys', 'API keys, without the keys themselves', ({ account }) => ({ keys: account.apiKeys() })),
  create(
    '/keys',
    'add {kind?: account | user, userId?, readOnly?, key?}; only this response contains the key',
    key,
    ({ account, input }) => ({ key: account.addApiKey(input) }),
  ),
  patch(
    '/keys/:id',
    'change {disabled: true | false}, by key or id',
    json.object({ disabled: json.boolean }, ['disabled']),
    ({ simulator, id, input }) => (input.disabled ? simulator.disableKey(id) : simulator.enableKey(id)),
  ),
  remove('/keys/:id', 'remove a key, by key or id', ({ simulator, id }) => simulator.removeKey(id)),
  patch(
    '/abilities',
    '{"abilities": {"teams": false, …}}',
    json.object({ abilities: json.recordOfBooleans }, ['abilities']),
    ({ account, input }) => {
      for (const [ability, available] of Object.entries(input.abilities)) {
        account.setAbility(ability, available);
      }
    },
  ),
  patch(
    '/limits',
    '{membersPerTeam?, teamsPerUser?, teams?}',
    json.object({ membersPerTeam: json.integer(0), teamsPerUser: json.integer(0), teams: json.integer(0) }),
    ({ account, input }) => account.setLimits(input),
  ),
];
