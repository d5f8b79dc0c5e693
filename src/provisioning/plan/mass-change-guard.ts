import type { GuardPolicy } from '../../integrations/policies';
import type { HeldItemState } from '../guard/guard.entities';
import type { Obstacle } from './new-group';

/** The window in which the guard counts removals and deletions. */
export const GUARD_WINDOW_MS = 60 * 60_000;

/** The removal of a leaver may wait this long for a decision before the admins are told. */
export const LEAVER_MAY_WAIT_MS = 24 * 60 * 60_000;

/** Members of one remote group and of its integration, and removals in the window. */
export interface MemberCounts {
  /** Current members of the remote group. */
  teamMembers: number;
  /** Removed from the remote group in the window. */
  teamRemoved: number;
  /** Members whose removal waits for an admin, or is approved and not sent yet. */
  teamWaiting: number;
  /** The same for all remote groups of the integration. Members are counted only up to `membersToCount`. */
  integrationMembers: number;
  integrationRemoved: number;
  /** Without the members held since before the window by the threshold of their own group. */
  integrationWaiting: number;
}

/** All members count, except the ones that join with this change: they were no members before. */
export interface RemovalCounts extends MemberCounts {
  /** How many join with this change. Without them the group might become empty. */
  teamJoined: number;
  /** The same counts, only of members from before the window. */
  atStart: MemberCounts;
  starts: WindowStarts;
}

/** The input of the decision about the deletion of one remote group. */
export interface DeletionCounts {
  /**
   * Remote groups that were deleted in the window, plus deletions that wait for an admin or are approved and not
   * sent yet.
   */
  teamsDeleted: number;
  /** The scope that holds removals from this remote group; null if none does. */
  membersHeldBy: GuardScope | null;
}

/**
 * A member counts as one from the window's start if it joined at or before this time. A group that was filled
 * within the window has no such members: then the first members that filled it count.
 */
export interface WindowStarts {
  team: number;
  integration: number;
}

/** Removals to decide about, and how many of them are of members from the window's start. */
interface Removals {
  all: number;
  teamAtStart: number;
  integrationAtStart: number;
}

/** A scope whose threshold is exceeded. */
export type GuardScope = 'team' | 'integration' | 'deletions';

/**
 * Which threshold is exceeded if these removals are added to those of the last hour and the waiting ones. Pure. A
 * threshold is off if either of its numbers is 0: a 0 never makes the guard stricter.
 *
 * | scope       | exceeded when, of the members at the window's start, the window removes |
 * | ----------- | ----------------------------------------------------------------------- |
 * | team        | more than `teamPercent` and at least `teamMembers`                      |
 * | team        | all of three or more, and none joined in their place                    |
 * | integration | more than `integrationPercent` and at least `integrationMembers`        |
 *
 * The guard computes each share twice. The share of the members at the window's start: additions right before a
 * removal cannot make it look small. The share of all members: a group that was filled within the window cannot be
 * emptied either.
 *
 * Deletions of remote groups and the members that go with them do not count here. Deletions have a threshold of
 * their own.
 *
 * @returns the widest scope whose threshold is exceeded, or null
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

/**
 * With this many members in the integration, this many removals stay below the threshold: no more need to be
 * counted. Pure.
 */
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

/**
 * Whether this many removals have to wait for an admin. By default they are all of members at the window's start.
 * Pure.
 */
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
 * Whether one more deletion of a remote group has to wait for an admin: null if not. Pure.
 *
 * | exceeded when                                                                | held by                   |
 * | ---------------------------------------------------------------------------- | ------------------------- |
 * | more than `deletedTeams` remote groups are deleted in the window, or waiting | deletions                 |
 * | removals from this remote group are held: its deletion would bypass the hold | what holds those removals |
 */
export function guardDeletion(
  { deletedTeams }: GuardPolicy,
  { teamsDeleted, membersHeldBy }: DeletionCounts,
): GuardScope | null {
  return deletedTeams > 0 && teamsDeleted + 1 > deletedTeams ? 'deletions' : membersHeldBy;
}

/** How many of these were members at the window's start. Pure. */
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
    'An admin rejected it, so Scimify does not do it. To allow it later, lift the decision: DELETE /held-changes/{id}.',
};

export interface ScreenedRemovals {
  /** The engine may carry these out. */
  allowed: string[];
  /** These wait for an admin from now on. */
  held: string[];
  /** The scope whose threshold is exceeded. */
  scope: GuardScope | null;
}

/**
 * Which removals go on. Pure. If a threshold is exceeded, all unsent removals of its scope wait, except the
 * approved ones. Removals that are already held or pinned are neither allowed nor held again.
 *
 * @param states by removal, what was decided about it
 * @param joinedAt by removal, when the engine added the member
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
  /** Why the deletion does not go on. */
  obstacle: Obstacle | null;
  /** The scope whose exceeded threshold makes the deletion wait from now on. */
  scope: GuardScope | null;
}

/**
 * Whether the deletion of a remote group goes on. Pure.
 *
 * | decision | threshold exceeded | then             |
 * | -------- | ------------------ | ---------------- |
 * | pinned   | -                  | rejected         |
 * | held     | -                  | held             |
 * | approved | -                  | goes on          |
 * | none     | yes                | held from now on |
 * | none     | no                 | goes on          |
 *
 * @param counts called only if there is no decision
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
