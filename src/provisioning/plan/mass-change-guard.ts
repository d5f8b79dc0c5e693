import type { GuardPolicy } from '../../integrations/policies';
import type { HeldItemState } from '../guard/guard.entities';
import type { Obstacle } from './new-group';

/** Over how long removals and deletions are counted. */
export const GUARD_WINDOW_MS = 60 * 60_000;

/** Somebody who left the IdP waits so long for a decision before people are told. */
export const LEAVER_MAY_WAIT_MS = 24 * 60 * 60_000;

/** Members of one team and of its integration, and their removals over the window. */
export interface MemberCounts {
  /** Members of the team now. */
  teamMembers: number;
  /** Removed from the team in the window. */
  teamRemoved: number;
  /** Members of the team whose removal an admin has to agree to, or has agreed to, and which is not sent yet. */
  teamWaiting: number;
  /** The same of all teams of the integration; members as far as `membersToCount` says that they matter. */
  integrationMembers: number;
  integrationRemoved: number;
  /** But for those who wait since before the window, held by the threshold of their team. */
  integrationWaiting: number;
}

/** Everybody counts as a member but for those who joined with this very change: they were none before. */
export interface RemovalCounts extends MemberCounts {
  /** Who joined with this very change: without them the team might be left empty. */
  teamJoined: number;
  /** Of those alone who were there when the window began. */
  atStart: MemberCounts;
  starts: WindowStarts;
}

/** What decides about the deletion of one team. */
export interface DeletionCounts {
  /** Teams deleted in the window, and those whose deletion waits for an admin, or was approved and is not sent yet. */
  teamsDeleted: number;
  /** What holds removals from this very team; null where nothing does. */
  membersHeldBy: GuardScope | null;
}

/**
 * Since when somebody must have been a member to be one of those at the window's start. A team that was filled within the
 * window has none of them: it is measured by those who filled it.
 */
export interface WindowStarts {
  team: number;
  integration: number;
}

/** Removals that are looked at, and how many of them are of those who were there at the window's start. */
interface Removals {
  all: number;
  teamAtStart: number;
  integrationAtStart: number;
}

/** What is past its threshold. */
export type GuardScope = 'team' | 'integration' | 'deletions';

/**
 * Which threshold is past once so much more is removed on top of the last hour and of what waits. Pure. A threshold is off
 * where either of its numbers is 0: a 0 never makes the guard stricter.
 *
 * | scope       | past when, of the members at the window's start, the window removes          |
 * | ----------- | ---------------------------------------------------------------------------- |
 * | team        | more than `teamPercent` and at least `teamMembers`                           |
 * | team        | all, of three or more, and nobody came for them                              |
 * | integration | more than `integrationPercent` and at least `integrationMembers`             |
 *
 * The shares are taken twice: of those who were there at the window's start, so that nobody's removal becomes a small part
 * by additions that come before it; and of everybody, so that a team that came into being within the window is not emptied
 * either.
 *
 * Deletions of teams count for nothing here, nor do the members who go with them: they have a threshold of their own.
 *
 * @returns the widest scope that is past its threshold, or null
 */
function pastThreshold(
  policy: GuardPolicy,
  counts: RemovalCounts,
  { all, teamAtStart, integrationAtStart }: Removals,
): GuardScope | null {
  if (
    isIntegrationPast(policy, counts, all) ||
    isIntegrationPast(policy, counts.atStart, integrationAtStart)
  ) {
    return 'integration';
  }
  const ofTeam = ofTeamIn(counts, all);
  const isEmptied =
    ofTeam.start >= 3 &&
    ofTeam.removed >= ofTeam.start + counts.teamJoined &&
    policy.teamMembers > 0 &&
    isPast(policy.teamPercent, 1, ofTeam.removed, ofTeam.start);
  return isEmptied || isTeamPast(policy, counts, all) || isTeamPast(policy, counts.atStart, teamAtStart)
    ? 'team'
    : null;
}

function isIntegrationPast(policy: GuardPolicy, counts: MemberCounts, removals: number): boolean {
  const removed = counts.integrationRemoved + counts.integrationWaiting + removals;
  const start = counts.integrationMembers + counts.integrationRemoved;
  return isPast(policy.integrationPercent, policy.integrationMembers, removed, start);
}

/** So many members of the integration are enough to let so many removals go: more need not be counted. Pure. */
export function membersToCount(
  { integrationPercent, integrationMembers }: GuardPolicy,
  removals: number,
): number {
  if (integrationPercent === 0 || integrationMembers === 0 || removals < integrationMembers) return 0;
  return Math.ceil((removals * 100) / integrationPercent);
}

