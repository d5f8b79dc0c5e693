import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { chunksToRead } from '../../database/chunks';
import { inList } from '../../database/dialect';
import type { Pauses } from '../../database/keyset-slices';
import { markedAt } from '../../directory/mark';
import { Slice } from '../../event-loop/slice';
import { EMAIL_DIFFERS } from '../plan/link-plan';
import {
  type KnownMember,
  type MemberPlanInput,
  type Person,
  WAITS_FOR_ADDITIONS,
} from '../plan/member-plan';
import type { ParkedKind } from '../state/parked-member.entity';
import type { RemoteMemberState } from '../state/remote-member.entity';
import { type FreshLinks, NO_FRESH_LINKS } from './fresh-links';
import type { LoadedGroup } from './loaded-group';
import { membersLinkedTo } from './known-target';
import { TAKES_PLACE } from './places';
import type { RunContext } from './run-context';
import type { GroupWithRemote } from './remote-groups';
import type { AskedFor } from './user-resolution';

const PEOPLE_PER_LOOK_UP = 10_000;

/** Users that are planned and applied at a time. */
export const CHUNK = 500;
/** The most chunks of due retries that one pass over a group works through. The rest wait for the next pass. */
export const MAX_RETRY_CHUNKS = 20;

/** The engine has not asked the target yet, or could not. */
export const NOT_LOOKED_UP = 'not_looked_up';

export interface PairMark {
  userId: string;
  mark: string;
  /** Id of the last request that changed the pair. */
  cause: string | null;
}

export interface PlannedGroup {
  integrationId: string;
  groupId: string;
  remoteGroupId: string;
  membersPerGroup: number;
  unmanagedMembers: MemberPlanInput['unmanagedMembers'];
}

/**
 * Reads the input of a member plan. The cost of a query depends on the number of pairs in it, not on the group's
 * size.
 */
@Injectable()
export class People {
  constructor(@InjectDataSource() private readonly reader: DataSource) {}

  /** Pairs with an unprocessed change, ordered by user id. */
  changedPairs(groupId: string, limit: number, after = ''): Promise<PairMark[]> {
    return this.reader.query<PairMark[]>(
      'SELECT userId, mark, cause FROM member_change WHERE groupId = ? AND userId > ? ORDER BY userId LIMIT ?',
      [groupId, after, limit],
    );
  }

  /** Unprocessed pairs of leavers (users who left the IdP), except in these groups. */
  leaverPairs(
    integrationId: string,
    exceptGroupIds: readonly string[],
    limit: number,
  ): Promise<(PairMark & { groupId: string })[]> {
    const others = exceptGroupIds.length > 0 ? `AND groupId NOT IN (${inList(exceptGroupIds)})` : '';
    return this.reader.query<(PairMark & { groupId: string })[]>(
      `SELECT groupId, userId, mark, cause FROM member_change WHERE leaverOf = ? ${others}
       ORDER BY groupId LIMIT ?`,
      [integrationId, ...exceptGroupIds, limit],
    );
  }

  /** Pairs of these groups that changed in a small change. */
  smallChanges(
    integrationId: string,
    groupIds: readonly string[],
    limit: number,
  ): Promise<(PairMark & { groupId: string })[]> {
    return this.reader.query<(PairMark & { groupId: string })[]>(
      `SELECT groupId, userId, mark, cause FROM member_change WHERE smallOf = ? AND groupId IN (${inList(groupIds)})
       ORDER BY groupId LIMIT ?`,
      [integrationId, ...groupIds, limit],
    );
  }

  /** Leavers in these groups whose removal failed before and is due again. */
  leaversToRetry(
    integrationId: string,
    groupIds: readonly string[],
    now: number,
    limit: number,
  ): Promise<{ groupId: string; remoteUserId: string }[]> {
    if (groupIds.length === 0) return Promise.resolve([]);
    return this.reader.query<{ groupId: string; remoteUserId: string }[]>(
      `SELECT g.groupId AS groupId, m.remoteUserId AS remoteUserId FROM remote_group g
       JOIN remote_member m ON m.remoteGroupId = g.id AND m.nextAttemptAt <= ?
       WHERE g.integrationId = ? AND g.groupId IN (${inList(groupIds)})
         AND m.kind IS NOT NULL AND (m.state = 'removing' OR m.reason = '${WAITS_FOR_ADDITIONS}')
         AND EXISTS (SELECT 1 FROM remote_user l
                     WHERE l.integrationId = g.integrationId AND l.remoteUserId = m.remoteUserId)
         AND NOT EXISTS (SELECT 1 FROM remote_user r JOIN scim_user u ON u.id = r.userId
                         WHERE r.integrationId = g.integrationId AND r.remoteUserId = m.remoteUserId
                           AND u.active = 1 AND u.deletedAt IS NULL)
       ORDER BY m.nextAttemptAt LIMIT ?`,
      [now, integrationId, ...groupIds, limit],
    );
  }

