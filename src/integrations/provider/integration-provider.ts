import type { ProviderError, SettingsProblem } from './provider-error';

/** One kind of target. Stateless; everything about one account lives in the connection. */
export interface IntegrationProvider<S extends object = object> {
  /** Stored with every integration, never renamed: `pagerduty`. */
  readonly type: string;
  readonly description: ProviderDescription;
  readonly limits: ProviderLimits;
  /** Two names that the target would call equal have equal keys. */
  groupNameKey(name: string): string;
  /** @throws SettingsError naming each wrong field */
  parseSettings(input: unknown): S;
  /** The problems of a secret for these settings, before it is ever sent; empty when it may be right. */
  checkSecret(settings: S, secret: string): SettingsProblem[];
  /** What makes two integrations share one token and one rate budget; holds the secret, so it is hashed by the host. */
  credentialKey(settings: S, secret: string): string;
  connect(account: { settings: S; secret: string }, host: ConnectionHost): ProviderConnection;
}

export interface ProviderDescription {
  displayName: string;
  authMethods: readonly { id: string; title: string; description: string }[];
  /** JSON Schema (2020-12) of `settings`. */
  settingsSchema: Record<string, unknown>;
  guides: readonly { title: string; url: string }[];
}

export interface ProviderLimits {
  /** Longest group name in characters. */
  groupNameLength: number;
  membersPerGroup: number;
  /** Calls in flight at once for one account. */
  parallelCalls: number;
}

/** What the host lends to a connection. One host serves every integration with the same credential. */
export interface ConnectionHost {
  readonly budget: RateBudget;
  readonly tokens: TokenStore;
}

/** The calls that a credential may make, shared by everything that uses it. */
export interface RateBudget {
  /**
   * Resolves when the next call may be sent; interactive calls overtake reconciling ones.
   * @throws the signal's reason when aborted meanwhile
   */
  acquire(context: CallContext): Promise<void>;
  /** What the target last said: `remaining` of `limit` calls until `resetMs` from now. */
  observe(reading: { limit: number; remaining: number; resetMs: number }): void;
  /** The target refused a call for its rate: nobody calls for that long. */
  pause(ms: number): void;
}

/** Access tokens of one credential. */
export interface TokenStore {
  /** The stored token, or one made by `mint`, which runs once however many ask at the same time. */
  get(mint: () => Promise<AccessToken>): Promise<AccessToken>;
  /** Forgets this token (not a newer one), so that the next `get` mints anew. */
  drop(token: AccessToken): void;
}

export interface AccessToken {
  value: string;
  /** Epoch milliseconds. */
  expiresAt: number;
  scopes: readonly string[];
}

export type CallPriority = 'interactive' | 'reconcile';

/** Goes with every call. */
export interface CallContext {
  signal: AbortSignal;
  priority: CallPriority;
  /** Asked right before each call is sent: throws once the caller may no longer write to the target. */
  assertMaySend(): void;
}

/** The account behind a credential. */
export interface RemoteAccount {
  /** Two connections with equal identities reach the same account. */
  identity: string;
  name: string;
  url: string;
}

/** A person as the identity provider knows them; the provider matches by what its target knows. */
export interface UserIdentity {
  /** The caller's own key, given back in the result. */
  key: string;
  email: string | null;
  userName: string;
  externalId: string | null;
}

export type UserMatch =
  | { kind: 'resolved'; remoteUserId: string }
  | { kind: 'not-found'; message: string }
  | { kind: 'ambiguous'; message: string };

export interface GroupSpec {
  name: string;
  description: string;
}

export interface RemoteGroup {
  id: string;
  name: string;
  description: string | null;
  url: string | null;
}

export interface RemoteMember {
  remoteUserId: string;
  /** The role inside the group, or null where the target has none. */
  role: string | null;
}

export interface MemberSpec {
  remoteUserId: string;
  /** Asked only where the integration's policy names one. */
  role?: string;
}

export type MemberOutcome = { remoteUserId: string; change: 'add' | 'remove' } & (
  { applied: true; role: string | null } | { applied: false; error: ProviderError }
);

/** One account. Every method may throw `ProviderError` and nothing else, but for the signal's reason when aborted. */
export interface ProviderConnection {
  /** @returns null where the account cannot be told yet (nothing in it that names it) */
  account(context: CallContext): Promise<RemoteAccount | null>;
  /** Matches of every identity, by its `key`. */
  resolveUsers(identities: readonly UserIdentity[], context: CallContext): Promise<Map<string, UserMatch>>;
  /** The groups of these very names, compared by `groupNameKey`; the map's keys are such keys, absent where there is none. */
  findGroups(names: readonly string[], context: CallContext): Promise<Map<string, RemoteGroup>>;
  /** Null when it is gone. */
  getGroup(id: string, context: CallContext): Promise<RemoteGroup | null>;
  /** Not idempotent: after an error whose outcome is `unknown` the caller looks the name up. */
  createGroup(group: GroupSpec, context: CallContext): Promise<RemoteGroup>;
  updateGroup(id: string, change: Partial<GroupSpec>, context: CallContext): Promise<void>;
  /** Succeeds where the group is gone already. */
  deleteGroup(id: string, context: CallContext): Promise<void>;
  /** Idempotent. Yields one outcome a person as it becomes known; removals of people who are not in the group succeed. */
  changeMembers(
    groupId: string,
    change: { add: readonly MemberSpec[]; remove: readonly string[] },
    context: CallContext,
  ): AsyncIterable<MemberOutcome>;
  /** Complete, or it throws: a caller may conclude absence from it. */
  listMembers(groupId: string, context: CallContext): Promise<RemoteMember[]>;
}
