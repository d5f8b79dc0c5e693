import { EMAIL_DIFFERS, PINNED_ADDRESS_CHANGED } from '../plan/link-plan';
import { isUnmanaged } from '../plan/member-plan';
import type { RemoteMemberState } from '../state/remote-member.entity';

/** What people changed in the target by hand, as it differs from what we know. */
export const DRIFT_KINDS = [
  'team_renamed',
  'team_missing',
  'member_missing',
  'member_extra',
  EMAIL_DIFFERS,
  PINNED_ADDRESS_CHANGED,
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** One remote group as we know it. */
export interface KnownGroup {
  remoteName: string;
  members: ReadonlyMap<string, { state: RemoteMemberState; managed: boolean; preexisting: boolean }>;
  /** Whom the IdP wants in it, whether or not they are known to be. */
  wanted: ReadonlySet<string>;
}

/** The same group as the target shows it; null where it is gone. */
export interface SeenGroup {
  name: string;
  memberIds: ReadonlySet<string>;
  /** Whether everybody else is known not to be in it. */
  membersComplete: boolean;
}

export interface GroupDrift {
  renamedTo: string | null;
  /** Ours, and taken out by hand: they are put back. */
  missing: string[];
  /** Strangers who left by themselves, and whoever was to leave anyway: nothing to be said. */
  gone: string[];
  /** In the team, not through us, and new to us. */
  extra: string[];
  /** Put into the team by hand since it is ours, still in it, and not wanted by the IdP: these are reported. */
  unmanaged: string[];
}

/**
 * Compares what we know of a group with what was seen of it. Pure.
 *
 * | known as                   | seen          | then                                             |
 * | -------------------------- | ------------- | ------------------------------------------------ |
 * | not in the team            | yes           | extra; a stranger unless wanted                  |
 * | present, managed, wanted   | no, complete  | missing                                          |
 * | present, managed, unwanted | no, complete  | gone: its removal was held, or is about to come  |
 * | present, unmanaged         | no, complete  | gone                                             |
 * | adding, removing           | whatever      | nothing: a call of ours is open                  |
 * | any                        | not complete  | nothing: partial knowledge never removes anybody |
 *
 * @param unknownUserIds people whose groups the target did not tell
 */
export function driftOf(known: KnownGroup, seen: SeenGroup, unknownUserIds: ReadonlySet<string>): GroupDrift {
  const drift: GroupDrift = {
    renamedTo: seen.name === known.remoteName ? null : seen.name,
    missing: [],
    gone: [],
    extra: [...seen.memberIds].filter((id) => !known.members.has(id)),
    unmanaged: [],
  };
  // One by one: as arguments of one call they may be too many.
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
 * What is sure of a group that is being written to: whoever is missing, and was not added a moment ago. All else may be what
 * the target showed before a write of ours.
 *
 * @param members when we added each of them last; epoch milliseconds, null where we never did
 * @param addedBefore epoch milliseconds; the target shows by now who was added before
 */
export function sureDrift(
  { missing }: GroupDrift,
  members: ReadonlyMap<string, { joinedAt: number | null }>,
  addedBefore: number,
): GroupDrift {
  const isSure = (id: string) => Number(members.get(id)?.joinedAt ?? 0) < addedBefore;
  return { renamedTo: null, missing: missing.filter(isSure), gone: [], extra: [], unmanaged: [] };
}

/** How large a part may be gone before nobody believes any more that it was deleted. */
const BELIEVED = { teams: 0.05, people: 0.5 };

/**
 * Whether so many are gone at once that the credential has lost sight of them, rather than that they were deleted: more
 * than three and more than 5 % of the teams or half of the people, or all of two or more.
 */
export function visibilityLost(of: keyof typeof BELIEVED, missing: number, all: number): boolean {
  return missing > Math.max(3, all * BELIEVED[of]) || (all >= 2 && missing === all);
}
