/**
 * From how many removals and deletions within an hour on an admin has to agree. There are three thresholds: of one team, of the
 * integration, and of deleted teams. A 0 in any number of a threshold turns that one off.
 */
export interface GuardPolicy {
  teamPercent: number;
  teamMembers: number;
  integrationPercent: number;
  integrationMembers: number;
  deletedTeams: number;
}

/** What becomes of a team of the group's name that exists already: it is used, or blocks the group. */
export const EXISTING_TEAMS = ['adopt', 'fail'] as const;
export type ExistingTeams = (typeof EXISTING_TEAMS)[number];

/** What becomes of those whom people put into the team by hand since it is ours, and whom the IdP never wanted there. */
export const UNMANAGED_MEMBERS = ['keep', 'remove'] as const;
export type UnmanagedMembers = (typeof UNMANAGED_MEMBERS)[number];

/** What becomes of the team when the IdP deletes the group; an adopted team is never deleted but released. */
export const ON_GROUP_DELETE = ['delete', 'release', 'leave'] as const;
export type OnGroupDelete = (typeof ON_GROUP_DELETE)[number];

/** What Scimify may do to a target on its own; an integration states what differs from the defaults. */
export interface IntegrationPolicies {
  existingTeams: ExistingTeams;
  unmanagedMembers: UnmanagedMembers;
  /**
   * One of the provider's `memberRoles`, asked for whoever is added; null: the target chooses. Nobody who is in the team
   * already gets another one.
   */
  memberRole: string | null;
  onGroupDelete: OnGroupDelete;
  /** How often the target is looked at as a whole, from 15 minutes on. */
  reconcileEveryMinutes: number;
  guard: GuardPolicy;
}

export const DEFAULT_GUARD: GuardPolicy = {
  teamPercent: 50,
  teamMembers: 5,
  integrationPercent: 20,
  integrationMembers: 50,
  deletedTeams: 10,
};

export const DEFAULT_POLICIES: IntegrationPolicies = {
  existingTeams: 'adopt',
  unmanagedMembers: 'keep',
  memberRole: null,
  onGroupDelete: 'delete',
  reconcileEveryMinutes: 360,
  guard: DEFAULT_GUARD,
};

export type GivenPolicies = Partial<Omit<IntegrationPolicies, 'guard'>> & { guard?: Partial<GuardPolicy> };

/** What is left out or null keeps its default. */
export function withDefaults(given?: GivenPolicies | null): IntegrationPolicies {
  return {
    ...DEFAULT_POLICIES,
    ...stated(given ?? {}),
    guard: { ...DEFAULT_GUARD, ...stated(given?.guard ?? {}) },
  };
}

function stated<T extends object>(given: T): T {
  return Object.fromEntries(
    Object.entries(given as Record<string, unknown>).filter(
      ([, value]) => value !== undefined && value !== null,
    ),
  ) as T;
}