  /** Drops users whose mark is gone: another worker has processed them meanwhile. Users without a mark stay. */
  async stillChanged(
    groupId: string,
    userIds: readonly string[],
    marks: readonly PairMark[],
  ): Promise<readonly string[]> {
    if (marks.length === 0) return userIds;
    const left = new Set<string>();
    for await (const some of chunksToRead(marks.map(({ userId }) => userId))) {
      const rows = await this.reader.query<{ userId: string }[]>(
        `SELECT userId FROM member_change WHERE groupId = ? AND userId IN (${inList(some)})`,
        [groupId, ...some],
      );
      for (const { userId } of rows) left.add(userId);
    }
    const done = new Set(marks.map(({ userId }) => userId).filter((userId) => !left.has(userId)));
    return userIds.filter((userId) => !done.has(userId));
  }

  /** The changed pairs whose users the IdP wants in the group. */
  joiningPairs(groupId: string, limit: number, after: string): Promise<PairMark[]> {
    return this.reader.query<PairMark[]>(
      `SELECT c.userId AS userId, c.mark AS mark, c.cause AS cause FROM member_change c
       JOIN group_member m ON m.groupId = c.groupId AND m.userId = c.userId
       JOIN scim_user u ON u.id = c.userId AND u.active = 1 AND u.deletedAt IS NULL
       WHERE c.groupId = ? AND c.userId > ? ORDER BY c.userId LIMIT ?`,
      [groupId, after, limit],
    );
  }

  /** All users that these groups may need. The provider can then look them up together in the fewest calls. */
  async usersNeededBy(views: readonly LoadedGroup[]): Promise<AskedFor> {
    const slice = new Slice();
    const asked = new Map<string, number | null>();
    const add = (userId: string, since: number | null) => addAsked(asked, userId, since);
    for (const view of views) {
      if (!view.group) continue;
      if (view.change?.whole)
        await this.addMembers(asked, add, slice, view.groupId, markedAt(view.change.mark));
      for (let after = '', read = 0; read < PEOPLE_PER_LOOK_UP;) {
        const pairs = await this.changedPairs(view.groupId, CHUNK, after);
        for (const { userId, mark } of pairs) add(userId, markedAt(mark));
        if (slice.isOver) await slice.next();
        if (pairs.length < CHUNK) break;
        read += pairs.length;
        after = pairs.at(-1)!.userId;
      }
      for (const userId of await this.differingDue(view.groupId, Date.now(), PEOPLE_PER_LOOK_UP)) {
        add(userId, null);
      }
      if (slice.isOver) await slice.next();
      if (!view.remote) continue;
      for (const userId of await this.parkedDue(view.remote.id, Date.now(), PEOPLE_PER_LOOK_UP)) {
        add(userId, null);
      }
      if (slice.isOver) await slice.next();
    }
    return asked;
  }

  private async addMembers(
    asked: AskedFor,
    add: (userId: string, since: number | null) => void,
    slice: Slice,
    groupId: string,
    since: number | null,
  ): Promise<void> {
    for (let after = ''; asked.size < PEOPLE_PER_LOOK_UP * 10;) {
      const members = await this.membersAfter(groupId, after, CHUNK);
      for (const userId of members) add(userId, since);
      if (slice.isOver) await slice.next();
      if (members.length < CHUNK) return;
      after = members.at(-1)!;
    }
  }

