import type { RemoteMemberState } from '../state/remote-member.entity';

/** One IdP user seen from one group. */
export interface Person {
  userId: string;
  /** In the group, active and not deleted: the IdP wants them in the team. */
  desired: boolean;
  /** How often in a row the team refused to take them. */
  refusals?: number;
  link: ResolvedLink | UnresolvedLink;
}

export interface ResolvedLink {
  kind: 'resolved';
  remoteUserId: string;
}

/** The target does not know whom the IdP means, or knows several. */
export interface UnresolvedLink {
  kind: 'unresolved';
  reason: string;
  message: string;
  /** Epoch milliseconds. */
  nextCheckAt: number;
}

/** What we know of one remote user in the team. */
export interface KnownMember {
  state: RemoteMemberState;
  managed: boolean;
  /** In the team before it was ours: never removed unless the IdP wanted them at some time. */
  preexisting: boolean;
  /** Is to leave once those have joined who are to join. */
  waitsToLeave?: boolean;
  /** The target has refused to let them go: they are in the team. */
  isKept?: boolean;
  /** How often in a row the call for them failed. */
  failures?: number;
}

export interface MemberPlanInput {
  people: readonly Person[];
  /** Remote users to look at beside those that the people are linked to. */
  remoteUserIds: readonly string[];
  /** Every remote user, among those concerned, whom active members of the group are linked to, with these members. */
  wanted: ReadonlyMap<string, readonly string[]>;
  known: ReadonlyMap<string, KnownMember>;
  /** Remote users whose IdP users are all inactive or deleted: they leave whatever else happens. */
  leavers: ReadonlySet<string>;
  /** What becomes of strangers. */
  unmanagedMembers: 'keep' | 'remove';
  /** How many more members the team takes. */
  room: number;
}

export interface MemberPlan {
  /** Remote users to be added, in the order of the people; those whose call failed before come last. */
  add: string[];
  /** Leavers first; but those whose call failed before come last. */
  remove: { remoteUserId: string; leaver: boolean }[];
  /** Desired and there already, or still: from now on ours to remove. */
  manage: string[];
  /** Desired people who cannot be added now. */
  park: ({ userId: string } & Omit<UnresolvedLink, 'kind'>)[];
  /** Wanted remote users for whom no place is left. */
  full: string[];
  /** People about whom nothing is waiting any more. */
  unpark: string[];
}

/** Why somebody whom nobody wants in the team any more is still in it. */
export const WAITS_FOR_ADDITIONS = 'waits_for_additions';

/** Why somebody for whom there is no place is not in the team. */
export function noPlaceMessage(membersPerGroup: number): string {
  return `The team has ${membersPerGroup} members, which is all that it takes. Split the group, or take people out of it.`;
}

/**
 * Who is to be added to a team and who removed. Pure: the same input gives the same plan, and the plan of a state that
 * the plan itself has reached is empty.
 *
 * | wanted | known as                  | then                                   |
 * | ------ | ------------------------- | -------------------------------------- |
 * | yes    | not in the team           | add, or full when no place is left     |
 * | yes    | adding, removing          | add (again: the last answer is open)   |
 * | yes    | removing, kept            | manage: they never left                |
 * | yes    | present, not managed      | manage: no call, it could reset a role |
 * | yes    | present, managed          | nothing                                |
 * | no     | not in the team           | nothing                                |
 * | no     | adding, removing          | remove (again)                         |
 * | no     | present, managed          | remove                                 |
 * | no     | present, preexisting      | nothing: never ours                    |
 * | no     | present, stranger         | nothing, or remove where the policy    |
 * |        |                           | says so                                |
 *
 * A stranger was put into the team by hand since it is ours. Their removal waits for additions like any other: nobody in
 * the IdP left.
 *
 * A desired person whom the target does not know is parked; whoever is not desired, or added, or there, is not.
 *
 * A call that fails may stop those after it, so one that keeps failing must not be in front of them each time.
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

/** Who is to leave the team because they left the IdP, in the order of the calls. Pure. */
export function leaversOf(input: MemberPlanInput): string[] {
  return planMembers(input)
    .remove.filter(({ leaver }) => leaver)
    .map(({ remoteUserId }) => remoteUserId);
}

/**
 * Who is to leave the team of a deleted group before it is let go: those who left the IdP, and those whose removal has begun.
 * Nobody is wanted in it. Pure.
 */
export function leavingDeletedGroup(input: MemberPlanInput): string[] {
  return planMembers({ ...input, wanted: new Map() })
    .remove.filter(
      ({ remoteUserId, leaver }) => leaver || input.known.get(remoteUserId)!.state === 'removing',
    )
    .map(({ remoteUserId }) => remoteUserId);
}

/** Of those who left the IdP, who were in the team before it was ours: a release, which leaves such people in, takes them out. Pure. */
export function leaversFromBefore(input: MemberPlanInput): string[] {
  return leaversOf(input).filter((remoteUserId) => input.known.get(remoteUserId)!.preexisting);
}

/** Whom people put into the team by hand since it is ours. */
export function isUnmanaged({ managed, preexisting }: Omit<KnownMember, 'state'>): boolean {
  return !managed && !preexisting;
}

function mayLeave(known: KnownMember, unmanagedMembers: MemberPlanInput['unmanagedMembers']): boolean {
  if (known.managed || known.state !== 'present') return true;
  return unmanagedMembers === 'remove' && isUnmanaged(known);
}
