import type { ProviderError, SettingsProblem } from './provider-error';

/** One kind of target. Stateless; everything about one account lives in the connection. */
export interface IntegrationProvider<S extends object = object> {
  /** Stored with every integration, never renamed: `pagerduty`. */
  readonly type: string;
  readonly description: ProviderDescription;
  readonly limits: ProviderLimits;
  /**
   * What `resolveUsers` is to be told of a person beside their address: attributes of SCIM users, as RFC 7644 §3.10 names
   * them and /Schemas spells them (`nickName`, `name.familyName`,
   * `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber`). Whoever has another one than before is
   * looked up afresh. Ten at most. A user that was written before the provider asked is told of with their next change.
   */
  readonly userAttributes: readonly string[];
  /**
   * Two names that the target would call equal have equal keys: of groups with equal keys one integration takes only one.
   * Of a name of 256 characters it has at most 1,100 bytes. Stored, so what it says of a name never changes.
   */
  groupNameKey(name: string): string;
  /** The name as the target keeps it: this is what is sent, and what is compared with the one that it shows. */
  keptGroupName(name: string): string;
  /**
   * A text `groupDescription` in the settings is the description of each group that is made, with `{tenant_id}`,
   * `{group_name}` and `{integration_name}` filled in; without it there is a default. It is the one setting that the engine
   * reads.
   *
   * @throws SettingsError naming each wrong field
   */
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
  /** Roles inside a group that the policy `memberRole` may name; empty where the target has none. */
  memberRoles: readonly { id: string; title: string; description: string }[];
  guides: readonly { title: string; url: string }[];
}

export interface ProviderLimits {
  /** Longest group name in characters. */
  groupNameLength: number;
  membersPerGroup: number;
  /** Calls in flight at once for one credential. */
  parallelCalls: number;
}

/**
 * What the host lends to a connection. One host serves every integration with the same credential, so what a provider looked
 * up may be kept under it, weakly: a new host in its place means that nothing of that counts any more.
 */
export interface ConnectionHost {
  readonly budget: RateBudget;
  readonly tokens: TokenStore;
  readonly slots: CallSlots;
}

/** How many calls of a credential are under way at once: `parallelCalls` of its provider. */
export interface CallSlots {
  /**
   * Runs the call once a slot is free for one of its priority; of those that wait, the most urgent first.
   * @throws the signal's reason when aborted while waiting
   */
  use<T>(context: Pick<CallContext, 'signal' | 'priority'>, call: () => Promise<T>): Promise<T>;
  /** One call at a time for so long: the target said that writes got in each other's way. */
  serialise(ms: number): void;
}

/** The calls that a credential may make, shared by everything that uses it. */
export interface RateBudget {
  /**
   * Resolves when the next call may be sent; of those that wait, the most urgent first.
   * @throws the signal's reason when aborted meanwhile
   */
  acquire(context: CallContext): Promise<void>;
  /**
   * What the target said with an answer: `remaining` of `limit` calls until `resetMs` from now.
   * @param sentAt `performance.now()` when that call was sent: answers overtake each other, and an old one tells less
   */
  observe(reading: { limit: number; remaining: number; resetMs: number }, sentAt?: number): void;
  /** A call that `acquire` let go is over, whether or not an answer came; said once for each, after `observe`. */
  ended(context: CallContext): void;
  /** The target refused a call for its rate: nobody calls for that long. */
  pause(ms: number): void;
  /** For people to look at; null as long as the target has not told its limit. */
  reading(): { limit: number; remaining: number } | null;
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
}

/**
 * The most urgent first: somebody has left and may still be paged; a change that somebody waits for; one of many small groups
 * that are pushed together; what is large, where one call more or less makes no difference; a look at everything. A later one
 * waits for as long as an earlier one has calls.
 */
export const CALL_PRIORITIES = ['leaver', 'interactive', 'push', 'bulk', 'reconcile'] as const;
export type CallPriority = (typeof CALL_PRIORITIES)[number];

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
  /** By `userAttributes` of the provider: those that the person has, where none is longer than 1,000 characters as JSON. */
  attributes: Readonly<Record<string, unknown>>;
  /**
   * What a connection remembers of the person counts where it asked the target for it less than so many milliseconds ago: 0
   * asks anew. Without it the connection decides.
   */
  maxAgeMs?: number;
}

export type UserMatch =
  | { kind: 'resolved'; remoteUserId: string }
  | { kind: 'not-found'; message: string }
  | { kind: 'ambiguous'; message: string }
  /** The target refuses to look for this very person; what would stop any look-up is thrown instead. */
  | { kind: 'refused'; error: ProviderError };

/**
 * Told of people whom the target shows in passing: by their id, the address by which `resolveUsers` finds them. Whoever it
 * finds by something else is left out.
 */
export type AddressesShown = (addresses: ReadonlyMap<string, string>) => void;

export interface ProviderUser {
  /** By which `resolveUsers` finds them; null where it finds them by something else. */
  address: string | null;
}

export interface GroupSpec {
  name: string;
  description: string;
}

export interface ProviderGroup {
  id: string;
  name: string;
  description: string | null;
  url: string | null;
}

export interface ProviderMember {
  remoteUserId: string;
  /** The role inside the group, or null where the target has none. */
  role: string | null;
}

export interface MemberSpec {
  remoteUserId: string;
  /** One of `memberRoles`, asked only where the integration's policy names one. */
  role?: string;
}

export type MemberOutcome = { remoteUserId: string; change: 'add' | 'remove' } & (
  { applied: true; role: string | null } | { applied: false; error: ProviderError }
);

/** What a credential may or may not do to groups. */
export type GroupWrite = 'create' | 'update' | 'delete' | 'add' | 'remove';

