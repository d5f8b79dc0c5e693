import { authenticate, identify, type Host } from '../rules/authentication';
import { checkAbility, checkMayWrite, checkScope, maySee } from '../rules/authorization';
import { checkAccept, checkContentType } from '../rules/media-types';
import { checkRemovable } from '../rules/member-removal';
import { pageOf, readPage } from '../rules/paging';
import { rateLimitExceeded, type RateLimiter } from '../rules/rate-limit';
import { readSet } from '../rules/set-filters';
import { checkRoomForMember, checkRoomForTeam } from '../rules/size-limits';
import { checkDeletable, checkReassignment } from '../rules/team-deletion';
import { readTeamFields, refuseTakenName } from '../rules/team-fields';
import { defaultTeamRole, grantTeamRole, isStakeholder, readTeamRole } from '../rules/team-roles';
import type { Account } from '../state/account';
import { rateLimitBucket, type Caller, type Credentials } from '../state/credentials';
import { NameOrder } from '../state/name-order';
import type { TeamRecord, UserRecord } from '../state/records';
import { argumentsError, bare, invalidInput, json, notFound, refusal, Refusal, type Answer } from './answers';
import { memberBody, teamBody, userBody } from './representation';

export interface ApiRequest {
  readonly host: Host;
  readonly method: string;
  /** Does not include the host's prefix and the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly accept: string | undefined;
  readonly contentType: string | undefined;
  readonly body: string;
}

/** Reads of a new team fail for a while, as Terraform's provider has seen. */
export interface CreationLag {
  milliseconds: number;
  /** Also leave the team out of lists. */
  inLists: boolean;
}

interface Call {
  readonly caller: Caller;
  readonly account: Account;
  readonly query: URLSearchParams;
  readonly body: unknown;
  /** The `{…}` parts of the path, in order. */
  readonly ids: readonly string[];
}

interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** The scope that an app token needs. PagerDuty's API reference lists the scope of each call. */
  readonly scope: string | null;
  readonly ability: string | null;
  readonly answer: (call: Call) => Answer;
}

const TEAMS_PAGE = 25;
const USERS_PAGE = 25;
/** Recorded from the live API: only this list returns 100 as its default limit. */
const MEMBERS_PAGE = 100;

const NO_INCLUDES: ReadonlySet<string> = new Set();

function readIncludes(query: URLSearchParams): ReadonlySet<string> {
  const values = readSet(query, 'include', 'Include');
  return values ? new Set(values) : NO_INCLUDES;
}

function parseJson(body: string): unknown {
  if (body === '') return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    throw invalidInput('Body is not valid JSON');
  }
}

/** The part of PagerDuty's REST API for teams, members, and reading users. */
export class RestApi {
  readonly creationLag: CreationLag = { milliseconds: 0, inLists: false };
  private readonly routes: readonly (Route & { segments: readonly string[] })[];

  constructor(
    private readonly credentials: Credentials,
    private readonly rateLimiter: RateLimiter,
  ) {
    const write = { scope: 'teams.write', ability: 'teams' };
    const read = { scope: 'teams.read', ability: 'teams' };
    const routes: Route[] = [
      { method: 'GET', path: '/teams', ...read, answer: (call) => this.listTeams(call) },
      { method: 'POST', path: '/teams', ...write, answer: (call) => this.createTeam(call) },
      { method: 'GET', path: '/teams/{}', ...read, answer: (call) => this.getTeam(call) },
      { method: 'PUT', path: '/teams/{}', ...write, answer: (call) => this.updateTeam(call) },
      { method: 'DELETE', path: '/teams/{}', ...write, answer: (call) => this.deleteTeam(call) },
      { method: 'GET', path: '/teams/{}/members', ...read, answer: (call) => this.listMembers(call) },
      { method: 'PUT', path: '/teams/{}/users/{}', ...write, answer: (call) => this.putMember(call) },
      { method: 'DELETE', path: '/teams/{}/users/{}', ...write, answer: (call) => this.removeMember(call) },
      {
        method: 'GET',
        path: '/users',
        scope: 'users.read',
        ability: null,
        answer: (call) => this.listUsers(call),
      },
      // The API reference lists no scope for this call.
      { method: 'GET', path: '/users/me', scope: null, ability: null, answer: (call) => this.getMe(call) },
      {
        method: 'GET',
        path: '/users/{}',
        scope: 'users.read',
        ability: null,
        answer: (call) => this.getUser(call),
      },
      {
        method: 'GET',
        path: '/abilities',
        scope: 'abilities.read',
        ability: null,
        answer: ({ account }) => json(200, { abilities: [...account.abilities] }),
      },
      // Real calls that Scimify must not make. The 501 shows such a call; a 404 would look like a wrong path.
      ...(
        [
          ['POST', '/users', 'users.write'],
          ['PUT', '/users/{}', 'users.write'],
          ['DELETE', '/users/{}', 'users.write'],
          ['GET', '/audit/records', 'audit_records.read'],
          ['GET', '/teams/{}/audit/records', 'audit_records.read'],
          ['GET', '/escalation_policies', 'escalation_policies.read'],
          ['GET', '/oncalls', 'oncalls.read'],
        ] as const
      ).map(([method, path, scope]): Route => {
        return { method, path, scope, ability: null, answer: () => this.notImitated() };
      }),
    ];
    this.routes = routes.map((route) => ({ ...route, segments: route.path.split('/') }));
  }