  /** Members of the group, ordered by user id. Used to compare a whole group chunk by chunk. */
  async membersAfter(groupId: string, after: string, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ userId: string }[]>(
      'SELECT userId FROM group_member WHERE groupId = ? AND userId > ? ORDER BY userId LIMIT ?',
      [groupId, after, limit],
    );
    return rows.map(({ userId }) => userId);
  }

  /** Remote users that we know in the remote group, ordered by id. */
  remoteMembersAfter(remoteGroupId: string, after: string, limit: number): Promise<string[]> {
    return this.remoteMembers(remoteGroupId, after, limit);
  }

  /**
   * The users that the target refused to add, and whose retry is not due yet. The refusal must be for the current
   * link: the state of another remote user is no reason for a retry.
   */
  async refusedAmong(remoteGroupId: string, userIds: readonly string[], now: number): Promise<Set<string>> {
    const rows = await this.reader.query<{ userId: string }[]>(
      `SELECT p.userId AS userId FROM parked_member p
       JOIN remote_user r ON r.userId = p.userId AND r.remoteUserId IS NOT NULL
       LEFT JOIN remote_member m ON m.remoteGroupId = p.remoteGroupId AND m.remoteUserId = r.remoteUserId
       WHERE p.remoteGroupId = ? AND p.userId IN (${inList(userIds)}) AND p.kind = 'waiting' AND p.attempts > 0
         AND p.nextAttemptAt > ? AND m.remoteUserId IS NULL`,
      [remoteGroupId, ...userIds, now],
    );
    return new Set(rows.map(({ userId }) => userId));
  }

  /** As `remoteMembersAfter`, without members whose removal the target refused and whose retry is not due yet. */
  remoteMembersToCompare(
    remoteGroupId: string,
    after: string,
    now: number,
    limit: number,
  ): Promise<string[]> {
    return this.remoteMembers(
      remoteGroupId,
      after,
      limit,
      "(kind IS NULL OR kind <> 'waiting' OR nextAttemptAt <= ?)",
      [now],
    );
  }

  /** As `remoteMembersAfter`, without members whose last call failed and whose retry is not due yet. */
  remoteMembersNotWaiting(
    remoteGroupId: string,
    after: string,
    now: number,
    limit: number,
  ): Promise<string[]> {
    return this.remoteMembers(remoteGroupId, after, limit, "(state = 'present' OR nextAttemptAt <= ?)", [
      now,
    ]);
  }

  private async remoteMembers(
    remoteGroupId: string,
    after: string,
    limit: number,
    which = '1 = 1',
    params: readonly unknown[] = [],
  ): Promise<string[]> {
    const rows = await this.reader.query<{ remoteUserId: string }[]>(
      `SELECT remoteUserId FROM remote_member WHERE remoteGroupId = ? AND remoteUserId > ? AND ${which}
       ORDER BY remoteUserId LIMIT ?`,
      [remoteGroupId, after, ...params, limit],
    );
    return rows.map(({ remoteUserId }) => remoteUserId);
  }

  /**
   * The remote users that may belong to a member that the IdP wants in the group: a user with the same address
   * that has not been looked up by it yet.
   */
  async mayBeWanted(groupId: string, remoteUserIds: readonly string[]): Promise<Set<string>> {
    const wanted = new Set<string>();
    for await (const some of chunksToRead(remoteUserIds)) {
      const rows = await this.reader.query<{ remoteUserId: string }[]>(
        `SELECT DISTINCT r.remoteUserId AS remoteUserId FROM scim_group g
         JOIN remote_user r ON r.integrationId = g.integrationId AND r.remoteUserId IN (${inList(some)})
         JOIN scim_user u ON u.integrationId = g.integrationId AND u.emailKey = COALESCE(r.linkedEmailKey, r.emailKey)
           AND u.active = 1 AND u.deletedAt IS NULL
         JOIN group_member m ON m.groupId = g.id AND m.userId = u.id
         LEFT JOIN remote_user ur ON ur.userId = u.id
         WHERE g.id = ? AND (ur.remoteUserId IS NULL OR ur.emailKey IS NULL OR ur.emailKey <> u.emailKey)`,
        [...some, groupId],
      );
      for (const { remoteUserId } of rows) wanted.add(remoteUserId);
    }
    return wanted;
  }

  /** Parked users of the group whose retry is due. */
  async parkedDue(remoteGroupId: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ userId: string }[]>(
      `SELECT userId FROM parked_member WHERE remoteGroupId = ? AND kind IN ('waiting', 'passing')
         AND nextAttemptAt <= ? LIMIT ?`,
      [remoteGroupId, now, limit],
    );
    return rows.map(({ userId }) => userId);
  }

  /** Members of the group that are linked by a former address and are due for a new look-up. */
  async differingDue(groupId: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ userId: string }[]>(
      `SELECT r.userId AS userId FROM scim_group g
       JOIN remote_user r ON r.integrationId = g.integrationId AND r.reason = '${EMAIL_DIFFERS}' AND r.nextCheckAt <= ?
       JOIN group_member m ON m.groupId = g.id AND m.userId = r.userId
       WHERE g.id = ? LIMIT ?`,
      [now, groupId, limit],
    );
    return rows.map(({ userId }) => userId);
  }

  /** All parked users of the group, due or not, ordered by user id. */
  async parkedAfter(
    remoteGroupId: string,
    after: string,
    limit: number,
  ): Promise<{ userId: string; reason: string; message: string }[]> {
    return this.reader.query<{ userId: string; reason: string; message: string }[]>(
      `SELECT userId, reason, message FROM parked_member WHERE remoteGroupId = ? AND userId > ?
       ORDER BY userId LIMIT ?`,
      [remoteGroupId, after, limit],
    );
  }

  /** Remote users whose add or remove call is due again. */
  async callsDue(remoteGroupId: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ remoteUserId: string }[]>(
      'SELECT remoteUserId FROM remote_member WHERE remoteGroupId = ? AND nextAttemptAt <= ? LIMIT ?',
      [remoteGroupId, now, limit],
    );
    return rows.map(({ remoteUserId }) => remoteUserId);
  }

  /** Users that are linked to these remote users and are about to join the remote group. */
  async joiningUsersOf(remoteGroupId: string, remoteUserIds: readonly string[]): Promise<string[]> {
    if (remoteUserIds.length === 0) return [];
    const rows = await this.reader.query<{ userId: string }[]>(
      `SELECT r.userId AS userId FROM remote_group g
       JOIN remote_member m ON m.remoteGroupId = g.id AND m.state = 'adding'
       JOIN remote_user r ON r.integrationId = g.integrationId AND r.remoteUserId = m.remoteUserId
       WHERE g.id = ? AND m.remoteUserId IN (${inList(remoteUserIds)})`,
      [remoteGroupId, ...remoteUserIds],
    );
    return rows.map(({ userId }) => userId);
  }

  /**
   * What the planner needs to know about these users and remote users in this group.
   *
   * @param fresh unrecorded links that replace the recorded ones
   */
  async planInput(
    group: PlannedGroup,
    userIds: readonly string[],
    remoteUserIds: readonly string[],
    fresh: FreshLinks = NO_FRESH_LINKS,
    pauses: Pauses = new Slice(),
  ): Promise<MemberPlanInput> {
    const people = await this.people(group, userIds, fresh);
    if (pauses.isOver) await pauses.next();
    const concerned = [
      ...new Set([
        ...remoteUserIds,
        ...people.flatMap(({ link }) => (link.kind === 'resolved' ? [link.remoteUserId] : [])),
      ]),
    ];
    const wanted = await this.wanted(group.integrationId, group.groupId, concerned, fresh);
    if (pauses.isOver) await pauses.next();
    const known = await this.known(group.remoteGroupId, concerned);
    if (pauses.isOver) await pauses.next();
    const leavers = await this.leavers(group.integrationId, concerned, fresh);
    if (pauses.isOver) await pauses.next();
    const occupied = await this.occupied(group.remoteGroupId);
    const room = group.membersPerGroup - occupied;
    const { unmanagedMembers } = group;
    return { people, remoteUserIds, wanted, known, leavers, unmanagedMembers, room };
  }

  /** The names of these users, as people know them. */
  async named(userIds: readonly string[]): Promise<Map<string, { userName: string; email: string | null }>> {
    const named = new Map<string, { userName: string; email: string | null }>();
    for await (const some of chunksToRead(userIds)) {
      const rows = await this.reader.query<{ id: string; userName: string; email: string | null }[]>(
        `SELECT id, userName, email FROM scim_user WHERE id IN (${inList(some)})`,
        [...some],
      );
      for (const { id, userName, email } of rows) named.set(id, { userName, email });
    }
    return named;
  }

  /** By remote user: one of the users linked to it. */
  async linkedTo(
    integrationId: string,
    remoteUserIds: readonly string[],
  ): Promise<Map<string, { userId: string; userName: string }>> {
    const linked = new Map<string, { userId: string; userName: string }>();
    for await (const some of chunksToRead(remoteUserIds)) {
      const rows = await this.reader.query<{ remoteUserId: string; userId: string; userName: string }[]>(
        `SELECT r.remoteUserId AS remoteUserId, u.id AS userId, u.userName AS userName
         FROM remote_user r JOIN scim_user u ON u.id = r.userId
         WHERE r.integrationId = ? AND r.remoteUserId IN (${inList(some)})`,
        [integrationId, ...some],
      );
      for (const { remoteUserId, userId, userName } of rows) linked.set(remoteUserId, { userId, userName });
    }
    return linked;
  }

  private async people(
    { groupId, remoteGroupId }: PlannedGroup,
    userIds: readonly string[],
    fresh: FreshLinks,
  ): Promise<Person[]> {
    if (userIds.length === 0) return [];
    const desired = await this.desiredAmong(groupId, userIds);
    const links = await this.reader.query<(LinkFields & { userId: string })[]>(
      `SELECT userId, remoteUserId, reason, message, nextCheckAt FROM remote_user WHERE userId IN (${inList(userIds)})`,
      [...userIds],
    );
    const linkOf = new Map(links.map((link) => [link.userId, link]));
    const parked = await this.reader.query<{ userId: string; attempts: number }[]>(
      `SELECT userId, attempts FROM parked_member WHERE remoteGroupId = ? AND attempts > 0 AND userId IN (${inList(userIds)})`,
      [remoteGroupId, ...userIds],
    );
    const refusalsOf = new Map(parked.map(({ userId, attempts }) => [userId, attempts]));
    return userIds.map((userId) => ({
      userId,
      refusals: refusalsOf.get(userId),
      desired: desired.has(userId),
      link: fresh.of(userId) ?? asLink(linkOf.get(userId)),
    }));
  }

  /** The users that the IdP wants in the group. */
  private async desiredAmong(groupId: string, userIds: readonly string[]): Promise<Set<string>> {
    if (userIds.length === 0) return new Set();
    const rows = await this.reader.query<{ userId: string }[]>(
      `SELECT u.id AS userId FROM scim_user u JOIN group_member m ON m.userId = u.id
       WHERE m.groupId = ? AND m.userId IN (${inList(userIds)}) AND u.active = 1 AND u.deletedAt IS NULL`,
      [groupId, ...userIds],
    );
    return new Set(rows.map(({ userId }) => userId));
  }

  private async wanted(
    integrationId: string,
    groupId: string,
    remoteUserIds: readonly string[],
    fresh: FreshLinks,
  ) {
    const wanted = new Map<string, string[]>();
    if (remoteUserIds.length === 0) return wanted;
    const rows = await membersLinkedTo(this.reader, integrationId, groupId, remoteUserIds);
    const freshlyLinked = fresh.to(remoteUserIds);
    const desired = await this.desiredAmong(
      groupId,
      freshlyLinked.map(({ userId }) => userId),
    );
    const links = [
      ...rows.filter(({ userId }) => !fresh.has(userId)),
      ...freshlyLinked.filter(({ userId }) => desired.has(userId)),
    ];
    for (const { remoteUserId, userId } of links) {
      const users = wanted.get(remoteUserId);
      if (users) users.push(userId);
      else wanted.set(remoteUserId, [userId]);
    }
    return wanted;
  }

  private async known(remoteGroupId: string, remoteUserIds: readonly string[]) {
    const known = new Map<string, KnownMember>();
    if (remoteUserIds.length === 0) return known;
    const rows = await this.reader.query<
      {
        remoteUserId: string;
        state: RemoteMemberState;
        managed: number;
        preexisting: number;
        kind: ParkedKind | null;
        reason: string | null;
        attempts: number;
        refusals: number | null;
        notFoundSince: number | null;
      }[]
    >(
      `SELECT remoteUserId, state, managed, preexisting, kind, reason, attempts, refusals, notFoundSince
       FROM remote_member WHERE remoteGroupId = ? AND remoteUserId IN (${inList(remoteUserIds)})`,
      [remoteGroupId, ...remoteUserIds],
    );
    for (const { remoteUserId, state, managed, preexisting, reason, ...row } of rows) {
      const failures = row.attempts + (row.refusals ?? 0) + (row.notFoundSince === null ? 0 : 1);
      known.set(remoteUserId, {
        state,
        managed: Boolean(managed),
        preexisting: Boolean(preexisting),
        waitsToLeave: state === 'present' && reason === WAITS_FOR_ADDITIONS,
        isKept: state === 'removing' && row.kind === 'waiting',
        // No call was made yet for a member that waits to leave.
        failures: state === 'present' ? 0 : failures,
      });
    }
    return known;
  }

  /**
   * Remote users whose linked IdP users are all inactive or deleted. A user linked by a former address counts as
   * active: no user has left. That remote user stays until a look-up finds the user by the new address.
   */
  private async leavers(integrationId: string, remoteUserIds: readonly string[], fresh: FreshLinks) {
    if (remoteUserIds.length === 0) return new Set<string>();
    const rows = await this.reader.query<{ remoteUserId: string; userId: string; active: number }[]>(
      `SELECT r.remoteUserId AS remoteUserId, r.userId AS userId,
              CASE WHEN u.active = 1 AND u.deletedAt IS NULL THEN 1 ELSE 0 END AS active
       FROM remote_user r LEFT JOIN scim_user u ON u.id = r.userId
       WHERE r.integrationId = ? AND r.remoteUserId IN (${inList(remoteUserIds)})`,
      [integrationId, ...remoteUserIds],
    );
    const linked = rows.filter(({ userId }) => !fresh.has(userId));
    const active = new Set(
      [...linked.filter((row) => Number(row.active) === 1), ...fresh.to(remoteUserIds)].map(
        ({ remoteUserId }) => remoteUserId,
      ),
    );
    return new Set(
      linked.map(({ remoteUserId }) => remoteUserId).filter((remoteUserId) => !active.has(remoteUserId)),
    );
  }

  private async occupied(remoteGroupId: string): Promise<number> {
    const [row] = await this.reader.query<[{ members: number }]>(
      `SELECT COUNT(*) AS members FROM remote_member WHERE remoteGroupId = ? AND ${TAKES_PLACE}`,
      [remoteGroupId],
    );
    return Number(row.members);
  }
}