/** One line of a connection test. */
export interface DiagnosisCheck {
  /** Stable, in snake_case. */
  id: string;
  /** What is so when the check passes. */
  title: string;
  status: 'passed' | 'failed' | 'warning' | 'skipped';
  /** What was found, in one or two sentences; never holds a secret. */
  message: string;
  /** What a person has to do about it; null where there is nothing to do. */
  remedy: string | null;
  /** Stable code of what is wrong, like that of a `ProviderError`. */
  reason?: string;
  /** Failed for something that passes by itself, such as an outage: it tells nothing about the credential. */
  transient?: boolean;
  /** The account behind the credential, on the check that found it. */
  account?: RemoteAccount;
}

/** What one group of a snapshot is like in the target. */
export interface SnapshotGroup {
  name: string;
  /** Who was seen in it. */
  memberIds: ReadonlySet<string>;
  /** Whether everybody else, but for the snapshot's `unknownUserIds`, is known not to be in it. */
  membersComplete: boolean;
}

/**
 * Groups as they were while they were being read, which takes a while: what is seen was there, but absence may be concluded
 * only where this says so. Even then a list may have shifted unseen, so a removal is confirmed by `listMembers` first, and
 * that a group is gone by `getGroup`.
 */
export interface AccountSnapshot {
  /** Of the groups asked for: null where it is gone, absent where that could not be told. */
  groups: ReadonlyMap<string, SnapshotGroup | null>;
  /** Groups asked for that are there, as somebody is in them, and out of the credential's sight; absent from `groups`. */
  hidden: ReadonlySet<string>;
  /** Users whose groups the target did not tell: they may be in any group. */
  unknownUserIds: ReadonlySet<string>;
  /** E-mail address by user id, of everybody in the account; null where not everybody was read. */
  users: ReadonlyMap<string, string | null> | null;
  /** Whether every group asked for could be told, and all members of those that are there. */
  complete: { groups: boolean; members: boolean };
  /** Why it is not complete. */
  failures: readonly ProviderError[];
}

/** One account. Every method may throw `ProviderError` and nothing else, but for the signal's reason when aborted. */
export interface ProviderConnection {
  /** @returns null where the account cannot be told yet (nothing in it that names it) */
  account(context: CallContext): Promise<RemoteAccount | null>;
  /**
   * Matches by the `key` of the identity. With all identities the provider can choose the fewest calls. Where it has to
   * look for one person after the other, it answers for some within seconds and leaves the others out, to be asked for
   * again: what is known by then is the caller's to keep. It answers for somebody, or throws.
   */
  resolveUsers(
    identities: readonly UserIdentity[],
    context: CallContext,
    shown?: AddressesShown,
  ): Promise<Map<string, UserMatch>>;
  /** One person, by their id there; null where the target has none of it. An id that none of its people can have is nobody's. */
  getUser(remoteUserId: string, context: CallContext): Promise<ProviderUser | null>;
  /** The groups of these very names, compared by `groupNameKey`; the map's keys are such keys, absent where there is none. */
  findGroups(names: readonly string[], context: CallContext): Promise<Map<string, ProviderGroup>>;
  /** Null when it is gone. */
  getGroup(id: string, context: CallContext): Promise<ProviderGroup | null>;
  /**
   * Not idempotent: after an error whose outcome is `unknown` the caller looks the name up. For two minutes no other call has to
   * find what it made: that is the caller's to know, who outlives the connection.
   */
  createGroup(group: GroupSpec, context: CallContext): Promise<ProviderGroup>;
  updateGroup(id: string, change: Partial<GroupSpec>, context: CallContext): Promise<void>;
  /** @throws ProviderError GROUP_GONE where it is not there: whether it was deleted or is out of sight is told by a snapshot */
  deleteGroup(id: string, context: CallContext): Promise<void>;
  /**
   * Idempotent. Yields one outcome a person as it becomes known; removals of people who are not in the group succeed. Each
   * person is taken from the change only when it is their turn: whoever asks may leave some out until then, or end it by an
   * error, which is thrown. Nobody's own refusal ends it, however many follow each other.
   */
  changeMembers(
    groupId: string,
    change: { add: Iterable<MemberSpec>; remove: Iterable<string> },
    context: CallContext,
  ): AsyncIterable<MemberOutcome>;
  /**
   * Whether the credential may make this kind of write at all, or to the members of this group. Asked once several writes
   * were refused, to tell what is wrong with the credential from what is wrong with these groups or people. Whatever the
   * answer, nothing changes at the target.
   *
   * @param groupId only for `add` and `remove`
   * @returns null where the target does not tell
   */
  mayWrite(write: GroupWrite, groupId: string | null, context: CallContext): Promise<boolean | null>;
  /** Complete, or it throws: a caller may conclude absence from it. */
  listMembers(groupId: string, context: CallContext): Promise<ProviderMember[]>;
  /**
   * These groups with their members, in the fewest calls. What cannot be read to its end is left incomplete.
   * @throws ProviderError only where it concerns the whole account
   */
  snapshot(
    groupIds: ReadonlySet<string>,
    context: CallContext,
    shown?: AddressesShown,
  ): Promise<AccountSnapshot>;
  /**
   * Looks at everything that the account has to have, for a person who sets it up: the checks in their order, each as it
   * becomes known, one that hangs on a failed one as `skipped`. Always asks with a fresh token, which is not put into the
   * host's store, and asks wherever else the credential may belong (another region), so that it can be said. Changes nothing
   * at the target, and throws for nothing that the target says.
   */
  diagnose(context: CallContext): AsyncIterable<DiagnosisCheck>;
}