  answer(request: ApiRequest): Answer {
    let rateHeaders: Record<string, string> = {};
    try {
      const caller = authenticate(identify(request.authorization, this.credentials), request.host);
      const taken = this.rateLimiter.take(rateLimitBucket(caller));
      rateHeaders = taken.headers;
      if (!taken.allowed) throw rateLimitExceeded();
      const answer = this.evaluate(request, caller);
      return { ...answer, headers: { ...answer.headers, ...rateHeaders } };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { ...error.answer, headers: { ...error.answer.headers, ...rateHeaders } };
    }
  }

  private evaluate(request: ApiRequest, caller: Caller): Answer {
    checkAccept(request.accept);
    const writes = request.method !== 'GET';
    const carriesBody = request.method === 'POST' || request.method === 'PUT';
    if (carriesBody) checkContentType(request.contentType);

    const match = this.match(request.method, request.path);
    if (!match) throw notFound();
    checkScope(caller, match.route.scope);
    checkAbility(caller, match.route.ability);
    if (writes) checkMayWrite(caller);
    return match.route.answer({
      caller,
      account: caller.account,
      query: request.query,
      body: carriesBody ? parseJson(request.body) : undefined,
      ids: match.ids,
    });
  }

  private match(method: string, path: string): { route: Route; ids: string[] } | undefined {
    const segments = path.split('/');
    for (const route of this.routes) {
      if (route.method !== method || route.segments.length !== segments.length) continue;
      const ids: string[] = [];
      const fits = route.segments.every((expected, index) => {
        const segment = segments[index] ?? '';
        if (expected !== '{}') return expected === segment;
        ids.push(segment);
        return segment !== '';
      });
      if (fits) return { route, ids };
    }
    return undefined;
  }

  private listTeams({ caller, account, query }: Call): Answer {
    const page = readPage(query, TEAMS_PAGE);
    const now = Date.now();
    const hidesNew = this.creationLag.inLists;
    const rows = account
      .teamsMatching(query.get('query')?.toLowerCase() ?? '')
      .filter((team) => maySee(caller, team) && !(hidesNew && this.isTooNew(team, now)));
    const { rows: teams, body } = pageOf(rows, page);
    return json(200, { teams: teams.map((team) => teamBody(account, team)), ...body });
  }

  private createTeam({ caller, account, body }: Call): Answer {
    const fields = readTeamFields(body, {
      creating: true,
      unwrappedIsForbidden: this.isResponder(caller),
    });
    const name = fields.name ?? '';
    if (account.teamNamed(name)) refuseTakenName();
    checkRoomForTeam(account.limits, account.teams.size);
    const team = account.addTeam({
      name,
      description: fields.description ?? null,
      defaultRole: fields.defaultRole ?? 'manager',
      visibleFrom: Date.now() + this.creationLag.milliseconds,
    });
    // This is why PagerDuty's own import script requires an account key.
    if (caller.kind === 'user') {
      const user = account.users.get(caller.userId);
      if (user && !isStakeholder(user.role)) account.setMember(team.id, user.id, defaultTeamRole(user.role));
    }
    return json(201, { team: teamBody(account, team) });
  }

  private getTeam(call: Call): Answer {
    return json(200, { team: teamBody(call.account, this.team(call)) });
  }

