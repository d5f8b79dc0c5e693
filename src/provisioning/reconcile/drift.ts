import { EMAIL_DIFFERS, PINNED_ADDRESS_CHANGED } from '../plan/link-plan';
import { isUnmanaged } from '../plan/member-plan';
import type { RemoteMemberState } from '../state/remote-member.entity';

/** Differences between the target and the record, made by hand in the target. */
export const DRIFT_KINDS = [
  'team_renamed',
  'team_missing',
  'member_missing',
  'member_extra',
  EMAIL_DIFFERS,
  PINNED_ADDRESS_CHANGED,
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** One remote group as recorded. */
export interface KnownGroup {
  remoteName: string;
  members: ReadonlyMap<string, { state: RemoteMemberState; managed: boolean; preexisting: boolean }>;
  /** The remote users that the IdP wants as members, recorded as members or not. */
  wanted: ReadonlySet<string>;
}

/** The same group as the target shows it; null if it no longer exists. */
export interface SeenGroup {
  name: string;
  memberIds: ReadonlySet<string>;
  /** Whether the list is complete: every other remote user is no member. */
  membersComplete: boolean;
}

export interface GroupDrift {
  renamedTo: string | null;
  /** Members of ours that were removed by hand: the engine adds them back. */
  missing: string[];
  /** Unmanaged members that left, and members that were to leave anyway: no drift. */
  gone: string[];
  /** Members that we neither added nor knew. */
  extra: string[];
  /**
   * Members added by hand after the group became ours, still present, and not wanted by the IdP: reported as
   * drift.
   */
  unmanaged: string[];
}

/**
 * Compares the record of a group with what the target shows. Pure.
 *
 * | recorded as                | seen         | then                                            |
 * | -------------------------- | ------------ | ----------------------------------------------- |
 * | no member                  | yes          | extra; unmanaged unless wanted                  |
 * | present, managed, wanted   | no, complete | missing                                         |
 * | present, managed, unwanted | no, complete | gone: its removal was held, or is about to come |
 * | present, unmanaged         | no, complete | gone                                            |
 * | adding, removing           | yes or no    | nothing: a call of ours is open                 |
 * | any                        | not complete | nothing: a partial list never removes a member  |
 *
 * @param unknownUserIds remote users whose groups the target did not show
 */
export function driftOf(known: KnownGroup, seen: SeenGroup, unknownUserIds: ReadonlySet<string>): GroupDrift {
  const drift: GroupDrift = {
    renamedTo: seen.name === known.remoteName ? null : seen.name,
    missing: [],
    gone: [],
    extra: [...seen.memberIds].filter((id) => !known.members.has(id)),
    unmanaged: [],
  };
  // One by one: a single call may get too many arguments.
  for (const id of drift.extra) if (!known.wanted.has(id)) drift.unmanaged.push(id);
  for (const [id, member] of known.members) {
    const { state, managed } = member;
    if (isUnmanaged(member) && seen.memberIds.has(id) && !known.wanted.has(id)) drift.unmanaged.push(id);
    const absent = seen.membersComplete && !seen.memberIds.has(id) && !unknownUserIds.has(id);
    if (state === 'present' && absent)
      (managed && known.wanted.has(id) ? drift.missing : drift.gone).push(id);
  }
  return drift;
}

/**
 * The certain drift of a group that the engine writes to: missing members that it did not add a moment ago.
 * Everything else may be the state before a write of ours.
 *
 * @param members when we added each member last; epoch milliseconds, null if we never did
 * @param addedBefore epoch milliseconds; the target shows every member that was added before
 */
export function sureDrift(
  { missing }: GroupDrift,
  members: ReadonlyMap<string, { joinedAt: number | null }>,
  addedBefore: number,
): GroupDrift {
  const isSure = (id: string) => Number(members.get(id)?.joinedAt ?? 0) < addedBefore;
  return { renamedTo: null, missing: missing.filter(isSure), gone: [], extra: [], unmanaged: [] };
}

/** The largest share that may be missing and still count as deleted. */
const BELIEVED = { teams: 0.05, people: 0.5 };

/**
 * Whether so many are missing at once that the credential has probably lost access to them: more than three and
 * more than 5 % of the remote groups or half of the remote users, or all of two or more.
 */
export function visibilityLost(of: keyof typeof BELIEVED, missing: number, all: number): boolean {
  return missing > Math.max(3, all * BELIEVED[of]) || (all >= 2 && missing === all);
}
