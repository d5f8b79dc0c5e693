import type { RemoteMemberState } from '../state/remote-member.entity';

/** One IdP user seen from one group. */
export interface Person {
  userId: string;
  /** An active member of the group that is not deleted: the IdP wants the user in the remote group. */
  desired: boolean;
  /** How many times in a row the target refused to add the user. */
  refusals?: number;
  link: ResolvedLink | UnresolvedLink;
}

export interface ResolvedLink {
  kind: 'resolved';
  remoteUserId: string;
}

/** The target has no matching remote user, or several. */
export interface UnresolvedLink {
  kind: 'unresolved';
  reason: string;
  message: string;
  /** Epoch milliseconds. */
  nextCheckAt: number;
}

/** What is recorded of one remote user in the remote group. */
export interface KnownMember {
  state: RemoteMemberState;
  managed: boolean;
  /** A member from before the group was adopted: removed only if the IdP wanted the user at some time. */
  preexisting: boolean;
  /** The removal waits for the additions. */
  waitsToLeave?: boolean;
  /** The target refused the removal, so the remote user is still a member. */
  isKept?: boolean;
  /** How many times in a row the call for this remote user failed. */
  failures?: number;
}

export interface MemberPlanInput {
  people: readonly Person[];
  /** Remote users to look at in addition to the ones linked to `people`. */
  remoteUserIds: readonly string[];
  /** The concerned remote users that active members of the group are linked to, each with these members. */
  wanted: ReadonlyMap<string, readonly string[]>;
  known: ReadonlyMap<string, KnownMember>;
  /** Remote users whose linked IdP users are all inactive or deleted: they leave in any case. */
  leavers: ReadonlySet<string>;
  /** What happens to unmanaged members. */
  unmanagedMembers: 'keep' | 'remove';
  /** How many more members the remote group can take. */
  room: number;
}

export interface MemberPlan {
  /** Remote users to add, in the order of `people`. The ones with a failed call come last. */
  add: string[];
  /** Leavers first. The ones with a failed call come last. */
  remove: { remoteUserId: string; leaver: boolean }[];
  /** Desired and already (or still) a member. From now on the engine may remove them. */
  manage: string[];
  /** Desired users that cannot be added now. */
  park: ({ userId: string } & Omit<UnresolvedLink, 'kind'>)[];
  /** Wanted remote users without a free place. */
  full: string[];
  /** Users that no longer wait for anything. */
  unpark: string[];
}

/** The reason of a removal that waits for the additions of the same change. */
export const WAITS_FOR_ADDITIONS = 'waits_for_additions';

/** Why a wanted user without a free place is not a member. */
export function noPlaceMessage(membersPerGroup: number): string {
  return `The team has ${membersPerGroup} members, which is the maximum. Split the group, or remove members from it.`;
}

/**
 * Which remote users to add to a remote group, and which to remove. Pure: the same input gives the same plan, and
 * the plan for a state that the plan itself has reached is empty.
 *
 * | wanted | known as             | then                                     |
 * | ------ | -------------------- | ---------------------------------------- |
 * | yes    | no member            | add, or full when no place is left       |
 * | yes    | adding, removing     | add (again: the last answer is open)     |
 * | yes    | removing, kept       | manage: still a member                   |
 * | yes    | present, not managed | manage: no call, it could reset a role   |
 * | yes    | present, managed     | nothing                                  |
 * | no     | no member            | nothing                                  |
 * | no     | adding, removing     | remove (again)                           |
 * | no     | present, managed     | remove                                   |
 * | no     | present, preexisting | nothing: never ours                      |
 * | no     | present, unmanaged   | nothing, or remove if the policy says so |
 *
 * An unmanaged member was added in the target by hand after the group became ours. Its removal waits for additions
 * like any other removal: no IdP user has left.
 *
 * The plan parks a desired user without a remote user. It unparks every other user: not desired, to be added, or
 * already a member.
 *
 * A failing call may stop the calls after it, so a call that keeps failing must not come first each time.
 */
export function planMembers(input: MemberPlanInput): MemberPlan {
  const plan: MemberPlan = { add: [], remove: [], manage: [], park: [], full: [], unpark: [] };
  let room = input.room;
  const decided = new Set<string>();

  const decide = (remoteUserId: string): void => {
    if (decided.has(remoteUserId)) return;
    decided.add(remoteUserId);
    const known = input.known.get(remoteUserId);
    if (input.wanted.has(remoteUserId)) {
      if (known?.state === 'present' || known?.isKept) {
        if (!known.managed || known.isKept) plan.manage.push(remoteUserId);
      } else if (known || room > 0) {
        plan.add.push(remoteUserId);
        if (!known) room -= 1;
      } else {
        plan.full.push(remoteUserId);
      }
    } else if (known && mayLeave(known, input.unmanagedMembers)) {
      const leaver = !isUnmanaged(known) && input.leavers.has(remoteUserId);
      plan.remove.push({ remoteUserId, leaver });
    }
  };

  const refusalsOf = new Map<string, number>();
  for (const { userId, desired, link, refusals } of input.people) {
    if (link.kind === 'resolved' && refusals) refusalsOf.set(link.remoteUserId, refusals);
    if (link.kind === 'resolved') decide(link.remoteUserId);
    if (desired && link.kind === 'unresolved') {
      plan.park.push({ userId, reason: link.reason, message: link.message, nextCheckAt: link.nextCheckAt });
    } else if (!desired || (link.kind === 'resolved' && !plan.full.includes(link.remoteUserId))) {
      plan.unpark.push(userId);
    }
  }
  for (const remoteUserId of input.remoteUserIds) decide(remoteUserId);
  const failuresOf = (remoteUserId: string): number =>
    input.known.get(remoteUserId)?.failures ?? refusalsOf.get(remoteUserId) ?? 0;
  plan.add.sort((a, b) => failuresOf(a) - failuresOf(b));
  plan.remove.sort(
    (a, b) => failuresOf(a.remoteUserId) - failuresOf(b.remoteUserId) || Number(b.leaver) - Number(a.leaver),
  );
  return plan;
}

/** The remote users that leave the remote group because their IdP users left, in the order of the calls. Pure. */
export function leaversOf(input: MemberPlanInput): string[] {
  return planMembers(input)
    .remove.filter(({ leaver }) => leaver)
    .map(({ remoteUserId }) => remoteUserId);
}

/**
 * The remote users to remove from the remote group of a deleted group before its release or deletion: leavers, and
 * members whose removal has already started. The plan wants no member in it. Pure.
 */
export function leavingDeletedGroup(input: MemberPlanInput): string[] {
  return planMembers({ ...input, wanted: new Map() })
    .remove.filter(
      ({ remoteUserId, leaver }) => leaver || input.known.get(remoteUserId)!.state === 'removing',
    )
    .map(({ remoteUserId }) => remoteUserId);
}

/**
 * The leavers that were members before the group was adopted. A release normally keeps such members, but it
 * removes these. Pure.
 */
export function leaversFromBefore(input: MemberPlanInput): string[] {
  return leaversOf(input).filter((remoteUserId) => input.known.get(remoteUserId)!.preexisting);
}

/** A member that an admin added in the target by hand after the group became ours. */
export function isUnmanaged({ managed, preexisting }: Omit<KnownMember, 'state'>): boolean {
  return !managed && !preexisting;
}

function mayLeave(known: KnownMember, unmanagedMembers: MemberPlanInput['unmanagedMembers']): boolean {
  if (known.managed || known.state !== 'present') return true;
  return unmanagedMembers === 'remove' && isUnmanaged(known);
}
