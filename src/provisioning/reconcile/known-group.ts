import { PAUSES_IN_TRANSACTION, keysetSlices } from '../../database/keyset-slices';
import type { Transaction } from '../../database/transaction-runner';
import type { RemoteMemberState } from '../state/remote-member.entity';
import type { KnownGroup } from './drift';

interface RecordedMember {
  state: RemoteMemberState;
  managed: boolean;
  preexisting: boolean;
  /** When we added the member last; epoch milliseconds, null if we never did. */
  joinedAt: number | null;
}

/** One remote group as recorded. */
export interface RecordedGroup extends KnownGroup {
  members: ReadonlyMap<string, RecordedMember>;
}

/** The record of a group, to compare with what the target shows. */
export async function knownGroup(
  tx: Transaction,
  group: { id: string; groupId: string; remoteName: string },
): Promise<RecordedGroup> {
  return {
    remoteName: group.remoteName,
    members: await knownMembers(tx, group.id),
    wanted: await wantedMembers(tx, group.groupId),
  };
}

type MemberRow = { remoteUserId: string; managed: number; preexisting: number } & Pick<
  RecordedMember,
  'state' | 'joinedAt'
>;

async function knownMembers(
  tx: Transaction,
  remoteGroupId: string,
): Promise<ReadonlyMap<string, RecordedMember>> {
  const known = new Map<string, RecordedMember>();
  const slices = keysetSlices<MemberRow>(PAUSES_IN_TRANSACTION, (last, limit) =>
    tx.query(
      `SELECT remoteUserId, state, managed, preexisting, joinedAt FROM remote_member
       WHERE remoteGroupId = ? AND remoteUserId > ? ORDER BY remoteUserId LIMIT ?`,
      [remoteGroupId, last?.remoteUserId ?? '', limit],
    ),
  );
  for await (const rows of slices) {
    for (const { remoteUserId, managed, preexisting, ...row } of rows) {
      known.set(remoteUserId, { ...row, managed: Boolean(managed), preexisting: Boolean(preexisting) });
    }
  }
  return known;
}

/**
 * The remote users that active members of the group are linked to, recorded as members or not: an admin may add
 * one by hand that the target refused.
 */
async function wantedMembers(tx: Transaction, groupId: string): Promise<KnownGroup['wanted']> {
  const wanted = new Set<string>();
  type Member = { userId: string; remoteUserId: string | null; active: number };
  const slices = keysetSlices<Member>(PAUSES_IN_TRANSACTION, (last, limit) =>
    tx.query(
      `SELECT m.userId AS userId, u.active AS active, r.remoteUserId AS remoteUserId
       FROM (SELECT userId FROM group_member WHERE groupId = ? AND userId > ? ORDER BY userId LIMIT ?) m
       LEFT JOIN scim_user u ON u.id = m.userId
       LEFT JOIN remote_user r ON r.userId = m.userId ORDER BY m.userId`,
      [groupId, last?.userId ?? '', limit],
    ),
  );
  for await (const members of slices) {
    for (const { remoteUserId, active } of members) {
      if (remoteUserId !== null && Boolean(active)) wanted.add(remoteUserId);
    }
  }
  return wanted;
}
