import { bare, json, type Answer } from '../http/answers';
import type { FaultSpec } from '../faults';
import type { SimAccount, Simulator } from '../api';
import { StateError } from '../state/records';
import { Fields, InputError } from './fields';
import * as requests from './requests';

export interface ControlRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly body: string;
}

interface ControlCall {
  readonly account: SimAccount;
  readonly id: (position: number) => string;
  readonly fields: Fields;
  readonly query: URLSearchParams;
}

interface ControlRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly what: string;
  readonly answer: (call: ControlCall) => unknown;
}

class NoSuchThing extends Error {}

function found<T>(thing: T | undefined, name: string): T {
  if (thing === undefined) throw new NoSuchThing(`no such ${name}`);
  return thing;
}

/** Wraps a created object, so that the response gets status 201. */
class Created {
  constructor(readonly value: unknown) {}
}

function faultForJson({ id, spec, hits }: { id: string; spec: FaultSpec; hits: number }) {
  const { path, ...rest } = spec;
  const where = path instanceof RegExp ? { pathPattern: path.source } : path === undefined ? {} : { path };
  return { id, hits, ...where, ...rest };
}

/** Offers the library over HTTP, for a simulator that runs as a program. */
export class ControlApi {
  private readonly routes: readonly (ControlRoute & { segments: readonly string[] })[];

  constructor(
    private readonly simulator: Simulator,
    private readonly token: string | undefined,
  ) {
    this.routes = [...this.simulatorRoutes(), ...this.accountRoutes()].map((route) => ({
      ...route,
      segments: route.path === '/' ? [] : route.path.slice(1).split('/'),
    }));
  }

  answer(request: ControlRequest): Answer {
    if (this.token !== undefined && request.authorization !== `Bearer ${this.token}`) {
      return json(401, { message: 'Authorization must be: Bearer <control token>' });
    }
    try {
      const result = this.perform(request);
      if (result instanceof Created) return json(201, result.value);
      return result === undefined ? bare(204) : json(200, result);
    } catch (error) {
      if (error instanceof NoSuchThing) return json(404, { message: error.message });
      if (error instanceof StateError) {
        return json(error.kind === 'unknown' ? 404 : 400, { message: error.message });
      }
      if (error instanceof InputError || error instanceof RangeError) {
        return json(400, { message: error.message });
      }
      throw error;
    }
  }

  private perform(request: ControlRequest): unknown {
    let segments: string[];
    try {
      segments = request.path.split('/').slice(2).map(decodeURIComponent);
    } catch {
      throw new InputError('path', 'is badly percent-encoded');
    }
    let account: SimAccount = this.simulator;
    if (segments[0] === 'accounts' && segments.length > 2) {
      account = found(this.simulator.account(segments[1] ?? ''), 'account');
      segments = segments.slice(2);
    }
    const candidates = this.routes.filter(
      (route) =>
        route.segments.length === segments.length &&
        route.segments.every((expected, index) => expected === '{}' || expected === segments[index]),
    );
    const route = candidates.find(({ method }) => method === request.method);
    if (!route) {
      throw new NoSuchThing(
        candidates.length > 0
          ? `no ${request.method} here, only ${candidates.map(({ method }) => method).join(', ')}`
          : 'no such route; GET /_control lists them',
      );
    }
    const ids = segments.filter((_, index) => route.segments[index] === '{}');
    const fields = new Fields(this.parse(request));
    return route.answer({ account, id: (position) => ids[position] ?? '', fields, query: request.query });
  }

  private parse(request: ControlRequest): unknown {
    if (request.body === '') return {};
    const mediaType = (request.contentType ?? '').split(';')[0]?.trim().toLowerCase();
    if (mediaType !== 'application/json') throw new InputError('Content-Type', 'must be application/json');
    try {
      return JSON.parse(request.body) as unknown;
    } catch {
      throw new InputError('body', 'is not valid JSON');
    }
  }

