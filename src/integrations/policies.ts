/**
 * Thresholds for removals and deletions within an hour. Beyond them an admin must approve. There is one threshold
 * for each team, one for the integration, and one for deleted teams. A 0 in any number of a threshold turns that
 * threshold off.
 */
export interface GuardPolicy {
  teamPercent: number;
  teamMembers: number;
  integrationPercent: number;
  integrationMembers: number;
  deletedTeams: number;
}

/** What happens if a team with the group's name exists: `adopt` uses it, `fail` blocks the group. */
export const EXISTING_TEAMS = ['adopt', 'fail'] as const;
export type ExistingTeams = (typeof EXISTING_TEAMS)[number];

/** What happens to members that were added by hand to a managed team, and that the IdP never assigned to it. */
export const UNMANAGED_MEMBERS = ['keep', 'remove'] as const;
export type UnmanagedMembers = (typeof UNMANAGED_MEMBERS)[number];

/** What happens to the team when the IdP deletes the group. `delete` only releases an adopted team. */
export const ON_GROUP_DELETE = ['delete', 'release', 'leave'] as const;
export type OnGroupDelete = (typeof ON_GROUP_DELETE)[number];

/** What Scimify may do in a target without asking. An integration states what differs from the defaults. */
export interface IntegrationPolicies {
  existingTeams: ExistingTeams;
  unmanagedMembers: UnmanagedMembers;
  /**
   * One of the provider's `memberRoles`, for each member that Scimify adds. Null: the target chooses. Existing
   * members keep their role.
   */
  memberRole: string | null;
  onGroupDelete: OnGroupDelete;
  /** Interval between full reconciliations. At least 15. */
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

/** Omitted and null fields get their default. */
export function withDefaults(given?: GivenPolicies | null): IntegrationPolicies {
  return {
    ...DEFAULT_POLICIES,
    ...definedFields(given ?? {}),
    guard: { ...DEFAULT_GUARD, ...definedFields(given?.guard ?? {}) },
  };
}

function definedFields<T extends object>(given: T): T {
  return Object.fromEntries(
    Object.entries(given as Record<string, unknown>).filter(
      ([, value]) => value !== undefined && value !== null,
    ),
  ) as T;
}
