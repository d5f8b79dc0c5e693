import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { inList } from '../../database/dialect';
import { fold } from '../../directory/fold';
import { LEAVER_STILL_ON_TEAM, isLeaverStillOnTeam, leaverMessage } from './leavers';
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
    const conditions = ['g.integrationId = ?', '(g.deletedAt IS NULL OR r.id IS NOT NULL)', 'g.id > ?'];
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
    const [group] = await this.groupRows(
      integrationId,
      'g.integrationId = ? AND g.id = ? AND (g.deletedAt IS NULL OR r.id IS NOT NULL)',
      [integrationId, groupId],
    );
    return group ?? null;
  }

  async members(
    integrationId: string,
    groupId: string,
    query: StatusQuery<MemberState>,
  ): Promise<MemberStatus[]> {
    const rows = await this.reader.query<MemberStatus[]>(
      `SELECT * FROM (${MEMBERS}) s WHERE s.state IS NOT NULL AND s.id > ?
         ${query.state === undefined ? '' : 'AND s.state = ?'} ORDER BY s.id LIMIT ?`,
      [
        groupId,
        integrationId,
        integrationId,
        groupId,
        groupId,
        integrationId,
        groupId,
        query.after,
        ...(query.state === undefined ? [] : [query.state]),
        query.limit + 1,
      ],
    );
    return rows.map((row) => ({
      ...row,
      message: row.reason === LEAVER_STILL_ON_TEAM ? leaverMessage(row.message) : row.message,
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
    return rows.map((row) => ({
      ...row,
      active: Boolean(row.active),
      pinned: Boolean(Number(row.pinned)),
      nextAttemptAt: numberOrNull(row.nextAttemptAt),
    }));
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
       FROM scim_group g
       LEFT JOIN remote_group r ON r.integrationId = g.integrationId AND r.groupId = g.id
       LEFT JOIN group_change c ON c.groupId = g.id
       WHERE ${where}`,
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

/** A change that is not looked at yet outdates what was said before, unless something stands in its way. */
export const GROUP_STATE = `CASE
  WHEN r.id IS NULL THEN 'pending'
  WHEN c.groupId IS NOT NULL AND r.state IN ('synced', 'partial') THEN 'pending'
  ELSE r.state END`;

/**
 * Everybody who is wanted in the team or still in it through us. Parameters: group, integration, integration, group,
 * group, integration, group.
 */
const MEMBERS = `
  SELECT u.id AS id, u.userName AS userName, u.email AS email, l.remoteUserId AS remoteUserId,
         CASE
           WHEN m.userId IS NULL OR u.active = 0 OR u.deletedAt IS NOT NULL
             THEN CASE WHEN t.remoteUserId IS NULL THEN NULL ELSE 'removing' END
           WHEN t.state = 'present' THEN 'applied'
           WHEN p.kind = 'waiting' AND l.remoteUserId IS NOT NULL THEN 'blocked'
           ELSE 'pending'
         END AS state,
         CASE WHEN ${isLeaverStillOnTeam('t', 'r.integrationId')} THEN '${LEAVER_STILL_ON_TEAM}'
           ELSE COALESCE(p.reason, t.reason, CASE h.state WHEN 'held' THEN 'mass_change_held' WHEN 'pinned' THEN 'removal_rejected' END, l.reason)
         END AS reason,
         COALESCE(p.message, t.message, l.message) AS message,
         COALESCE(p.nextAttemptAt, t.nextAttemptAt, l.nextCheckAt) AS nextAttemptAt
  FROM (
    SELECT userId FROM group_member WHERE groupId = ? AND integrationId = ?
    UNION
    SELECT a.userId FROM remote_group g
      JOIN remote_member b ON b.remoteGroupId = g.id AND b.managed = 1
      JOIN remote_user a ON a.integrationId = g.integrationId AND a.remoteUserId = b.remoteUserId
      WHERE g.integrationId = ? AND g.groupId = ?
  ) x
  JOIN scim_user u ON u.id = x.userId
  LEFT JOIN group_member m ON m.groupId = ? AND m.userId = u.id
  LEFT JOIN remote_user l ON l.userId = u.id
  LEFT JOIN remote_group r ON r.integrationId = ? AND r.groupId = ?
  LEFT JOIN remote_member t ON t.remoteGroupId = r.id AND t.remoteUserId = l.remoteUserId
  LEFT JOIN parked_member p ON p.remoteGroupId = r.id AND p.userId = u.id
  LEFT JOIN held_item h ON h.groupId = r.groupId AND h.subject = t.remoteUserId`;

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
