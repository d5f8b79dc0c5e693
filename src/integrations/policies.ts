/** From how many removals and deletions within an hour on an admin has to agree; 0 turns a threshold off. */
export interface GuardPolicy {
  teamPercent: number;
  teamMembers: number;
  integrationPercent: number;
  integrationMembers: number;
  deletedTeams: number;
}

/** What Scimify may do to a target on its own; an integration states what differs from the defaults. */
export interface IntegrationPolicies {
  /** A team of the group's name that exists already: use it, or block the group. */
  existingTeams: 'adopt' | 'fail';
  /** What becomes of the team when the IdP deletes the group; an adopted team is never deleted but released. */
  onGroupDelete: 'delete' | 'release' | 'leave';
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

const DEFAULT_POLICIES: IntegrationPolicies = {
  existingTeams: 'adopt',
  onGroupDelete: 'delete',
  reconcileEveryMinutes: 360,
  guard: DEFAULT_GUARD,
};

export type GivenPolicies = Partial<Omit<IntegrationPolicies, 'guard'>> & { guard?: Partial<GuardPolicy> };

/** What is left out or undefined keeps its default. */
export function withDefaults(given: GivenPolicies = {}): IntegrationPolicies {
  return {
    ...DEFAULT_POLICIES,
    ...defined(given),
    guard: { ...DEFAULT_GUARD, ...defined(given.guard ?? {}) },
  };
}

function defined<T extends object>(given: T): T {
  return Object.fromEntries(
    Object.entries(given as Record<string, unknown>).filter(([, value]) => value !== undefined),
  ) as T;
}
