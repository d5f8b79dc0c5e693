/** What the simulator stores about users and teams. */

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

/** Access of users who are *not* on the team. It does not decide the role of a new member. */
export const DEFAULT_ROLES = ['manager', 'none'] as const;
export type DefaultRole = (typeof DEFAULT_ROLES)[number];

/** A team with one of these cannot be deleted. The names are those in PagerDuty's error. */
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
  /** Kind of association → the users on it (directly or through a schedule). */
  readonly associations: Map<AssociationKind, Set<string>>;
  /** From this time (epoch ms) reads find a team created through the API. */
  readonly visibleFrom: number;
  orderKey: string;
  searchText: string;
}

/** Limits of the account. A call above a limit is refused. */
export interface AccountLimits {
  membersPerTeam: number;
  teamsPerUser: number;
  teams: number;
}

/** A change by library or control API that is not possible in this account. */
export class StateError extends Error {
  constructor(
    readonly kind: 'unknown' | 'invalid',
    message: string,
  ) {
    super(message);
    this.name = 'StateError';
  }
}