  private simulatorRoutes(): ControlRoute[] {
    const { simulator } = this;
    return [
      { method: 'GET', path: '/', what: 'this list', answer: () => this.help() },
      {
        method: 'POST',
        path: '/reset',
        what: 'reset to an empty default account; its OAuth clients and account keys stay',
        answer: ({ fields }) => {
          fields.end();
          simulator.reset();
        },
      },
      {
        method: 'GET',
        path: '/accounts',
        what: 'all accounts',
        answer: () => ({
          accounts: simulator.accounts().map(({ subdomain, region }) => ({ subdomain, region })),
        }),
      },
      {
        method: 'POST',
        path: '/accounts',
        what: 'add one: {subdomain, region?}',
        answer: ({ fields }) => {
          const address = requests.readAccount(fields);
          fields.end();
          const { subdomain, region } = simulator.addAccount(address);
          return new Created({ subdomain, region });
        },
      },
      {
        method: 'GET',
        path: '/faults',
        what: 'injected faults and how many requests each has hit',
        answer: () => ({ faults: simulator.faults().map(faultForJson) }),
      },
      {
        method: 'POST',
        path: '/faults',
        what: 'inject: {method?, path? | pathPattern?, account?, status?, body?, contentType?, headers?, latencyMs?, drop?, afterEffect?, times?, probability?, seed?}',
        answer: ({ fields }) => {
          const spec = requests.readFault(fields);
          fields.end();
          return new Created({ id: simulator.inject(spec).id });
        },
      },
      {
        method: 'DELETE',
        path: '/faults',
        what: 'remove all faults',
        answer: () => simulator.clearFaults(),
      },
      {
        method: 'DELETE',
        path: '/faults/{}',
        what: 'remove one fault',
        answer: ({ id }) => void found(simulator.removeFault(id(0)) || undefined, 'fault'),
      },
      {
        method: 'GET',
        path: '/calls',
        what: 'the call log; ?method, ?path or ?pathPattern, ?status, ?afterSeq',
        answer: ({ query }) => ({ calls: simulator.calls(requests.readCallFilter(query)) }),
      },
      {
        method: 'DELETE',
        path: '/calls',
        what: 'empty the call log',
        answer: () => simulator.clearCalls(),
      },
      {
        method: 'PATCH',
        path: '/settings',
        what: '{rateLimit?, tokenLifetimeSeconds?, creationLagMs?, creationLagInLists?, membershipReadLagMs?}',
        answer: ({ fields, account }) => {
          const settings = requests.readSettings(fields);
          fields.end();
          if (settings.tokenLifetimeSeconds !== undefined) {
            if (!(settings.tokenLifetimeSeconds > 0)) {
              throw new InputError('tokenLifetimeSeconds', 'must be a positive number');
            }
            simulator.setTokenLifetime(settings.tokenLifetimeSeconds);
          }
          if (settings.rateLimit !== undefined) simulator.setRateLimit(settings.rateLimit);
          if (settings.creationLagInLists !== undefined && settings.creationLagMs === undefined) {
            throw new InputError('creationLagMs', 'is required with creationLagInLists');
          }
          if (settings.creationLagMs !== undefined) {
            simulator.setCreationLag(settings.creationLagMs, {
              inLists: settings.creationLagInLists ?? false,
            });
          }
          if (settings.membershipReadLagMs !== undefined) {
            account.setMembershipReadLag(settings.membershipReadLagMs);
          }
        },
      },
      {
        method: 'POST',
        path: '/rate-limit/reset',
        what: 'reset the rate limit of every credential, as after a minute',
        answer: () => simulator.resetRateLimit(),
      },
    ];
  }

