import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { type CountedSlice, type Pauses, countedSlices } from '../../database/keyset-slices';

const MEMBERSHIPS_AT_ONCE = 500;

export interface MemberCounts {
  /** Active members. */
  desired: number;
  /** How many of them are in the remote group. */
  applied: number;
}

/** Wanted and actual members of one group. */
export interface GroupMemberCounts extends MemberCounts {
  /** Members through us: active members of the group, and members that are about to leave. */
  applied: number;
  /** Members that have not joined or left yet. */
  pending: number;
}

export interface CountedGroup {
  groupId: string;
  remoteGroupId: string | null;
  /** False for a group that is deleted: it wants no members. */
  isWanted: boolean;
  isSynced: boolean;
}

interface GroupSlice extends CountedSlice, MemberCounts {
  groupId: string;
  last: string;
  deletedAt: number | null;
}

/** Counts wanted and actual members: membership by membership, some hundreds per statement. */
@Injectable()
export class MembershipCounts {
  constructor(@InjectDataSource() private readonly reader: DataSource) {}

  async ofGroup(
    pauses: Pauses,
    integrationId: string,
    { groupId, remoteGroupId, isWanted, isSynced }: CountedGroup,
  ): Promise<GroupMemberCounts> {
    const counts = { desired: 0, applied: 0 };
    if (isWanted) await this.addGroup(counts, pauses, integrationId, groupId, '');
    const leaving =
      remoteGroupId === null || isSynced
        ? 0
        : await this.leaving(pauses, integrationId, isWanted ? groupId : null, remoteGroupId);
    const { desired, applied } = counts;
    return { desired, applied: applied + leaving, pending: desired - applied + leaving };
  }

  /** Counts over all live groups. */
  async ofIntegration(pauses: Pauses, integrationId: string): Promise<MemberCounts> {
    const counts = { desired: 0, applied: 0 };
    for (let after = ''; ;) {
      const groups = await this.reader.query<GroupSlice[]>(
        slicesOf('groupId > ? ORDER BY groupId, userId LIMIT ?'),
        [integrationId, after, MEMBERSHIPS_AT_ONCE],
      );
      if (pauses.isOver) await pauses.next();
      for (const group of groups) if (group.deletedAt === null) add(counts, group);
      const read = groups.reduce((sum, { counted }) => sum + Number(counted), 0);
      if (read < MEMBERSHIPS_AT_ONCE) return counts;
      // The last group may continue after this slice.
      const { groupId, last, deletedAt } = groups.at(-1)!;
      if (deletedAt === null) await this.addGroup(counts, pauses, integrationId, groupId, last);
      after = groupId;
    }
  }

  /**
   * Members through us that the IdP does not want.
   *
   * @param groupId null if the IdP wants no members
   */
  private async leaving(
    pauses: Pauses,
    integrationId: string,
    groupId: string | null,
    remoteGroupId: string,
  ): Promise<number> {
    const isWanted = `EXISTS (SELECT 1 FROM remote_user l
      JOIN group_member m ON m.groupId = ? AND m.userId = l.userId
      JOIN scim_user u ON u.id = l.userId AND u.active = 1 AND u.deletedAt IS NULL
      WHERE l.integrationId = ? AND l.remoteUserId = t.remoteUserId)`;
    const read = async (after: string, limit: number) => {
      const [slice] = await this.reader.query<(CountedSlice & { leaving: number | null })[]>(
        `SELECT COUNT(*) AS counted, MAX(t.remoteUserId) AS last,
                SUM(CASE WHEN t.managed = 1 AND t.state <> 'adding' AND NOT ${isWanted} THEN 1 ELSE 0 END) AS leaving
         FROM (SELECT remoteUserId, managed, state FROM remote_member
               WHERE remoteGroupId = ? AND remoteUserId > ? ORDER BY remoteUserId LIMIT ?) t`,
        [groupId, integrationId, remoteGroupId, after, limit],
      );
      return slice;
    };
    let people = 0;
    for await (const { leaving } of countedSlices(pauses, read)) people += Number(leaving);
    return people;
  }

  private async addGroup(
    counts: MemberCounts,
    pauses: Pauses,
    integrationId: string,
    groupId: string,
    after: string,
  ): Promise<void> {
    const read = async (userId: string, limit: number) => {
      const [slice] = await this.reader.query<GroupSlice[]>(
        slicesOf('groupId = ? AND userId > ? ORDER BY userId LIMIT ?'),
        [integrationId, groupId, userId, limit],
      );
      return slice;
    };
    for await (const slice of countedSlices(pauses, read, after)) add(counts, slice);
  }
}

/** SQL: the memberships of one slice of the index, by group. A deleted user is not active. */
function slicesOf(range: string): string {
  return `SELECT c.groupId AS groupId, c.counted AS counted, c.last AS last, c.desired AS desired, c.applied AS applied,
                 g.deletedAt AS deletedAt
    FROM (
      SELECT m.groupId AS groupId, COUNT(*) AS counted, MAX(m.userId) AS last, SUM(u.active) AS desired,
             SUM(CASE WHEN u.active = 1 AND t.state = 'present' THEN 1 ELSE 0 END) AS applied
      FROM (SELECT integrationId, groupId, userId FROM group_member WHERE integrationId = ? AND ${range}) m
      LEFT JOIN scim_user u ON u.id = m.userId
      LEFT JOIN remote_group r ON r.integrationId = m.integrationId AND r.groupId = m.groupId
      LEFT JOIN remote_user l ON l.userId = m.userId AND r.id IS NOT NULL
      LEFT JOIN remote_member t ON t.remoteGroupId = r.id AND t.remoteUserId = l.remoteUserId
      GROUP BY m.groupId
    ) c LEFT JOIN scim_group g ON g.id = c.groupId
    ORDER BY c.groupId`;
}

function add(counts: MemberCounts, { desired, applied }: MemberCounts): void {
  counts.desired += Number(desired);
  counts.applied += Number(applied);
}
