import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { inList, throughIndex } from '../../database/dialect';
import { keysetSlices } from '../../database/keyset-slices';
import { fold } from '../../directory/fold';
import { Slice } from '../../event-loop/slice';
import { HELD, REJECTED } from '../plan/mass-change-guard';
import type { Integration } from '../../integrations/integration.entity';
import { LEAVER_STILL_ON_TEAM, isLeaverStillOnTeam, leaverMessage } from './leavers';
import { duringStandstill, standstillOf } from './standstill';
import type { StatusQuery } from './status-query';
import { LEAVER_WAITS_FOR_DECISION, LEAVER_WAITS_MESSAGE } from './waiting-leavers';

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
  /** An admin set the link. */
  pinned: boolean;
  nextAttemptAt: number | null;
}

/** The states of members and users, for the API. Returns one row more than the limit if there are more. */
@Injectable()
export class PeopleStatuses {
  constructor(@InjectDataSource() private readonly reader: DataSource) {}

  async members(
    integration: Integration,
    groupId: string,
    query: StatusQuery<MemberState>,
  ): Promise<MemberStatus[]> {
    const { id: integrationId } = integration;
    const standstill = standstillOf(integration);
    const slice = new Slice();
    const found: MemberRow[] = [];
    const inRemoteGroupOnly = await this.inTeamAlone(slice, integrationId, groupId, query.after);
    for (let after = query.after; found.length <= query.limit;) {
      const userIds = await this.memberIds(integrationId, groupId, after, inRemoteGroupOnly);
      if (userIds.length === 0) break;
      found.push(...(await this.memberRows(integrationId, groupId, userIds, query.state)));
      after = userIds.at(-1)!;
      if (slice.isOver) await slice.next();
    }
    const rows = found.slice(0, query.limit + 1).map(({ passes, ...row }): MemberStatus => {
      const isUnsettled = UNDONE.has(row.state) && (row.reason === null || Number(passes) === 1);
      return duringStandstill(asMemberStatus(row), isUnsettled, standstill);
    });
    return this.withSharedPeople(integrationId, rows);
  }

  async users(integration: Integration, query: StatusQuery<UserLinkState>): Promise<UserStatus[]> {
    const { id: integrationId } = integration;
    const standstill = standstillOf(integration);
    const search = query.search === undefined ? '' : fold(query.search);
    const ids: string[] = [];
    for await (const users of this.userLinks(integrationId, query.after)) {
      const found = users.filter(
        ({ state, listed, userNameKey, emailKey }) =>
          Number(listed) === 1 &&
          (query.state === undefined || state === query.state) &&
          (search === '' || (userNameKey ?? '').includes(search) || (emailKey ?? '').includes(search)),
      );
      ids.push(...found.map(({ id }) => id));
      if (ids.length > query.limit) break;
    }
    const rows = (await this.userRows(ids.slice(0, query.limit + 1))).map(
      ({ wanted, ...row }): UserStatus => {
        const isUnsettled = row.state === 'unknown' && row.reason === null && Number(wanted) === 1;
        return duringStandstill(asUserStatus(row), isUnsettled, standstill);
      },
    );
    return this.withSharedPeople(integrationId, rows);
  }

  /** All users in the order of their ids, with the fields that the filters need. */
  private userLinks(integrationId: string, after: string) {
    type UserLink = {
      id: string;
      userNameKey: string | null;
      emailKey: string | null;
      listed: number;
      state: UserLinkState;
    };
    return keysetSlices<UserLink>(new Slice(), (last, limit) =>
      this.reader.query(
        `SELECT u.id AS id, u.userNameKey AS userNameKey, u.emailKey AS emailKey,
                CASE WHEN u.deletedAt IS NULL THEN 1 ELSE 0 END AS listed, COALESCE(r.state, 'unknown') AS state
         FROM (SELECT id, userNameKey, emailKey, deletedAt FROM scim_user
               WHERE integrationId = ? AND id > ? ORDER BY id LIMIT ?) u
         LEFT JOIN remote_user r ON r.userId = u.id ORDER BY u.id`,
        [integrationId, last?.id ?? after, limit],
      ),
    );
  }

