/** What the simulator remembers about users and teams. */

export const REGIONS = ['us', 'eu'] as const;
export type Region = (typeof REGIONS)[number];

/** `user.role` of PagerDuty's API: the base role in the account. */
export const BASE_ROLES = [
  'owner',
  'admin',
  'user',
  'limited_user',
  'observer',
  'restricted_access',
  'read_only_user',
  'read_only_limited_user',
] as const;
export type BaseRole = (typeof BASE_ROLES)[number];

export const TEAM_ROLES = ['observer', 'responder', 'manager'] as const;
export type TeamRole = (typeof TEAM_ROLES)[number];

/** Access of people who are *not* on the team; has nothing to do with the role of a new member. */
export const DEFAULT_ROLES = ['manager', 'none'] as const;
export type DefaultRole = (typeof DEFAULT_ROLES)[number];

/** What keeps a team from being deleted, worded as PagerDuty's refusal words it. */
export const ASSOCIATION_KINDS = ['Escalation Policies', 'Services', 'Schedules', 'Subteams'] as const;
export type AssociationKind = (typeof ASSOCIATION_KINDS)[number];

export interface UserRecord {
  readonly id: string;
  email: string;
  name: string;
  role: BaseRole;
  jobTitle: string | null;
  description: string | null;
  timeZone: string;
  invitationSent: boolean;
  createdViaSso: boolean;
  billed: boolean;
  readonly contactMethodId: string;
  readonly teamIds: Set<string>;
  orderKey: string;
  /** Name and address, in lower case. */
  searchText: string;
}

export interface TeamRecord {
  readonly id: string;
  name: string;
  description: string | null;
  defaultRole: DefaultRole;
  readonly members: Map<string, TeamRole>;
  /** The people on it (directly or through a schedule), by kind of association. */
  readonly associations: Map<AssociationKind, Set<string>>;
  /** When reads of a team created through the API begin to find it (epoch ms). */
  readonly visibleFrom: number;
  orderKey: string;
  searchText: string;
}

/** Caps of the account; a call beyond one is refused. */
export interface AccountLimits {
  membersPerTeam: number;
  teamsPerUser: number;
  teams: number;
}

/** A change asked for by hand (library or control API) that makes no sense in this account. */
export class StateError extends Error {
  constructor(
    readonly kind: 'unknown' | 'invalid',
    message: string,
  ) {
    super(message);
    this.name = 'StateError';
  }
}
