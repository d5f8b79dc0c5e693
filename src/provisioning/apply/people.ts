import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { inList } from '../../database/dialect';
import type { KnownMember, MemberPlanInput, Person } from '../plan/member-plan';
import type { RemoteMemberState } from '../state/remote-member.entity';

export interface PairMark {
  userId: string;
  mark: string;
}

/** Reads the pairs that a member plan is made from; each question costs what the pairs in it cost, not the group. */
@Injectable()
export class People {
  constructor(@InjectDataSource() private readonly reader: DataSource) {}

  /** Pairs that changed since they were last looked at. */
  changedPairs(groupId: string, limit: number): Promise<PairMark[]> {
    return this.reader.query<PairMark[]>(
      'SELECT userId, mark FROM member_change WHERE groupId = ? ORDER BY userId LIMIT ?',
      [groupId, limit],
    );
  }

  /** Members of the group in the order of their ids: one chunk of comparing the whole of it. */
  async membersAfter(groupId: string, after: string, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ userId: string }[]>(
      'SELECT userId FROM group_member WHERE groupId = ? AND userId > ? ORDER BY userId LIMIT ?',
      [groupId, after, limit],
    );
    return rows.map(({ userId }) => userId);
  }

  /** Remote users whom we know in the team, in the order of their ids. */
  async remoteMembersAfter(remoteGroupId: string, after: string, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ remoteUserId: string }[]>(
      'SELECT remoteUserId FROM remote_member WHERE remoteGroupId = ? AND remoteUserId > ? ORDER BY remoteUserId LIMIT ?',
      [remoteGroupId, after, limit],
    );
    return rows.map(({ remoteUserId }) => remoteUserId);
  }

  /** People of the group whose next attempt has come. */
  async parkedDue(remoteGroupId: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ userId: string }[]>(
      `SELECT userId FROM parked_member WHERE remoteGroupId = ? AND kind IN ('waiting', 'passing')
         AND nextAttemptAt <= ? LIMIT ?`,
      [remoteGroupId, now, limit],
    );
    return rows.map(({ userId }) => userId);
  }

  /** Remote users whose call, to add or to remove them, is to be made again. */
  async callsDue(remoteGroupId: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ remoteUserId: string }[]>(
      'SELECT remoteUserId FROM remote_member WHERE remoteGroupId = ? AND nextAttemptAt <= ? LIMIT ?',
      [remoteGroupId, now, limit],
    );
    return rows.map(({ remoteUserId }) => remoteUserId);
  }

  /** What the planner needs to know about these users and remote users in this group. */
  async planInput(
    group: { integrationId: string; groupId: string; remoteGroupId: string; membersPerGroup: number },
    userIds: readonly string[],
    remoteUserIds: readonly string[],
  ): Promise<MemberPlanInput> {
    const people = await this.people(group.groupId, userIds);
    const concerned = [
      ...new Set([
        ...remoteUserIds,
        ...people.flatMap(({ link }) => (link.kind === 'resolved' ? [link.remoteUserId] : [])),
      ]),
    ];
    const [wanted, known, leavers, occupied] = await Promise.all([
      this.wanted(group.integrationId, group.groupId, concerned),
      this.known(group.remoteGroupId, concerned),
      this.leavers(group.integrationId, concerned),
      this.occupied(group.remoteGroupId),
    ]);
    return { people, remoteUserIds, wanted, known, leavers, room: group.membersPerGroup - occupied };
  }

  private async people(groupId: string, userIds: readonly string[]): Promise<Person[]> {
    if (userIds.length === 0) return [];
    const ids = inList(userIds);
    const desired = await this.reader.query<{ userId: string }[]>(
      `SELECT u.id AS userId FROM scim_user u JOIN group_member m ON m.userId = u.id
       WHERE m.groupId = ? AND m.userId IN (${ids}) AND u.active = 1 AND u.deletedAt IS NULL`,
      [groupId, ...userIds],
    );
    const links = await this.reader.query<LinkRow[]>(
      `SELECT userId, state, remoteUserId, reason, message, nextCheckAt FROM remote_user WHERE userId IN (${ids})`,
      [...userIds],
    );
    const desiredIds = new Set(desired.map(({ userId }) => userId));
    const linkOf = new Map(links.map((link) => [link.userId, link]));
    return userIds.map((userId) => ({
      userId,
      desired: desiredIds.has(userId),
      link: asLink(linkOf.get(userId)),
    }));
  }

  private async wanted(integrationId: string, groupId: string, remoteUserIds: readonly string[]) {
    const wanted = new Map<string, string[]>();
    if (remoteUserIds.length === 0) return wanted;
    const rows = await this.reader.query<{ remoteUserId: string; userId: string }[]>(
      `SELECT r.remoteUserId AS remoteUserId, r.userId AS userId FROM remote_user r
       JOIN group_member m ON m.groupId = ? AND m.userId = r.userId
       JOIN scim_user u ON u.id = r.userId AND u.active = 1 AND u.deletedAt IS NULL
       WHERE r.integrationId = ? AND r.remoteUserId IN (${inList(remoteUserIds)})`,
      [groupId, integrationId, ...remoteUserIds],
    );
    for (const { remoteUserId, userId } of rows) {
      wanted.set(remoteUserId, [...(wanted.get(remoteUserId) ?? []), userId]);
    }
    return wanted;
  }

  private async known(remoteGroupId: string, remoteUserIds: readonly string[]) {
    const known = new Map<string, KnownMember>();
    if (remoteUserIds.length === 0) return known;
    const rows = await this.reader.query<
      { remoteUserId: string; state: RemoteMemberState; managed: number }[]
    >(
      `SELECT remoteUserId, state, managed FROM remote_member
       WHERE remoteGroupId = ? AND remoteUserId IN (${inList(remoteUserIds)})`,
      [remoteGroupId, ...remoteUserIds],
    );
    for (const { remoteUserId, state, managed } of rows) {
      known.set(remoteUserId, { state, managed: Boolean(managed) });
    }
    return known;
  }

  /** Those whom no active user of the integration is linked to. */
  private async leavers(integrationId: string, remoteUserIds: readonly string[]) {
    if (remoteUserIds.length === 0) return new Set<string>();
    const rows = await this.reader.query<{ remoteUserId: string }[]>(
      `SELECT DISTINCT r.remoteUserId AS remoteUserId FROM remote_user r
       JOIN scim_user u ON u.id = r.userId AND u.active = 1 AND u.deletedAt IS NULL
       WHERE r.integrationId = ? AND r.remoteUserId IN (${inList(remoteUserIds)})`,
      [integrationId, ...remoteUserIds],
    );
    const active = new Set(rows.map(({ remoteUserId }) => remoteUserId));
    return new Set(remoteUserIds.filter((remoteUserId) => !active.has(remoteUserId)));
  }

  private async occupied(remoteGroupId: string): Promise<number> {
    const [row] = await this.reader.query<[{ members: number }]>(
      'SELECT COUNT(*) AS members FROM remote_member WHERE remoteGroupId = ?',
      [remoteGroupId],
    );
    return Number(row.members);
  }
}

interface LinkRow {
  userId: string;
  state: string;
  remoteUserId: string | null;
  reason: string | null;
  message: string | null;
  nextCheckAt: number | null;
}

function asLink(row: LinkRow | undefined): Person['link'] {
  if (row && row.remoteUserId !== null) return { kind: 'resolved', remoteUserId: row.remoteUserId };
  return {
    kind: 'unresolved',
    reason: row?.reason ?? 'not_looked_up',
    message: row?.message ?? 'The person has not been looked up yet.',
    nextCheckAt: Number(row?.nextCheckAt ?? 0),
  };
}