  private async userRows(userIds: readonly string[]): Promise<UserRow[]> {
    if (userIds.length === 0) return [];
    return this.reader.query<UserRow[]>(
      `SELECT u.id AS id, u.userName AS userName, u.email AS email, u.active AS active,
              COALESCE(r.state, 'unknown') AS state, r.reason AS reason, r.message AS message,
              r.remoteUserId AS remoteUserId, COALESCE(r.pinned, 0) AS pinned, r.nextCheckAt AS nextAttemptAt,
              CASE WHEN u.active = 1 THEN (SELECT 1 FROM ${throughIndex('group_member m', 'group_member_of_user')}
                WHERE m.integrationId = u.integrationId AND m.userId = u.id LIMIT 1) END AS wanted
       FROM scim_user u LEFT JOIN remote_user r ON r.userId = u.id
       WHERE u.id IN (${inList(userIds)}) ORDER BY u.id`,
      [...userIds],
    );
  }

  /** The next users that are in the group, or in its remote group through us, in the order of their ids. */
  private async memberIds(
    integrationId: string,
    groupId: string,
    after: string,
    inTeamAlone: readonly string[],
  ): Promise<string[]> {
    const rows = await this.reader.query<{ userId: string }[]>(
      `SELECT userId FROM group_member WHERE integrationId = ? AND groupId = ? AND userId > ?
       ORDER BY userId LIMIT ?`,
      [integrationId, groupId, after, MEMBERS_AT_ONCE],
    );
    const start = inTeamAlone.findIndex((userId) => userId > after);
    const others = start < 0 ? [] : inTeamAlone.slice(start, start + MEMBERS_AT_ONCE);
    return [...new Set([...rows.map(({ userId }) => userId), ...others])].sort().slice(0, MEMBERS_AT_ONCE);
  }

  /**
   * Users that are members of the remote group through us but no longer of the group, sorted: usually a few that
   * are about to leave.
   */
  private async inTeamAlone(
    slice: Slice,
    integrationId: string,
    groupId: string,
    after: string,
  ): Promise<string[]> {
    const [team] = await this.reader.query<{ id: string }[]>(
      'SELECT id FROM remote_group WHERE integrationId = ? AND groupId = ?',
      [integrationId, groupId],
    );
    if (!team) return [];
    type TeamMember = {
      remoteUserId: string;
      userId: string | null;
      memberId: string | null;
      managed: number;
    };
    const inTeam = keysetSlices<TeamMember>(slice, (last, limit) =>
      this.reader.query(
        `SELECT b.remoteUserId AS remoteUserId, b.managed AS managed, a.userId AS userId, m.userId AS memberId
         FROM (SELECT remoteUserId, managed FROM remote_member WHERE remoteGroupId = ? AND remoteUserId > ?
               ORDER BY remoteUserId LIMIT ?) b
         LEFT JOIN remote_user a ON a.integrationId = ? AND a.remoteUserId = b.remoteUserId
         LEFT JOIN group_member m ON m.groupId = ? AND m.userId = a.userId
         ORDER BY b.remoteUserId`,
        [team.id, last?.remoteUserId ?? '', limit, integrationId, groupId],
      ),
    );
    const alone = new Set<string>();
    for await (const some of inTeam) {
      for (const { userId, memberId, managed } of some) {
        if (Number(managed) === 1 && userId !== null && memberId === null && userId > after)
          alone.add(userId);
      }
    }
    return [...alone].sort();
  }

  /** The rows of users that are wanted as members or still members through us. */
  private memberRows(
    integrationId: string,
    groupId: string,
    userIds: readonly string[],
    state: MemberState | undefined,
  ): Promise<MemberRow[]> {
    return this.reader.query<MemberRow[]>(
      `SELECT * FROM (${MEMBERS} WHERE u.id IN (${inList(userIds)})) s WHERE s.state IS NOT NULL
         ${state === undefined ? '' : 'AND s.state = ?'} ORDER BY s.id`,
      [groupId, integrationId, groupId, ...userIds, ...(state === undefined ? [] : [state])],
    );
  }

