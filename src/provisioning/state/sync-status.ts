import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { inList } from '../../database/dialect';
import { fold } from '../../directory/fold';
import { HELD, REJECTED } from '../plan/mass-change-guard';
import { LEAVER_STILL_ON_TEAM, isLeaverStillOnTeam, leaverMessage } from './leavers';
import { GROUPS, GROUP_STATE, IS_LISTED } from './listed-groups';
import type { GroupState, Ownership } from './remote-group.entity';

export interface GroupStatus {
  id: string;
  displayName: string;
  state: GroupState;
  reason: string | null;
  message: string | null;
  generation: number;
  appliedGeneration: number;
  nextAttemptAt: number | null;
  deletingSince: number | null;
  remote: { id: string; name: string; url: string | null; ownership: Ownership } | null;
  members: { desired: number; applied: number; pending: number };
}

export const MEMBER_STATES = ['applied', 'pending', 'removing', 'blocked'] as const;
export type MemberState = (typeof MEMBER_STATES)[number];

export interface MemberStatus {
  /** The user's. */
  id: string;
  userName: string;
  email: string | null;
  state: MemberState;
  reason: string | null;
  message: string | null;
  remoteUserId: string | null;
  nextAttemptAt: number | null;
}

export const USER_STATES = ['unknown', 'resolved', 'not_found', 'ambiguous'] as const;
export type UserLinkState = (typeof USER_STATES)[number];

export interface UserStatus {
  id: string;
  userName: string;
  email: string | null;
  active: boolean;
  state: UserLinkState;
  reason: string | null;
  message: string | null;
  remoteUserId: string | null;
  /** An admin said who it is. */
  pinned: boolean;
  nextAttemptAt: number | null;
}

export interface StatusQuery<State extends string> {
  state?: State;
  /** Part of the name, without case. */
  search?: string;
  after: string;
  limit: number;
}

/** How desired state and target stand to each other, for people to read. One row more than the limit tells of more. */
@Injectable()
export class SyncStatus {
  constructor(@InjectDataSource() private readonly reader: DataSource) {}

  async groups(integrationId: string, query: StatusQuery<GroupState>): Promise<GroupStatus[]> {
    const conditions = ['g.integrationId = ?', IS_LISTED, 'g.id > ?'];
    const params: unknown[] = [integrationId, query.after];
    if (query.state !== undefined) {
      conditions.push(`${GROUP_STATE} = ?`);
      params.push(query.state);
    }
    if (query.search !== undefined) {
      conditions.push('INSTR(g.displayNameKey, ?) > 0');
      params.push(fold(query.search));
    }
    return this.groupRows(integrationId, `${conditions.join(' AND ')} ORDER BY g.id LIMIT ?`, [
      ...params,
      query.limit + 1,
    ]);
  }

  async group(integrationId: string, groupId: string): Promise<GroupStatus | null> {
    const [group] = await this.groupRows(integrationId, `g.integrationId = ? AND g.id = ? AND ${IS_LISTED}`, [
      integrationId,
      groupId,
    ]);
    return group ?? null;
  }

  async members(
    integrationId: string,
    groupId: string,
    query: StatusQuery<MemberState>,
  ): Promise<MemberStatus[]> {
    const found: MemberStatus[] = [];
    for (let after = query.after; found.length <= query.limit;) {
      const userIds = await this.memberIds(integrationId, groupId, after);
      if (userIds.length === 0) break;
      found.push(...(await this.memberRows(integrationId, groupId, userIds, query.state)));
      after = userIds.at(-1)!;
    }
    const rows = found.slice(0, query.limit + 1);
    const flagged = await this.withSharedPeople(integrationId, rows);
    return flagged.map((row) => ({
      ...row,
      message:
        row.reason === LEAVER_STILL_ON_TEAM
          ? leaverMessage(row.message)
          : (row.message ?? GUARD_MESSAGES.get(row.reason) ?? null),
      nextAttemptAt: numberOrNull(row.nextAttemptAt),
    }));
  }

