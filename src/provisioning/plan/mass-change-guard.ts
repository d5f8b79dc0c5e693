import type { GuardPolicy } from '../../integrations/policies';

/** Over how long removals and deletions are counted. */
export const GUARD_WINDOW_MS = 60 * 60_000;

/** Removals of one team and of its integration, over the window. */
export interface RemovalCounts {
  /** Members of the team now. */
  teamMembers: number;
  /** Removed from the team in the window. */
  teamRemoved: number;
  /** Members of all teams of the integration now. */
  integrationMembers: number;
  integrationRemoved: number;
}

export type GuardScope = 'team' | 'integration';

/**
 * Whether so many removals on top of those of the last hour have to wait for an admin. Pure. A threshold of 0 is off.
 *
 * | scope       | held when, of the members at the window's start, the window removes          |
 * | ----------- | ---------------------------------------------------------------------------- |
 * | team        | more than `teamPercent` and at least `teamMembers`                           |
 * | team        | all, of three or more (unless `teamPercent` is off)                          |
 * | integration | more than `integrationPercent` and at least `integrationMembers`             |
 *
 * @returns the wider scope that is past its threshold, or null
 */
export function guardRemovals(
  policy: GuardPolicy,
  counts: RemovalCounts,
  removals: number,
): GuardScope | null {
  if (removals === 0) return null;
  const ofIntegration = counts.integrationRemoved + removals;
  const integrationStart = counts.integrationMembers + counts.integrationRemoved;
  if (
    isPast(policy.integrationPercent, ofIntegration, integrationStart) &&
    ofIntegration >= policy.integrationMembers
  ) {
    return 'integration';
  }
  const ofTeam = counts.teamRemoved + removals;
  const teamStart = counts.teamMembers + counts.teamRemoved;
  if (!isPast(policy.teamPercent, ofTeam, teamStart)) return null;
  const emptied = teamStart >= 3 && ofTeam >= teamStart;
  return ofTeam >= policy.teamMembers || emptied ? 'team' : null;
}

/** Whether one more deleted team has to wait: more than so many were deleted in the window. */
export function guardDeletion(policy: GuardPolicy, deletedInWindow: number): boolean {
  return policy.deletedTeams > 0 && deletedInWindow + 1 > policy.deletedTeams;
}

function isPast(percent: number, part: number, whole: number): boolean {
  return percent > 0 && part * 100 > whole * percent;
}
