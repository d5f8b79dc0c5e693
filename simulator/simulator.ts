import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import {
  SCIMIFY_SCOPES,
  type AccountAddress,
  type NewApiKey,
  type NewOAuthClient,
  type NewTeam,
  type NewUser,
  type OAuthCredentials,
  type SimAccount,
  type SimApiKey,
  type SimMember,
  type SimTeam,
  type SimUser,
  type Simulator,
  type SimulatorOptions,
  type UserPatch,
} from './api';
import { CallLog, type Call, type CallFilter } from './call-log';
import { createControlApi } from './control/control-api';
import { Faults, type Fault, type FaultSpec } from './faults';
import { RestApi } from './http/rest-api';
import { SimulatorServer } from './http/server';
import { TokenEndpoint } from './http/token-endpoint';
import { RateLimiter } from './rules/rate-limit';
import { defaultTeamRole } from './rules/team-roles';
import { Account, type IdentifierSource } from './state/account';
import { Credentials } from './state/credentials';
import { IdentifierSequence } from './state/identifiers';
import {
  StateError,
  type AccountLimits,
  type AssociationKind,
  type Region,
  type TeamRecord,
  type TeamRole,
  type UserRecord,
} from './state/records';

export * from './api';
export type { Call, CallCredential, CallFilter } from './call-log';
export type { Fault, FaultSpec } from './faults';
export { StateError } from './state/records';
export type {
  AccountLimits,
  AssociationKind,
  BaseRole,
  DefaultRole,
  Region,
  TeamRole,
} from './state/records';

const DEFAULT_RATE_LIMIT = 960;
const SUBDOMAIN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

function positive(name: string, value: number): number {
  if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`${name}: must be a positive number`);
  return value;
}

function notNegative(name: string, value: number): number {
  if (!(value >= 0 && Number.isFinite(value))) throw new RangeError(`${name}: must be 0 or more`);
  return value;
}

function simUser(user: UserRecord): SimUser {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    role: user.role,
    jobTitle: user.jobTitle,
    description: user.description,
    timeZone: user.timeZone,
    invitationSent: user.invitationSent,
    createdViaSso: user.createdViaSso,
    billed: user.billed,
    teamIds: [...user.teamIds],
  };
}

class AccountHandle implements SimAccount {
  constructor(
    protected readonly state: Account,
    protected readonly world: World,
  ) {}

  get subdomain(): string {
    return this.state.subdomain;
  }

  get region(): Region {
    return this.state.region;
  }

  users(): SimUser[] {
    return this.state.usersInOrder().map(simUser);
  }

  user(idOrEmail: string): SimUser | undefined {
    const user = this.state.users.get(idOrEmail) ?? this.state.userWithEmail(idOrEmail);
    return user && simUser(user);
  }

  addUser(user: NewUser): SimUser {
    return simUser(
      this.state.addUser({
        email: user.email,
        name: user.name ?? user.email.split('@')[0] ?? user.email,
        role: user.role ?? 'user',
        jobTitle: user.jobTitle ?? null,
        description: user.description ?? null,
        timeZone: user.timeZone ?? 'Etc/UTC',
        invitationSent: user.invitationSent ?? false,
        createdViaSso: user.createdViaSso ?? false,
        billed: user.billed ?? true,
      }),
    );
  }

  addUsers(users: readonly NewUser[] | number): SimUser[] {
    if (typeof users !== 'number') return users.map((user) => this.addUser(user));
    let position = this.state.users.size;
    return Array.from({ length: users }, () => {
      let number: string;
      let email: string;
      // After deletions, the highest used number is above the count of users.
      do {
        position += 1;
        number = String(position).padStart(5, '0');
        email = `person-${number}@${this.subdomain}.example`;
      } while (this.state.userWithEmail(email));
      return this.addUser({ email, name: `Person ${number}` });
    });
  }

  updateUser(id: string, patch: UserPatch): SimUser {
    return simUser(this.state.updateUser(id, patch));
  }

  removeUser(id: string): void {
    this.state.removeUser(id);
  }

  teams(): SimTeam[] {
    return this.state.teamsInOrder().map((team) => this.simTeam(team));
  }

  team(nameOrId: string): SimTeam | undefined {
    const team = this.state.teams.get(nameOrId) ?? this.state.teamNamed(nameOrId);
    return team && this.simTeam(team);
  }

  addTeam(team: NewTeam): SimTeam {
    return this.simTeam(
      this.state.addTeam({
        name: team.name,
        description: team.description ?? null,
        defaultRole: team.defaultRole ?? 'manager',
        visibleFrom: 0,
      }),
    );
  }

  renameTeam(id: string, name: string): void {
    this.state.updateTeam(id, { name });
  }

  updateTeam(id: string, patch: Partial<NewTeam>): SimTeam {
    return this.simTeam(this.state.updateTeam(id, patch));
  }