  async users(integrationId: string, query: StatusQuery<UserLinkState>): Promise<UserStatus[]> {
    const conditions = ['u.integrationId = ?', 'u.deletedAt IS NULL', 'u.id > ?'];
    const params: unknown[] = [integrationId, query.after];
    if (query.state !== undefined) {
      conditions.push("COALESCE(r.state, 'unknown') = ?");
      params.push(query.state);
    }
    if (query.search !== undefined) {
      conditions.push('(INSTR(u.userNameKey, ?) > 0 OR INSTR(u.emailKey, ?) > 0)');
      params.push(fold(query.search), fold(query.search));
    }
    const rows = await this.reader.query<UserStatus[]>(
      `SELECT u.id AS id, u.userName AS userName, u.email AS email, u.active AS active,
              COALESCE(r.state, 'unknown') AS state, r.reason AS reason, r.message AS message,
              r.remoteUserId AS remoteUserId, COALESCE(r.pinned, 0) AS pinned, r.nextCheckAt AS nextAttemptAt
       FROM scim_user u LEFT JOIN remote_user r ON r.userId = u.id
       WHERE ${conditions.join(' AND ')} ORDER BY u.id LIMIT ?`,
      [...params, query.limit + 1],
    );
    const flagged = await this.withSharedPeople(integrationId, rows);
    return flagged.map((row) => ({
      ...row,
      active: Boolean(row.active),
      pinned: Boolean(Number(row.pinned)),
      nextAttemptAt: numberOrNull(row.nextAttemptAt),
    }));
  }

  /** Some of those who are in the group, or in its team through us, in the order of their ids. */
  private async memberIds(integrationId: string, groupId: string, after: string): Promise<string[]> {
    const rows = await this.reader.query<{ userId: string }[]>(
      `SELECT userId FROM (SELECT userId FROM group_member WHERE groupId = ? AND integrationId = ? AND userId > ?
                           ORDER BY userId LIMIT ?) in_group
       UNION
       SELECT userId FROM (SELECT DISTINCT a.userId AS userId FROM remote_group g
                           JOIN remote_member b ON b.remoteGroupId = g.id AND b.managed = 1
                           JOIN remote_user a ON a.integrationId = g.integrationId AND a.remoteUserId = b.remoteUserId
                           WHERE g.integrationId = ? AND g.groupId = ? AND a.userId > ?
                           ORDER BY a.userId LIMIT ?) in_team
       ORDER BY userId LIMIT ?`,
      [
        groupId,
        integrationId,
        after,
        MEMBERS_AT_ONCE,
        integrationId,
        groupId,
        after,
        MEMBERS_AT_ONCE,
        MEMBERS_AT_ONCE,
      ],
    );
    return rows.map(({ userId }) => userId);
  }

  /** Those of them who are wanted in the team or still in it through us. */
  private memberRows(
    integrationId: string,
    groupId: string,
    userIds: readonly string[],
    state: MemberState | undefined,
  ): Promise<MemberStatus[]> {
    return this.reader.query<MemberStatus[]>(
      `SELECT * FROM (${MEMBERS} WHERE u.id IN (${inList(userIds)})) s WHERE s.state IS NOT NULL
         ${state === undefined ? '' : 'AND s.state = ?'} ORDER BY s.id`,
      [groupId, integrationId, groupId, ...userIds, ...(state === undefined ? [] : [state])],
    );
  }

  /** Of whom nothing else is to be said: two active users who are one person of the target are likely a mistake. */
  private async withSharedPeople<Row extends PersonRow>(
    integrationId: string,
    rows: readonly Row[],
  ): Promise<Row[]> {
    const remoteUserIds = rows.flatMap(({ reason, remoteUserId }) =>
      reason === null && remoteUserId !== null ? [remoteUserId] : [],
    );
    const usersOf = await this.activeUsersOf(integrationId, remoteUserIds);
    return rows.map((row) => {
      const users = row.remoteUserId === null ? [] : (usersOf.get(row.remoteUserId) ?? []);
      const others = users.filter(({ userId }) => userId !== row.id).map(({ userName }) => userName);
      if (row.reason !== null || others.length === 0 || others.length === users.length) return row;
      return { ...row, reason: SHARED_REMOTE_USER, message: sharedMessage(others) };
    });
  }

