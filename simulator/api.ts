import type { Call, CallFilter } from './call-log';
import type { Fault, FaultSpec } from './faults';
import type {
  AccountLimits,
  AssociationKind,
  BaseRole,
  DefaultRole,
  Region,
  TeamRole,
} from './state/records';

/** The scopes that Scimify requests. */
export const SCIMIFY_SCOPES = ['teams.read', 'teams.write', 'users.read'] as const;

export interface SimulatorOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Calls per minute and credential; default 960, as in PagerDuty. */
  readonly rateLimit?: number;
  /** How many times faster the rate limit's minute passes; default 1. */
  readonly clockSpeed?: number;
  /** The default account; default acme in us. */
  readonly account?: AccountAddress;
  /** The control API requires it as `Authorization: Bearer …`; without it the control API is open. */
  readonly controlToken?: string;
  /** Which keys work at the URL without prefix: of `any` region (default), or, with `by-prefix`, only of the US region. */
  readonly regions?: 'any' | 'by-prefix';
  /** How many calls the log keeps; default 100,000. */
  readonly callLogSize?: number;
}

export interface AccountAddress {
  readonly subdomain: string;
  readonly region: Region;
}

export interface SimUser {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: BaseRole;
  readonly jobTitle: string | null;
  readonly description: string | null;
  readonly timeZone: string;
  readonly invitationSent: boolean;
  readonly createdViaSso: boolean;
  readonly billed: boolean;
  readonly teamIds: readonly string[];
}

export type NewUser = Pick<SimUser, 'email'> & UserPatch;

export type UserPatch = Partial<Omit<SimUser, 'id' | 'teamIds'>>;

export interface SimMember {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  /** The role on the team, not in the account. */
  readonly role: TeamRole;
}

export interface SimTeam {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly defaultRole: DefaultRole;
  readonly members: readonly SimMember[];
  readonly associations: readonly { readonly kind: AssociationKind; readonly userIds: readonly string[] }[];
}

export interface NewTeam {
  readonly name: string;
  readonly description?: string | null;
  /** `none`: a private team. A user's key sees it only if the user is a member. */
  readonly defaultRole?: DefaultRole;
}

export interface NewOAuthClient {
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** Scopes that the app may request; default {@link SCIMIFY_SCOPES}. */
  readonly scopes?: readonly string[];
  /** Default: the account it is added to. Add another account first before you name it here. */
  readonly subdomain?: string;
  readonly region?: Region;
  /** Respond with 400 to a scope that the app lacks, instead of a token without it; default false. */
  readonly refuseUnallowedScopes?: boolean;
}

export interface OAuthCredentials extends AccountAddress {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
}

export interface NewApiKey {
  /** `account` (default) or `user`. A user key requires `userId`. */
  readonly kind?: 'account' | 'user';
  readonly readOnly?: boolean;
  readonly userId?: string;
  readonly key?: string;
}

export interface SimApiKey {
  /** As in the call log. */
  readonly id: string;
  readonly kind: 'account' | 'user';
  readonly userId: string | null;
  readonly readOnly: boolean;
  readonly disabled: boolean;
}

/**
 * One PagerDuty account. All changes here are like changes in PagerDuty's web application: immediate, without the rules of
 * the API, and not in the call log. Unknown ids and names or addresses already in use throw {@link StateError}.
 */
export interface SimAccount {
  readonly subdomain: string;
  readonly region: Region;

  users(): SimUser[];
  user(idOrEmail: string): SimUser | undefined;
  addUser(user: NewUser): SimUser;
  /** @param users a list, or how many users to generate (`person-00001@<subdomain>.example` …) */
  addUsers(users: readonly NewUser[] | number): SimUser[];
  updateUser(id: string, patch: UserPatch): SimUser;
  /** Also removes the user from all teams. A user that is added again gets another id. */
  removeUser(id: string): void;

  teams(): SimTeam[];
  team(nameOrId: string): SimTeam | undefined;
  addTeam(team: NewTeam): SimTeam;
  renameTeam(id: string, name: string): void;
  updateTeam(id: string, patch: Partial<NewTeam>): SimTeam;
  removeTeam(id: string): void;
  /** Adds a member or changes the role. Without `role`, the base role decides. */
  addMember(teamId: string, userId: string, role?: TeamRole): void;
  removeMember(teamId: string, userId: string): void;

  /**
   * Connects a policy, schedule … to a team. The team then cannot be deleted (6006). The users on it become members and
   * cannot be removed ("belong to an escalation policy on this team").
   */
  associate(teamId: string, kind: AssociationKind, options?: { userIds?: readonly string[] }): void;
  /** Without `userIds`, it removes the whole association. */
  dissociate(teamId: string, kind: AssociationKind, options?: { userIds?: readonly string[] }): void;

  /** @returns the key */
  addApiKey(options?: NewApiKey): string;
  addOAuthClient(options?: NewOAuthClient): OAuthCredentials;
  /** Does not contain the keys themselves. */
  apiKeys(): SimApiKey[];
  /** Does not contain the secrets. */
  oauthClients(): { clientId: string; scopes: readonly string[] }[];

  /** Without `teams`, every call on teams gets a 402. */
  setAbility(ability: string, available: boolean): void;
  setLimits(limits: Partial<AccountLimits>): void;
  /** How long reads of members, of teams, and of users' teams still show the state before a change; 0 = no delay. */
  setMembershipReadLag(milliseconds: number): void;
}

/** A running simulator. The operations of {@link SimAccount} act on its default account. */
export interface Simulator extends SimAccount {
  /** REST API; the token endpoint is `${url}/oauth/token`, the control API `${url}/_control`. */
  readonly url: string;
  /** Strict about the region: a key of another region gets a plain 401. */
  readonly usUrl: string;
  readonly euUrl: string;
  readonly tokenUrl: string;
  close(): Promise<void>;
  /**
   * Back to an empty default account: no users, teams, faults, calls, tokens, user keys, other accounts. Its OAuth
   * clients and account keys stay, so a program that uses them still works.
   */
  reset(): void;

  addAccount(address: AccountAddress): SimAccount;
  /** @param identity as in the `as_account-` scope: `us.acme` */
  account(identity: string): SimAccount | undefined;
  accounts(): SimAccount[];

  /** @param key the key itself or its id (as in the call log), of any account */
  disableKey(key: string): void;
  enableKey(key: string): void;
  removeKey(key: string): void;
  /** Applies to new tokens. Existing tokens keep their scopes. */
  setClientScopes(clientId: string, scopes: readonly string[]): void;
  setClientSecret(clientId: string, clientSecret: string): void;
  /** @returns how many tokens it revoked */
  revokeAllTokens(clientId: string): number;
  /** Its tokens stay valid, as PagerDuty's docs say. */
  removeOAuthClient(clientId: string): void;
  /** Applies to new tokens; default one day. */
  setTokenLifetime(seconds: number): void;

  setRateLimit(perMinute: number): void;
  /** As if a minute had passed for every credential. */
  resetRateLimit(): void;
  /**
   * How long reads of a team created through the API get a 404. @param inLists also leave it out of lists; default false
   */
  setCreationLag(milliseconds: number, options?: { inLists?: boolean }): void;

  /** @throws RangeError with the wrong field in the message */
  inject(fault: FaultSpec): Fault;
  faults(): { id: string; spec: FaultSpec; hits: number }[];
  removeFault(id: string): boolean;
  clearFaults(): void;

  /** In order of arrival. */
  calls(filter?: CallFilter): Call[];
  clearCalls(): void;
}