  removeTeam(id: string): void {
    this.state.removeTeam(id);
  }

  addMember(teamId: string, userId: string, role?: TeamRole): void {
    const baseRole = this.state.requireUser(userId).role;
    this.state.setMember(teamId, userId, role ?? defaultTeamRole(baseRole));
  }

  removeMember(teamId: string, userId: string): void {
    this.state.removeMember(teamId, userId);
  }

  associate(teamId: string, kind: AssociationKind, options: { userIds?: readonly string[] } = {}): void {
    this.state.associate(teamId, kind, options.userIds ?? []);
  }

  dissociate(teamId: string, kind: AssociationKind, options: { userIds?: readonly string[] } = {}): void {
    this.state.dissociate(teamId, kind, options.userIds);
  }

  addApiKey(options: NewApiKey = {}): string {
    return this.world.credentials.addKey(this.state, {
      kind: options.kind ?? 'account',
      readOnly: options.readOnly ?? false,
      ...(options.userId === undefined ? {} : { userId: options.userId }),
      ...(options.key === undefined ? {} : { key: options.key }),
    }).secret;
  }

  addOAuthClient(options: NewOAuthClient = {}): OAuthCredentials {
    const identity = `${options.region ?? this.region}.${options.subdomain ?? this.subdomain}`;
    const account = this.world.accounts.get(identity);
    if (!account) throw new StateError('unknown', `subdomain: no account ${identity}; add it first`);
    const client = this.world.credentials.addClient(account, {
      ...(options.clientId === undefined ? {} : { clientId: options.clientId }),
      ...(options.clientSecret === undefined ? {} : { clientSecret: options.clientSecret }),
      scopes: options.scopes ?? SCIMIFY_SCOPES,
      refuseUnallowedScopes: options.refuseUnallowedScopes ?? false,
    });
    return {
      clientId: client.clientId,
      clientSecret: client.clientSecret,
      scopes: client.scopes,
      subdomain: account.subdomain,
      region: account.region,
    };
  }

  apiKeys(): SimApiKey[] {
    return this.world.credentials.keysOf(this.state).map((key) => ({
      id: key.id,
      kind: key.kind,
      userId: key.kind === 'user' ? key.userId : null,
      readOnly: key.readOnly,
      disabled: key.disabled,
    }));
  }

  oauthClients(): { clientId: string; scopes: readonly string[] }[] {
    return this.world.credentials.clientsOf(this.state).map(({ clientId, scopes }) => ({ clientId, scopes }));
  }

  setAbility(ability: string, available: boolean): void {
    if (available) this.state.abilities.add(ability);
    else this.state.abilities.delete(ability);
  }

  setLimits(limits: Partial<AccountLimits>): void {
    for (const [name, limit] of Object.entries(limits)) notNegative(name, limit);
    Object.assign(this.state.limits, limits);
  }

  setMembershipReadLag(milliseconds: number): void {
    this.state.lag.set(notNegative('milliseconds', milliseconds));
  }

  private simTeam(team: TeamRecord): SimTeam {
    const members: SimMember[] = [];
    for (const [userId, role] of team.members) {
      const user = this.state.users.get(userId);
      if (user) members.push({ id: userId, email: user.email, name: user.name, role });
    }
    return {
      id: team.id,
      name: team.name,
      description: team.description,
      defaultRole: team.defaultRole,
      members,
      associations: [...team.associations].map(([kind, people]) => ({ kind, userIds: [...people] })),
    };
  }
}

/** Shared by all accounts of one simulator. */
interface World {
  readonly credentials: Credentials;
  /** By identity. */
  readonly accounts: Map<string, Account>;
}

class RunningSimulator extends AccountHandle implements Simulator {
  private readonly faultList = new Faults();
  private readonly callLog: CallLog;
  private readonly rateLimiter: RateLimiter;
  private readonly restApi: RestApi;
  private readonly tokenEndpoint: TokenEndpoint;
  private controlApi?: FastifyInstance;
  private readonly server: SimulatorServer;
  private readonly startingRateLimit: number;
  private baseUrl = '';

  constructor(
    state: Account,
    world: World,
    private readonly ids: IdentifierSource,
    private readonly options: SimulatorOptions,
  ) {
    super(state, world);
    this.startingRateLimit = positive('rateLimit', options.rateLimit ?? DEFAULT_RATE_LIMIT);
    this.callLog = new CallLog(positive('callLogSize', options.callLogSize ?? 100_000));
    this.rateLimiter = new RateLimiter(
      this.startingRateLimit,
      positive('clockSpeed', options.clockSpeed ?? 1),
    );
    this.restApi = new RestApi(world.credentials, this.rateLimiter);
    this.tokenEndpoint = new TokenEndpoint(world.credentials);
    this.server = new SimulatorServer({
      restApi: this.restApi,
      tokenEndpoint: this.tokenEndpoint,
      controlApi: (request, response) => this.control(request, response),
      credentials: world.credentials,
      faults: this.faultList,
      callLog: this.callLog,
      plainHost: options.regions === 'by-prefix' ? 'us' : 'any',
    });
  }