  /** Adds a reason to rows without one: two active users with the same remote user are probably a mistake. */
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
      const users = usersOf.get(remoteUserId);
      if (users) users.push(user);
      else usersOf.set(remoteUserId, [user]);
    }
    return usersOf;
  }
}

/** More than a page, because a list may leave some out. */
const MEMBERS_AT_ONCE = 500;

/**
 * The state of users in a group and its remote group; null if they are in neither. Parameters: group, integration,
 * group.
 */
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
           ELSE COALESCE(p.reason, t.reason, CASE WHEN h.leaverToldAt > 0 THEN '${LEAVER_WAITS_FOR_DECISION}' END,
             CASE h.state WHEN 'held' THEN '${HELD.reason}' WHEN 'pinned' THEN '${REJECTED.reason}' END, l.reason)
         END AS reason,
         COALESCE(p.message, t.message, l.message) AS message,
         COALESCE(p.nextAttemptAt, t.nextAttemptAt, l.nextCheckAt) AS nextAttemptAt,
         CASE WHEN COALESCE(p.kind, t.kind) = 'passing' THEN 1 ELSE 0 END AS passes
  FROM scim_user u
  LEFT JOIN group_member m ON m.groupId = ? AND m.userId = u.id
  LEFT JOIN remote_user l ON l.userId = u.id
  LEFT JOIN remote_group r ON r.integrationId = ? AND r.groupId = ?
  LEFT JOIN remote_member t ON t.remoteGroupId = r.id AND t.remoteUserId = l.remoteUserId
  LEFT JOIN parked_member p ON p.remoteGroupId = r.id AND p.userId = u.id
  LEFT JOIN held_item h ON h.groupId = r.groupId AND h.subject = t.remoteUserId`;

const GUARD_MESSAGES = new Map<string | null, string>([
  [HELD.reason, HELD.message],
  [REJECTED.reason, REJECTED.message],
  [LEAVER_WAITS_FOR_DECISION, LEAVER_WAITS_MESSAGE],
]);

/** Two active IdP users have the same remote user. */
const SHARED_REMOTE_USER = 'shared_remote_user';
const NAMED_AT_MOST = 5;

function sharedMessage(others: readonly string[]): string {
  const named = others.slice(0, NAMED_AT_MOST).join(', ');
  const more = others.length > NAMED_AT_MOST ? ` and ${others.length - NAMED_AT_MOST} more` : '';
  return `In the target this is the same person as ${named}${more}, who stays in a team while one of these users is an active member. If this is a mistake, correct the address of one user, or remove a remote link.`;
}

/** States of a member that has not joined or left yet. */
const UNDONE: ReadonlySet<MemberState> = new Set(['pending', 'removing']);

interface MemberRow extends MemberStatus {
  /** 1 if the reason passes by itself. */
  passes: number;
}

interface UserRow extends UserStatus {
  /** 1 if the user is active and in a group. */
  wanted: number | null;
}

function asMemberStatus(row: MemberStatus): MemberStatus {
  const message =
    row.reason === LEAVER_STILL_ON_TEAM
      ? leaverMessage(row.message)
      : (row.message ?? GUARD_MESSAGES.get(row.reason) ?? null);
  return { ...row, message, nextAttemptAt: numberOrNull(row.nextAttemptAt) };
}

function asUserStatus(row: UserStatus): UserStatus {
  return {
    ...row,
    active: Boolean(row.active),
    pinned: Boolean(Number(row.pinned)),
    nextAttemptAt: numberOrNull(row.nextAttemptAt),
  };
}

/** A listed user with its remote user. */
interface PersonRow {
  id: string;
  remoteUserId: string | null;
  reason: string | null;
  message: string | null;
}

function numberOrNull(value: number | null): number | null {
  return value === null ? null : Number(value);
}