  private updateTeam(call: Call): Answer {
    const team = this.team(call);
    const fields = readTeamFields(call.body, {
      creating: false,
      unwrappedIsForbidden: this.isResponder(call.caller),
    });
    const holder = fields.name === undefined ? undefined : call.account.teamNamed(fields.name);
    if (holder && holder.id !== team.id) refuseTakenName();
    call.account.updateTeam(team.id, fields);
    // The response to the PUT shows what was written, even when reads lag.
    const { name, description } = team;
    return json(200, { team: { ...teamBody(call.account, team), name, description, summary: name } });
  }

  private deleteTeam(call: Call): Answer {
    const team = this.team(call);
    const target = call.query.get('reassignment_team');
    checkReassignment(team, target, target !== null && call.account.teams.has(target));
    checkDeletable(team);
    call.account.removeTeam(team.id);
    return bare(204);
  }

  private listMembers(call: Call): Answer {
    const { account, query } = call;
    const team = this.team(call);
    const page = readPage(query, MEMBERS_PAGE);
    const expanded = readIncludes(query).has('users');
    const rows: { user: UserRecord; role: Parameters<typeof memberBody>[2] }[] = [];
    for (const [userId, role] of account.lag.members(team)) {
      const user = account.users.get(userId);
      if (user) rows.push({ user, role });
    }
    const { rows: members, body } = pageOf(rows, page);
    return json(200, {
      members: members.map(({ user, role }) => memberBody(account, user, role, expanded)),
      ...body,
      // Reported to be missing even when requested, so a client must not depend on it.
      total: null,
    });
  }

  private putMember(call: Call): Answer {
    const { account } = call;
    const team = this.team(call);
    const user = this.user(call, 1);
    const current = team.members.get(user.id);
    const role = grantTeamRole(user.role, readTeamRole(call.body), current);
    if (current === undefined) checkRoomForMember(account.limits, team, user);
    account.setMember(team.id, user.id, role);
    return bare(204);
  }

  private removeMember(call: Call): Answer {
    const team = this.team(call);
    const user = this.user(call, 1);
    checkRemovable(team, user.id);
    call.account.removeMember(team.id, user.id);
    return bare(204);
  }

  private listUsers({ account, query }: Call): Answer {
    const page = readPage(query, USERS_PAGE);
    const include = readIncludes(query);
    const teamIds = readSet(query, 'team_ids', 'Team ids');
    const text = query.get('query')?.toLowerCase() ?? '';
    const rows =
      teamIds === undefined
        ? account.usersMatching(text)
        : this.usersOnTeams(account, teamIds).filter((user) => user.searchText.includes(text));
    const { rows: users, body } = pageOf(rows, page);
    return json(200, { users: users.map((user) => userBody(account, user, include)), ...body });
  }

  private usersOnTeams(account: Account, teamIds: readonly string[]): UserRecord[] {
    const users = new Set<UserRecord>();
    for (const teamId of teamIds) {
      const team = account.teams.get(teamId);
      if (!team) continue;
      for (const userId of account.lag.members(team).keys()) {
        const user = account.users.get(userId);
        if (user) users.add(user);
      }
    }
    return NameOrder.sort([...users]);
  }

  private getUser(call: Call): Answer {
    return json(200, { user: userBody(call.account, this.user(call, 0), readIncludes(call.query)) });
  }

  private getMe({ caller, account, query }: Call): Answer {
    const user = caller.kind === 'user' ? account.users.get(caller.userId) : undefined;
    // The API reference lists a 400 for keys that do not belong to a user. Its body is not published.
    if (!user) throw argumentsError('A user-level API key is required to access this resource');
    return json(200, { user: userBody(account, user, readIncludes(query)) });
  }

  private notImitated(): never {
    throw refusal(501, 'The simulator does not imitate this call');
  }

  private team({ caller, account, ids }: Call): TeamRecord {
    const team = account.teams.get(ids[0] ?? '');
    if (!team || this.isTooNew(team, Date.now()) || !maySee(caller, team)) throw notFound();
    return team;
  }

  private user({ account, ids }: Call, position: number): UserRecord {
    const user = account.users.get(ids[position] ?? '');
    if (!user) throw notFound();
    return user;
  }

  private isTooNew(team: TeamRecord, now: number): boolean {
    return team.visibleFrom > now;
  }

  private isResponder(caller: Caller): boolean {
    return caller.kind === 'user' && caller.account.users.get(caller.userId)?.role === 'limited_user';
  }
}