  private async activeUsersOf(integrationId: string, remoteUserIds: readonly string[]) {
    const usersOf = new Map<string, { userId: string; userName: string }[]>();
    if (remoteUserIds.length === 0) return usersOf;
    const rows = await this.reader.query<{ remoteUserId: string; userId: string; userName: string }[]>(
      `SELECT l.remoteUserId AS remoteUserId, u.id AS userId, u.userName AS userName
       FROM remote_user l JOIN scim_user u ON u.id = l.userId AND u.active = 1 AND u.deletedAt IS NULL
       WHERE l.integrationId = ? AND l.remoteUserId IN (${inList(remoteUserIds)}) ORDER BY u.id`,
      [integrationId, ...remoteUserIds],
    );
    for (const { remoteUserId, ...user } of rows) {
      usersOf.set(remoteUserId, [...(usersOf.get(remoteUserId) ?? []), user]);
    }
    return usersOf;
  }

  private async groupRows(
    integrationId: string,
    where: string,
    params: readonly unknown[],
  ): Promise<GroupStatus[]> {
    const rows = await this.reader.query<GroupRow[]>(
      `SELECT g.id AS id, g.displayName AS displayName, g.generation AS generation, ${GROUP_STATE} AS state,
              r.reason AS reason, r.message AS message, r.appliedGeneration AS appliedGeneration,
              r.nextAttemptAt AS nextAttemptAt, r.deletingSince AS deletingSince, r.remoteId AS remoteId,
              r.remoteName AS remoteName, r.remoteUrl AS remoteUrl, r.ownership AS ownership
       FROM ${GROUPS} WHERE ${where}`,
      [...params],
    );
    const ids = rows.map(({ id }) => id);
    const [counts, leavers] = await Promise.all([this.memberCounts(ids), this.leavers(integrationId, ids)]);
    return rows.map((row) => {
      const group = asGroupStatus(row, counts.get(row.id) ?? { desired: 0, applied: 0 });
      const leaver = leavers.get(row.id);
      // Beside what stands in the way of the whole group, one person says little; beside other people it says the most.
      if (leaver === undefined || !['partial', 'pending'].includes(group.state)) return group;
      return { ...group, reason: LEAVER_STILL_ON_TEAM, message: leaver };
    });
  }

  /** By group, what is to be said of a leaver whom the target keeps in its team. */
  private async leavers(integrationId: string, groupIds: readonly string[]): Promise<Map<string, string>> {
    if (groupIds.length === 0) return new Map();
    const rows = await this.reader.query<{ groupId: string; message: string | null }[]>(
      `SELECT g.groupId AS groupId, MIN(t.message) AS message
       FROM remote_group g JOIN remote_member t ON t.remoteGroupId = g.id
       WHERE g.integrationId = ? AND g.groupId IN (${inList(groupIds)})
         AND ${isLeaverStillOnTeam('t', 'g.integrationId')}
       GROUP BY g.groupId`,
      [integrationId, ...groupIds],
    );
    return new Map(rows.map(({ groupId, message }) => [groupId, leaverMessage(message)]));
  }

  private async memberCounts(groupIds: readonly string[]) {
    const counts = new Map<string, { desired: number; applied: number }>();
    if (groupIds.length === 0) return counts;
    const rows = await this.reader.query<{ groupId: string; desired: number; applied: number }[]>(
      `SELECT m.groupId AS groupId, COUNT(*) AS desired,
              SUM(CASE WHEN t.state = 'present' THEN 1 ELSE 0 END) AS applied
       FROM group_member m
       JOIN scim_user u ON u.id = m.userId AND u.active = 1 AND u.deletedAt IS NULL
       LEFT JOIN remote_group r ON r.integrationId = m.integrationId AND r.groupId = m.groupId
       LEFT JOIN remote_user l ON l.userId = m.userId
       LEFT JOIN remote_member t ON t.remoteGroupId = r.id AND t.remoteUserId = l.remoteUserId
       WHERE m.groupId IN (${inList(groupIds)}) GROUP BY m.groupId`,
      [...groupIds],
    );
    for (const { groupId, desired, applied } of rows) {
      counts.set(groupId, { desired: Number(desired), applied: Number(applied) });
    }
    return counts;
  }
}