  /** Also under `/accounts/{region}.{subdomain}`. */
  private accountRoutes(): ControlRoute[] {
    const { simulator } = this;
    return [
      {
        method: 'GET',
        path: '/users',
        what: 'all users',
        answer: ({ account }) => ({ users: account.users() }),
      },
      {
        method: 'POST',
        path: '/users',
        what: 'add {email, name?, role?, jobTitle?, …}, {"users": […]}, or {"count": n} generated users',
        answer: ({ account, fields }) => {
          const users = requests.readUsers(fields);
          fields.end();
          if (typeof users === 'number' || Array.isArray(users)) {
            return new Created({ users: account.addUsers(users) });
          }
          return new Created(account.addUser(users));
        },
      },
      {
        method: 'GET',
        path: '/users/{}',
        what: 'one user, by id or address',
        answer: ({ account, id }) => found(account.user(id(0)), 'user'),
      },
      {
        method: 'PATCH',
        path: '/users/{}',
        what: 'change any field',
        answer: ({ account, id, fields }) => {
          const patch = requests.readUserPatch(fields);
          fields.end();
          return account.updateUser(id(0), patch);
        },
      },
      {
        method: 'DELETE',
        path: '/users/{}',
        what: 'delete a user',
        answer: ({ account, id }) => account.removeUser(id(0)),
      },
      {
        method: 'GET',
        path: '/teams',
        what: 'all teams with members and associations',
        answer: ({ account }) => ({ teams: account.teams() }),
      },
      {
        method: 'POST',
        path: '/teams',
        what: 'add {name, description?, defaultRole?}',
        answer: ({ account, fields }) => {
          const team = requests.readTeam(fields);
          fields.end();
          return new Created(account.addTeam(team));
        },
      },
      {
        method: 'GET',
        path: '/teams/{}',
        what: 'one team, by id or name',
        answer: ({ account, id }) => found(account.team(id(0)), 'team'),
      },
      {
        method: 'PATCH',
        path: '/teams/{}',
        what: 'change {name?, description?, defaultRole?}',
        answer: ({ account, id, fields }) => {
          const patch = requests.readTeamPatch(fields);
          fields.end();
          return account.updateTeam(id(0), patch);
        },
      },
      {
        method: 'DELETE',
        path: '/teams/{}',
        what: 'delete a team, even with associations',
        answer: ({ account, id }) => account.removeTeam(id(0)),
      },
      {
        method: 'PUT',
        path: '/teams/{}/members/{}',
        what: 'add a member or change the role: {role?}',
        answer: ({ account, id, fields }) => {
          const role = requests.readMember(fields);
          fields.end();
          account.addMember(id(0), id(1), role);
        },
      },
      {
        method: 'DELETE',
        path: '/teams/{}/members/{}',
        what: 'remove a member',
        answer: ({ account, id }) => account.removeMember(id(0), id(1)),
      },
      {
        method: 'POST',
        path: '/teams/{}/associations',
        what: 'add an association {kind, userIds?}; kinds: Escalation Policies, Services, Schedules, Subteams',
        answer: ({ account, id, fields }) => {
          const { kind, userIds } = requests.readAssociation(fields);
          fields.end();
          account.associate(id(0), kind, { userIds: userIds ?? [] });
        },
      },
      {
        method: 'DELETE',
        path: '/teams/{}/associations',
        what: 'remove {kind, userIds?}; without userIds all of that kind',
        answer: ({ account, id, fields }) => {
          const { kind, userIds } = requests.readAssociation(fields);
          fields.end();
          account.dissociate(id(0), kind, userIds === undefined ? {} : { userIds });
        },
      },
      {
        method: 'GET',
        path: '/clients',
        what: 'OAuth clients',
        answer: ({ account }) => ({ clients: account.oauthClients() }),
      },
      {
        method: 'POST',
        path: '/clients',
        what: 'add {clientId?, clientSecret?, scopes?, subdomain?, region?, refuseUnallowedScopes?}; only this response contains the secret',
        answer: ({ account, fields }) => {
          const client = requests.readClient(fields);
          fields.end();
          return new Created(account.addOAuthClient(client));
        },
      },
      {
        method: 'PATCH',
        path: '/clients/{}',
        what: 'change {scopes?, clientSecret?}; existing tokens keep their scopes',
        answer: ({ id, fields }) => {
          const scopes = fields.strings('scopes');
          const clientSecret = fields.string('clientSecret');
          fields.end();
          if (scopes) simulator.setClientScopes(id(0), scopes);
          if (clientSecret !== undefined) simulator.setClientSecret(id(0), clientSecret);
        },
      },
      {
        method: 'DELETE',
        path: '/clients/{}',
        what: 'remove a client; its tokens stay valid',
        answer: ({ id }) => simulator.removeOAuthClient(id(0)),
      },
      {
        method: 'POST',
        path: '/clients/{}/revoke-tokens',
        what: 'revoke all its tokens',
        answer: ({ id }) => ({ revoked: simulator.revokeAllTokens(id(0)) }),
      },
      {
        method: 'GET',
        path: '/keys',
        what: 'API keys, without the keys themselves',
        answer: ({ account }) => ({ keys: account.apiKeys() }),
      },
      {
        method: 'POST',
        path: '/keys',
        what: 'add {kind?: account | user, userId?, readOnly?, key?}; only this response contains the key',
        answer: ({ account, fields }) => {
          const key = requests.readKey(fields);
          fields.end();
          return new Created({ key: account.addApiKey(key) });
        },
      },
      {
        method: 'PATCH',
        path: '/keys/{}',
        what: 'change {disabled: true | false}, by key or id',
        answer: ({ id, fields }) => {
          const disabled = fields.boolean('disabled');
          fields.end();
          if (disabled === undefined) throw new InputError('disabled', 'is required');
          if (disabled) simulator.disableKey(id(0));
          else simulator.enableKey(id(0));
        },
      },
      {
        method: 'DELETE',
        path: '/keys/{}',
        what: 'remove a key, by key or id',
        answer: ({ id }) => simulator.removeKey(id(0)),
      },
      {
        method: 'PATCH',
        path: '/abilities',
        what: '{"abilities": {"teams": false, …}}',
        answer: ({ account, fields }) => {
          const abilities = fields.record('abilities', 'boolean', Boolean);
          fields.end();
          if (!abilities) throw new InputError('abilities', 'is required');
          for (const [ability, available] of Object.entries(abilities)) {
            account.setAbility(ability, available);
          }
        },
      },
      {
        method: 'PATCH',
        path: '/limits',
        what: '{membersPerTeam?, teamsPerUser?, teams?}',
        answer: ({ account, fields }) => {
          const limits = requests.readLimits(fields);
          fields.end();
          account.setLimits(limits);
        },
      },
    ];
  }

  private help() {
    const list = (routes: ControlRoute[], prefix: string) =>
      routes.map(({ method, path, what }) => ({
        method,
        path: `${prefix}${path === '/' ? '' : path}`,
        what,
      }));
    return {
      about: 'Controls the PagerDuty simulator. Bodies are JSON. Unknown fields are refused.',
      routes: list(this.simulatorRoutes(), '/_control'),
      accountRoutes: {
        about:
          'These routes act on the default account. For another account, use /_control/accounts/{region}.{subdomain} instead of /_control.',
        routes: list(this.accountRoutes(), '/_control'),
      },
    };
  }
}