interface LinkFields {
  remoteUserId: string | null;
  reason: string | null;
  message: string | null;
  nextCheckAt: number | null;
}

/** A recorded or an unrecorded link, as the planner needs it. */
export function asLink(row: LinkFields | undefined): Person['link'] {
  if (row && row.remoteUserId !== null) return { kind: 'resolved', remoteUserId: row.remoteUserId };
  return {
    kind: 'unresolved',
    reason: row?.reason ?? NOT_LOOKED_UP,
    message: row?.message ?? 'Scimify has not looked this user up yet.',
    nextCheckAt: Number(row?.nextCheckAt ?? 0),
  };
}

/** If several groups ask for the same user, the latest time counts. */
export function addAsked(asked: Map<string, number | null>, userId: string, since: number | null): void {
  const before = asked.get(userId) ?? null;
  asked.set(userId, since === null || (before ?? 0) > since ? before : since);
}

/**
 * SQL condition on `member_change`, with the parameters of `marksParams`. A pair that has changed again has a newer
 * mark and does not match.
 */
export function marksCondition(marks: readonly PairMark[]): string {
  return `groupId = ? AND userId IN (${inList(marks)}) AND mark IN (${inList(marks)})`;
}

export function marksParams(groupId: string, marks: readonly PairMark[]): string[] {
  return [groupId, ...marks.map(({ userId }) => userId), ...marks.map(({ mark }) => mark)];
}

export function plannedGroup(run: RunContext, view: GroupWithRemote): PlannedGroup {
  return {
    integrationId: run.integration.id,
    groupId: view.groupId,
    remoteGroupId: view.remote.id,
    membersPerGroup: run.provider.limits.membersPerGroup,
    unmanagedMembers: run.integration.policies.unmanagedMembers,
  };
}