/** More than a page of them, as a list may leave some out. */
const MEMBERS_AT_ONCE = 500;

/** How users stand to a group and its team: not at all where the state is null. Parameters: group, integration, group. */
const MEMBERS = `
  SELECT u.id AS id, u.userName AS userName, u.email AS email, l.remoteUserId AS remoteUserId,
         CASE
           WHEN m.userId IS NULL OR u.active = 0 OR u.deletedAt IS NOT NULL
             OR (r.deletingSince IS NOT NULL AND (t.remoteUserId IS NULL OR t.state = 'removing'))
             THEN CASE WHEN t.remoteUserId IS NULL THEN NULL ELSE 'removing' END
           WHEN t.state = 'present' THEN 'applied'
           WHEN p.kind = 'waiting' AND l.remoteUserId IS NOT NULL THEN 'blocked'
           ELSE 'pending'
         END AS state,
         CASE WHEN ${isLeaverStillOnTeam('t', 'r.integrationId')} THEN '${LEAVER_STILL_ON_TEAM}'
           ELSE COALESCE(p.reason, t.reason, CASE h.state WHEN 'held' THEN '${HELD.reason}' WHEN 'pinned' THEN '${REJECTED.reason}' END, l.reason)
         END AS reason,
         COALESCE(p.message, t.message, l.message) AS message,
         COALESCE(p.nextAttemptAt, t.nextAttemptAt, l.nextCheckAt) AS nextAttemptAt
  FROM scim_user u
  LEFT JOIN group_member m ON m.groupId = ? AND m.userId = u.id
  LEFT JOIN remote_user l ON l.userId = u.id
  LEFT JOIN remote_group r ON r.integrationId = ? AND r.groupId = ?
  LEFT JOIN remote_member t ON t.remoteGroupId = r.id AND t.remoteUserId = l.remoteUserId
  LEFT JOIN parked_member p ON p.remoteGroupId = r.id AND p.userId = u.id
  LEFT JOIN held_item h ON h.groupId = r.groupId AND h.subject = t.remoteUserId`;

const GUARD_MESSAGES = new Map<string | null, string>(
  [HELD, REJECTED].map(({ reason, message }) => [reason, message]),
);

/** Two active users of the IdP are one person of the target. */
const SHARED_REMOTE_USER = 'shared_remote_user';
const NAMED_AT_MOST = 5;

function sharedMessage(others: readonly string[]): string {
  const named = others.slice(0, NAMED_AT_MOST).join(', ');
  const more = others.length > NAMED_AT_MOST ? ` and ${others.length - NAMED_AT_MOST} more` : '';
  return `In the target this is the same person as ${named}${more}: they stay in a team while any of these is an active member.`;
}

/** A user as they are listed, with whom of the target they are. */
interface PersonRow {
  id: string;
  remoteUserId: string | null;
  reason: string | null;
  message: string | null;
}

interface GroupRow {
  id: string;
  displayName: string;
  generation: number;
  state: GroupState;
  reason: string | null;
  message: string | null;
  appliedGeneration: number | null;
  nextAttemptAt: number | null;
  deletingSince: number | null;
  remoteId: string | null;
  remoteName: string | null;
  remoteUrl: string | null;
  ownership: Ownership | null;
}

function asGroupStatus(row: GroupRow, counts: { desired: number; applied: number }): GroupStatus {
  return {
    id: row.id,
    displayName: row.displayName,
    state: row.state,
    reason: row.reason,
    message: row.message,
    generation: row.generation,
    appliedGeneration: row.appliedGeneration ?? 0,
    nextAttemptAt: numberOrNull(row.nextAttemptAt),
    deletingSince: numberOrNull(row.deletingSince),
    remote:
      row.remoteId === null
        ? null
        : { id: row.remoteId, name: row.remoteName!, url: row.remoteUrl, ownership: row.ownership! },
    members: { ...counts, pending: counts.desired - counts.applied },
  };
}

function numberOrNull(value: number | null): number | null {
  return value === null ? null : Number(value);
}
