import type { CallFilter } from '../call-log';
import type { FaultSpec } from '../faults';
import type { AccountAddress, NewApiKey, NewOAuthClient, NewTeam, NewUser, UserPatch } from '../api';
import {
  ASSOCIATION_KINDS,
  BASE_ROLES,
  DEFAULT_ROLES,
  REGIONS,
  TEAM_ROLES,
  type AccountLimits,
  type AssociationKind,
  type TeamRole,
} from '../state/records';
import { Fields, InputError } from './fields';

/** Parses the bodies of the control API. */

type Given<T> = { -readonly [K in keyof T]: T[K] };

function defined<T extends object>(object: { [K in keyof T]: T[K] | undefined }): Given<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Given<T>;
}

export function readAccount(fields: Fields): AccountAddress {
  return {
    subdomain: fields.requiredString('subdomain'),
    region: fields.oneOf('region', REGIONS) ?? 'us',
  };
}

export function readUserPatch(fields: Fields): UserPatch {
  return defined<UserPatch>({
    email: fields.string('email'),
    name: fields.string('name'),
    role: fields.oneOf('role', BASE_ROLES),
    jobTitle: fields.nullableString('jobTitle'),
    description: fields.nullableString('description'),
    timeZone: fields.string('timeZone'),
    invitationSent: fields.boolean('invitationSent'),
    createdViaSso: fields.boolean('createdViaSso'),
    billed: fields.boolean('billed'),
  });
}

export function readUser(fields: Fields): NewUser {
  return { ...readUserPatch(fields), email: fields.requiredString('email') };
}

const MOST_MADE_UP_USERS = 100_000;

/** One user, `{"users": […]}`, or `{"count": n}` generated users. */
export function readUsers(fields: Fields): NewUser | NewUser[] | number {
  const count = fields.integer('count', 1, MOST_MADE_UP_USERS);
  if (count !== undefined) return count;
  const users = fields.list('users');
  if (!users) return readUser(fields);
  return users.map((value, index) => {
    const user = new Fields(value, `users[${index}]`);
    const read = readUser(user);
    user.end();
    return read;
  });
}

export function readTeamPatch(fields: Fields): Partial<NewTeam> {
  return defined<Partial<NewTeam>>({
    name: fields.string('name'),
    description: fields.nullableString('description'),
    defaultRole: fields.oneOf('defaultRole', DEFAULT_ROLES),
  });
}

export function readTeam(fields: Fields): NewTeam {
  return { ...readTeamPatch(fields), name: fields.requiredString('name') };
}

export function readMember(fields: Fields): TeamRole | undefined {
  return fields.oneOf('role', TEAM_ROLES);
}

export function readAssociation(fields: Fields): { kind: AssociationKind; userIds?: string[] } {
  const kind = fields.oneOf('kind', ASSOCIATION_KINDS);
  if (kind === undefined) throw new InputError('kind', 'is required');
  const userIds = fields.strings('userIds');
  return userIds === undefined ? { kind } : { kind, userIds };
}

export function readClient(fields: Fields): NewOAuthClient {
  return defined<NewOAuthClient>({
    clientId: fields.string('clientId'),
    clientSecret: fields.string('clientSecret'),
    scopes: fields.strings('scopes'),
    subdomain: fields.string('subdomain'),
    region: fields.oneOf('region', REGIONS),
    refuseUnallowedScopes: fields.boolean('refuseUnallowedScopes'),
  });
}

export function readKey(fields: Fields): NewApiKey {
  return defined<NewApiKey>({
    kind: fields.oneOf('kind', ['account', 'user'] as const),
    readOnly: fields.boolean('readOnly'),
    userId: fields.string('userId'),
    key: fields.string('key'),
  });
}

export function readLimits(fields: Fields): Partial<AccountLimits> {
  const most = Number.MAX_SAFE_INTEGER;
  return defined<Partial<AccountLimits>>({
    membersPerTeam: fields.integer('membersPerTeam', 0, most),
    teamsPerUser: fields.integer('teamsPerUser', 0, most),
    teams: fields.integer('teams', 0, most),
  });
}

function pattern(field: string, source: string | undefined): RegExp | undefined {
  if (source === undefined) return undefined;
  try {
    return new RegExp(source);
  } catch {
    throw new InputError(field, 'must be a regular expression');
  }
}

/** `path` is a whole path; `pathPattern` is the source of a regular expression. */
export function readFault(fields: Fields): FaultSpec {
  const path = fields.string('path');
  const pathPattern = pattern('pathPattern', fields.string('pathPattern'));
  if (path !== undefined && pathPattern) throw new InputError('pathPattern', 'cannot go with path');
  return defined<FaultSpec>({
    method: fields.string('method'),
    path: path ?? pathPattern,
    account: fields.string('account'),
    status: fields.integer('status', 200, 599),
    body: fields.any('body'),
    contentType: fields.string('contentType'),
    headers: fields.record('headers', 'string', String),
    latencyMs: fields.number('latencyMs'),
    drop: fields.boolean('drop'),
    afterEffect: fields.boolean('afterEffect'),
    times: fields.number('times'),
    probability: fields.number('probability'),
    seed: fields.number('seed'),
  });
}

export interface Settings {
  readonly rateLimit?: number;
  readonly tokenLifetimeSeconds?: number;
  readonly creationLagMs?: number;
  readonly creationLagInLists?: boolean;
  readonly membershipReadLagMs?: number;
}

export function readSettings(fields: Fields): Settings {
  return defined<Settings>({
    rateLimit: fields.integer('rateLimit', 1, Number.MAX_SAFE_INTEGER),
    tokenLifetimeSeconds: fields.number('tokenLifetimeSeconds'),
    creationLagMs: fields.integer('creationLagMs', 0, 3_600_000),
    creationLagInLists: fields.boolean('creationLagInLists'),
    membershipReadLagMs: fields.integer('membershipReadLagMs', 0, 3_600_000),
  });
}

export function readCallFilter(query: URLSearchParams): CallFilter {
  const number = (name: string): number | undefined => {
    const value = query.get(name);
    if (value === null) return undefined;
    if (!/^\d{1,15}$/.test(value)) throw new InputError(name, 'must be a whole number');
    return Number(value);
  };
  for (const name of query.keys()) {
    if (!['method', 'path', 'pathPattern', 'status', 'afterSeq'].includes(name)) {
      throw new InputError(name, 'is not a parameter of this request');
    }
  }
  return defined<CallFilter>({
    method: query.get('method') ?? undefined,
    path: query.get('path') ?? pattern('pathPattern', query.get('pathPattern') ?? undefined),
    status: number('status'),
    afterSeq: number('afterSeq'),
  });
}
