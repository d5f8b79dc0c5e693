import type { ProviderError, SettingsProblem } from './provider-error';

/** One kind of target. Stateless; everything about one account lives in the connection. */
export interface IntegrationProvider<S extends object = object> {
  /** Stored with every integration, never renamed: `pagerduty`. */
  readonly type: string;
  readonly description: ProviderDescription;
  readonly limits: ProviderLimits;
  /**
   * SCIM user attributes that `resolveUsers` needs beside the e-mail address, named as in RFC 7644 §3.10 and
   * spelled as in /Schemas (`nickName`, `name.familyName`,
   * `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber`). When one of them changes, the
   * engine looks the user up again. Ten at most. A new attribute reaches the provider for an existing user with
   * that user's next change.
   */
  readonly userAttributes: readonly string[];
  /**
   * Names that the target treats as equal have equal keys. An integration takes only one of several groups with
   * equal keys. The key of a name of 256 characters has at most 1,100 bytes. It is stored, so the key of a name
   * never changes.
   */
  groupNameKey(name: string): string;
  /** The name as the target stores it. The engine sends it and compares it with the name that the target shows. */
  keptGroupName(name: string): string;
  /**
   * The engine reads one setting, the text `groupDescription`. It is the description of each group that the engine
   * creates, with `{tenant_id}`, `{group_name}` and `{integration_name}` filled in. There is a default.
   *
   * @throws SettingsError naming each wrong field
   */
  parseSettings(input: unknown): S;
  /** Problems of a secret for these settings, found without sending it. Empty when the secret may be right. */
  checkSecret(settings: S, secret: string): SettingsProblem[];
  /**
   * Integrations with equal keys share one token and one rate budget. Contains the secret, so the host hashes it.
   */
  credentialKey(settings: S, secret: string): string;
  connect(account: { settings: S; secret: string }, host: ConnectionHost): ProviderConnection;
}