function isTeamPast(policy: GuardPolicy, counts: MemberCounts, removals: number): boolean {
  const { removed, start } = ofTeamIn(counts, removals);
  return isPast(policy.teamPercent, policy.teamMembers, removed, start);
}

function ofTeamIn(counts: MemberCounts, removals: number): { removed: number; start: number } {
  return {
    removed: counts.teamRemoved + counts.teamWaiting + removals,
    start: counts.teamMembers + counts.teamRemoved,
  };
}

/** Whether so many removals, of members at the window's start unless said otherwise, have to wait for an admin. Pure. */
export function guardRemovals(
  policy: GuardPolicy,
  counts: RemovalCounts,
  removals: number,
  { team = removals, integration = removals } = {},
): GuardScope | null {
  if (removals === 0) return null;
  return pastThreshold(policy, counts, { all: removals, teamAtStart: team, integrationAtStart: integration });
}

/**
 * Whether one more deletion of a team has to wait for an admin: null when it need not. Pure.
 *
 * | past when                                                                  | held by                   |
 * | -------------------------------------------------------------------------- | ------------------------- |
 * | more than `deletedTeams` teams are deleted in the window, or wait to be    | deletions                 |
 * | removals from this team are held: its deletion would make them all the same | what holds those removals |
 */
export function guardDeletion(
  { deletedTeams }: GuardPolicy,
  { teamsDeleted, membersHeldBy }: DeletionCounts,
): GuardScope | null {
  return deletedTeams > 0 && teamsDeleted + 1 > deletedTeams ? 'deletions' : membersHeldBy;
}

/** How many of these were there at the window's start. Pure. */
export function atStartAmong(
  ids: readonly string[],
  joinedAt: ReadonlyMap<string, number>,
  { team, integration }: WindowStarts,
): { team: number; integration: number } {
  const since = (start: number) => ids.filter((id) => (joinedAt.get(id) ?? 0) <= start).length;
  return { team: since(team), integration: since(integration) };
}

export const HELD: Obstacle = {
  reason: 'mass_change_held',
  message:
    'The identity provider removes so much at once that an admin has to agree first: approve or reject the held change.',
};

export const REJECTED: Obstacle = {
  reason: 'removal_rejected',
  message:
    'An admin rejected it. It stays undone until the identity provider changes its mind, or the pin is lifted.',
};

export interface ScreenedRemovals {
  /** May be carried out. */
  allowed: string[];
  /** Have to wait from now on. */
  held: string[];
  /** What is past its threshold. */
  scope: GuardScope | null;
}

/**
 * Which removals go on. Pure. Past a threshold everything of its scope that is not sent yet waits, but for what an admin
 * has approved; what is held or pinned already is neither allowed nor held again.
 *
 * @param states by removal, what was decided about it
 * @param joinedAt by removal, when they joined whom we added
 */
export function screenRemovals(
  policy: GuardPolicy,
  counts: RemovalCounts,
  states: ReadonlyMap<string, HeldItemState>,
  removals: readonly string[],
  joinedAt: ReadonlyMap<string, number>,
): ScreenedRemovals {
  const approved = removals.filter((id) => states.get(id) === 'approved');
  const fresh = removals.filter((id) => !states.has(id));
  const scope = guardRemovals(policy, counts, fresh.length, atStartAmong(fresh, joinedAt, counts.starts));
  return scope === null
    ? { allowed: [...approved, ...fresh], held: [], scope }
    : { allowed: approved, held: fresh, scope };
}

export interface ScreenedDeletion {
  /** Why it does not go on. */
  obstacle: Obstacle | null;
  /** What is past its threshold, for which it has to wait from now on. */
  scope: GuardScope | null;
}

/**
 * Whether the deletion of a team goes on. Pure.
 *
 * | decided about it | past a threshold | then                 |
 * | ---------------- | ---------------- | -------------------- |
 * | pinned           | -                | rejected             |
 * | held             | -                | held                 |
 * | approved         | -                | goes on              |
 * | nothing          | yes              | held from now on     |
 * | nothing          | no               | goes on              |
 *
 * @param counts asked for only where nothing was decided
 */
export async function screenDeletion(
  policy: GuardPolicy,
  state: HeldItemState | undefined,
  counts: () => Promise<DeletionCounts>,
): Promise<ScreenedDeletion> {
  switch (state) {
    case 'pinned':
      return { obstacle: REJECTED, scope: null };
    case 'held':
      return { obstacle: HELD, scope: null };
    case 'approved':
      return { obstacle: null, scope: null };
    case undefined: {
      const scope = guardDeletion(policy, await counts());
      return { obstacle: scope === null ? null : HELD, scope };
    }
  }
}

function isPast(percent: number, least: number, part: number, whole: number): boolean {
  return percent > 0 && least > 0 && part >= least && part * 100 > whole * percent;
}