  async listen(): Promise<void> {
    const host = this.options.host ?? '127.0.0.1';
    const port = await this.server.listen(this.options.port ?? 0, host);
    // A server can listen on a wildcard address, but a client cannot connect to it.
    const reachable = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
    this.baseUrl = `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
  }

  /** Builds the control API at the first request: it takes longer than many tests, and most tests do not use it. */
  private async control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.controlApi ??= createControlApi(this, this.options.controlToken);
    await this.controlApi.ready();
    this.controlApi.routing(request, response);
  }

  get url(): string {
    return this.baseUrl;
  }

  get usUrl(): string {
    return `${this.baseUrl}/us`;
  }

  get euUrl(): string {
    return `${this.baseUrl}/eu`;
  }

  get tokenUrl(): string {
    return `${this.baseUrl}/oauth/token`;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  reset(): void {
    this.world.credentials.keepOnly(this.state);
    this.world.accounts.clear();
    this.world.accounts.set(this.state.identity, this.state);
    this.state.clear();
    this.faultList.clear();
    this.callLog.clear();
    this.rateLimiter.clear();
    this.rateLimiter.setLimit(this.startingRateLimit);
    this.tokenEndpoint.restoreLifetime();
    this.setCreationLag(0);
  }

  addAccount(address: AccountAddress): SimAccount {
    const account = newAccount(address, this.ids);
    if (this.world.accounts.has(account.identity)) {
      throw new StateError('invalid', `subdomain: account ${account.identity} exists already`);
    }
    this.world.accounts.set(account.identity, account);
    return new AccountHandle(account, this.world);
  }

  account(identity: string): SimAccount | undefined {
    const account = this.world.accounts.get(identity);
    return account && new AccountHandle(account, this.world);
  }

  accounts(): SimAccount[] {
    return [...this.world.accounts.values()].map((account) => new AccountHandle(account, this.world));
  }

  disableKey(key: string): void {
    this.world.credentials.key(key).disabled = true;
  }

  enableKey(key: string): void {
    this.world.credentials.key(key).disabled = false;
  }

  removeKey(key: string): void {
    this.world.credentials.removeKey(key);
  }

  setClientScopes(clientId: string, scopes: readonly string[]): void {
    this.world.credentials.client(clientId).scopes = [...scopes];
  }

  setClientSecret(clientId: string, clientSecret: string): void {
    this.world.credentials.client(clientId).clientSecret = clientSecret;
  }

  revokeAllTokens(clientId: string): number {
    return this.world.credentials.revokeTokens(clientId);
  }

  removeOAuthClient(clientId: string): void {
    this.world.credentials.removeClient(clientId);
  }

  setTokenLifetime(seconds: number): void {
    this.tokenEndpoint.lifetimeSeconds = positive('seconds', seconds);
  }

  setRateLimit(perMinute: number): void {
    this.rateLimiter.setLimit(positive('perMinute', perMinute));
  }

  resetRateLimit(): void {
    this.rateLimiter.clear();
  }

  setCreationLag(milliseconds: number, options: { inLists?: boolean } = {}): void {
    this.restApi.creationLag.milliseconds = notNegative('milliseconds', milliseconds);
    this.restApi.creationLag.inLists = options.inLists ?? false;
  }

  inject(fault: FaultSpec): Fault {
    return this.faultList.inject(fault);
  }

  faults(): { id: string; spec: FaultSpec; hits: number }[] {
    return this.faultList.list();
  }

  removeFault(id: string): boolean {
    return this.faultList.remove(id);
  }

  clearFaults(): void {
    this.faultList.clear();
  }

  calls(filter?: CallFilter): Call[] {
    return this.callLog.list(filter);
  }

  clearCalls(): void {
    this.callLog.clear();
  }
}

function newAccount(address: AccountAddress, ids: IdentifierSource): Account {
  if (!SUBDOMAIN.test(address.subdomain)) {
    throw new StateError('invalid', 'subdomain: must be a DNS label in lower case');
  }
  return new Account(address.subdomain, address.region, ids);
}

/** Starts a PagerDuty simulator with one empty account and no credentials. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const ids: IdentifierSource = {
    users: new IdentifierSequence(1),
    teams: new IdentifierSequence(2),
    contactMethods: new IdentifierSequence(4),
  };
  const account = newAccount(options.account ?? { subdomain: 'acme', region: 'us' }, ids);
  const world: World = {
    credentials: new Credentials(),
    accounts: new Map([[account.identity, account]]),
  };
  const simulator = new RunningSimulator(account, world, ids, options);
  await simulator.listen();
  return simulator;
}