export interface ProviderDescription {
  displayName: string;
  authMethods: readonly { id: string; title: string; description: string }[];
  /** JSON Schema (2020-12) of `settings`. */
  settingsSchema: Record<string, unknown>;
  /** Roles inside a group that the policy `memberRole` may name; empty when the target has none. */
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
 * What the host gives to a connection. All integrations with the same credential share one host. A provider may
 * cache look-ups by host, weakly: a new host means that the old cache is no longer valid.
 */
export interface ConnectionHost {
  readonly budget: RateBudget;
  readonly tokens: TokenStore;
  readonly slots: CallSlots;
}

/** Limits the calls in flight of one credential to `parallelCalls` of its provider. */
export interface CallSlots {
  /**
   * Runs the call when a slot for its priority is free. The most urgent waiting call comes first.
   * @throws the signal's reason when aborted while waiting
   */
  use<T>(context: Pick<CallContext, 'signal' | 'priority'>, call: () => Promise<T>): Promise<T>;
  /** Allows only one call at a time for this long: the target said that concurrent writes conflict. */
  serialise(ms: number): void;
}

/** The rate limit of one credential, shared by everything that uses it. */
export interface RateBudget {
  /**
   * Resolves when the next call may be sent. The most urgent waiting call comes first.
   * @throws the signal's reason when aborted meanwhile
   */
  acquire(context: CallContext): Promise<void>;
  /**
   * Takes the rate limit that came with a response: `remaining` of `limit` calls until `resetMs` from now.
   * @param sentAt `performance.now()` at the sending: responses arrive out of order, and an older one counts less
   */
  observe(reading: { limit: number; remaining: number; resetMs: number }, sentAt?: number): void;
  /** A call that `acquire` admitted is over, with or without a response. Called once for each, after `observe`. */
  ended(context: CallContext): void;
  /** The target refused a call for its rate: no call is sent for this long. */
  pause(ms: number): void;
  /** For display only; null until the target has told its limit. */
  reading(): { limit: number; remaining: number } | null;
}

/** Access tokens of one credential. */
export interface TokenStore {
  /** The stored token, or a new one from `mint`, which runs once for all callers that ask at the same time. */
  get(mint: () => Promise<AccessToken>): Promise<AccessToken>;
  /** Forgets this token (not a newer one), so that the next `get` mints a new one. */
  drop(token: AccessToken): void;
}

export interface AccessToken {
  value: string;
  /** Epoch milliseconds. */
  expiresAt: number;
}

/**
 * Most urgent first. `leaver`: a user has left and may still be paged. `interactive`: a person waits for the
 * change. `push`: one of many small groups that the IdP pushes together. `bulk`: a large change, where one more
 * call makes no difference. `reconcile`: a check of everything. A later priority waits as long as an earlier one
 * has calls.
 */
export const CALL_PRIORITIES = ['leaver', 'interactive', 'push', 'bulk', 'reconcile'] as const;
export type CallPriority = (typeof CALL_PRIORITIES)[number];

/** Passed with every call. */
export interface CallContext {
  signal: AbortSignal;
  priority: CallPriority;
  /** Runs right before each call is sent. Throws once the caller may no longer write to the target. */
  assertMaySend(): void;
}

/** The account behind a credential. */
export interface RemoteAccount {
  /** Two connections with equal identities reach the same account. */
  identity: string;
  name: string;
  url: string;
}

/** A user as the IdP knows them. The provider matches by what its target knows. */
export interface UserIdentity {
  /** The caller's own key; the result uses it. */
  key: string;
  email: string | null;
  userName: string;
  externalId: string | null;
  /** Values of the provider's `userAttributes`; a value longer than 1,000 characters as JSON is left out. */
  attributes: Readonly<Record<string, unknown>>;
  /**
   * The connection may answer from its cache if it asked the target less than this many milliseconds ago; 0 forces
   * a new request. Without it the connection decides.
   */
  maxAgeMs?: number;
}

export type UserMatch =
  | { kind: 'resolved'; remoteUserId: string }
  | { kind: 'not-found'; message: string }
  | { kind: 'ambiguous'; message: string }
  /** The target refuses to look up this one user. An error that stops every look-up is thrown instead. */
  | { kind: 'refused'; error: ProviderError };

/**
 * Receives remote users that the target returns in passing: by user id, the address by which `resolveUsers` finds
 * the user. Users that it finds by something else are left out.
 */
export type AddressesShown = (addresses: ReadonlyMap<string, string>) => void;

export interface ProviderUser {
  /** The address by which `resolveUsers` finds the user; null when it uses something else. */
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
  /** The role inside the group, or null when the target has none. */
  role: string | null;
}

export interface MemberSpec {
  remoteUserId: string;
  /** One of `memberRoles`; set only when the integration's policy names one. */
  role?: string;
}

export type MemberOutcome = { remoteUserId: string; change: 'add' | 'remove' } & (
  { applied: true; role: string | null } | { applied: false; error: ProviderError }
);

/** A kind of write that a credential may or may not be allowed to make. */
export type GroupWrite = 'create' | 'update' | 'delete' | 'add' | 'remove';

/** One line of a connection test. */
export interface DiagnosisCheck {
  /** Stable, in snake_case. */
  id: string;
  /** The fact that holds when the check passes. */
  title: string;
  status: 'passed' | 'failed' | 'warning' | 'skipped';
  /** What the check found, in one or two sentences; never holds a secret. */
  message: string;
  /** What a person has to do; null when there is nothing to do. */
  remedy: string | null;
  /** Stable code of the problem, like that of a `ProviderError`. */
  reason?: string;
  /** The cause passes by itself, e.g. an outage: the failure says nothing about the credential. */
  transient?: boolean;
  /** The account behind the credential, on the check that found it. */
  account?: RemoteAccount;
}

/** State of one remote group in a snapshot. */
export interface SnapshotGroup {
  name: string;
  /** The members that were seen. */
  memberIds: ReadonlySet<string>;
  /** Whether all other users, except the snapshot's `unknownUserIds`, are known not to be members. */
  membersComplete: boolean;
}

/**
 * Remote groups as they were during the read, which takes a while. What was seen existed. A caller may conclude
 * absence only where the snapshot says so. Even then a list may have shifted unseen. So the caller first confirms
 * a removal with `listMembers`, and the absence of a group with `getGroup`.
 */
export interface AccountSnapshot {
  /** The requested groups: null when the group is gone, absent when that is not known. */
  groups: ReadonlyMap<string, SnapshotGroup | null>;
  /** Requested groups that have members, but that the credential cannot see; absent from `groups`. */
  hidden: ReadonlySet<string>;
  /** Users whose groups the target did not return: they may be in any group. */
  unknownUserIds: ReadonlySet<string>;
  /** E-mail address by user id, for all users of the account; null when not all users were read. */
  users: ReadonlyMap<string, string | null> | null;
  /** Whether the state of every requested group is known, and all members of those that exist. */
  complete: { groups: boolean; members: boolean };
  /** Why it is not complete. */
  failures: readonly ProviderError[];
}

/** One account. Methods throw `ProviderError` and nothing else, except the signal's reason when aborted. */
export interface ProviderConnection {
  /** @returns null when the account is not known yet (it contains nothing that names it) */
  account(context: CallContext): Promise<RemoteAccount | null>;
  /**
   * Returns matches by the `key` of the identity. With all identities the provider can choose the fewest calls. If
   * it has to look up one user after the other, it answers for some within seconds and leaves the others out. The
   * caller keeps these answers and asks again for the others. The provider answers for at least one user, or
   * throws.
   */
  resolveUsers(
    identities: readonly UserIdentity[],
    context: CallContext,
    shown?: AddressesShown,
  ): Promise<Map<string, UserMatch>>;
  /** One remote user by id; null when the target has no user with this id, also when no id has that form. */
  getUser(remoteUserId: string, context: CallContext): Promise<ProviderUser | null>;
  /** Groups with exactly these names, by `groupNameKey`. A key without a group is absent. */
  findGroups(names: readonly string[], context: CallContext): Promise<Map<string, ProviderGroup>>;
  /** Null when the group is gone. */
  getGroup(id: string, context: CallContext): Promise<ProviderGroup | null>;
  /**
   * Not idempotent: after an error whose outcome is `unknown` the caller looks the name up. For two minutes other
   * calls may not find the new group. The caller has to remember that, because it outlives the connection.
   */
  createGroup(group: GroupSpec, context: CallContext): Promise<ProviderGroup>;
  updateGroup(id: string, change: Partial<GroupSpec>, context: CallContext): Promise<void>;
  /** @throws ProviderError GROUP_GONE when it is not found; a snapshot tells whether it is deleted or hidden */
  deleteGroup(id: string, context: CallContext): Promise<void>;
  /**
   * Idempotent. Yields one outcome per user as soon as it is known. Removing a user who is not a member succeeds.
   * Each user is taken from `change` only when it is their turn. Until then the caller may leave users out, or end
   * the run with an error, which is thrown. Refusals of single users never end the run, however many follow each
   * other.
   */
  changeMembers(
    groupId: string,
    change: { add: Iterable<MemberSpec>; remove: Iterable<string> },
    context: CallContext,
  ): AsyncIterable<MemberOutcome>;
  /**
   * Whether the credential may make this kind of write at all, or to the members of this group. The engine asks
   * after several refused writes, to tell a problem of the credential from a problem of these groups or users.
   * Changes nothing at the target, whatever the answer.
   *
   * @param groupId only for `add` and `remove`
   * @returns null when the target does not tell
   */
  mayWrite(write: GroupWrite, groupId: string | null, context: CallContext): Promise<boolean | null>;
  /** Returns all members or throws, so a caller may conclude absence. */
  listMembers(groupId: string, context: CallContext): Promise<ProviderMember[]>;
  /**
   * These groups with their members, in the fewest calls. What cannot be read completely is marked as incomplete.
   * @throws ProviderError only when it concerns the whole account
   */
  snapshot(
    groupIds: ReadonlySet<string>,
    context: CallContext,
    shown?: AddressesShown,
  ): Promise<AccountSnapshot>;
  /**
   * Checks everything that an integration needs in the account, for the person who sets it up. Yields the checks
   * in order, each as soon as it is known. A check that depends on a failed one is `skipped`. Always uses a fresh
   * token and keeps it out of the host's store. Also tries where else the credential may belong (another region),
   * to be able to say so. Changes nothing at the target, and throws for no answer of the target.
   */
  diagnose(context: CallContext): AsyncIterable<DiagnosisCheck>;
}
