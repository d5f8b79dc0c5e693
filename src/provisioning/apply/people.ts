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

/** So many people are planned and applied at a time. */
export const CHUNK = 500;
/** Chunks of people whose time has come that one look at a group goes through; more of them wait for the next. */
export const MAX_RETRY_CHUNKS = 20;

/** Nobody has asked the target yet, or it could not be asked. */
export const NOT_LOOKED_UP = 'not_looked_up';

export interface PairMark {
  userId: string;
  mark: string;
  /** Id of the request that touched the pair last. */
  cause: string | null;
}

export interface PlannedGroup {
  integrationId: string;
  groupId: string;
  remoteGroupId: string;
  membersPerGroup: number;
  unmanagedMembers: MemberPlanInput['unmanagedMembers'];
}

/** Reads the pairs that a member plan is made from; each question costs what the pairs in it cost, not the group. */
@Injectable()
export class People {
  constructor(@InjectDataSource() private readonly reader: DataSource) {}

  /** Pairs that changed since they were last looked at, in the order of their users' ids. */
  changedPairs(groupId: string, limit: number, after = ''): Promise<PairMark[]> {
    return this.reader.query<PairMark[]>(
      'SELECT userId, mark, cause FROM member_change WHERE groupId = ? AND userId > ? ORDER BY userId LIMIT ?',
      [groupId, after, limit],
    );
  }

  /** Pairs of people who left the IdP and were not yet looked at for that, but in these groups. */
  leaverPairs(
    integrationId: string,
    butIn: readonly string[],
    limit: number,
  ): Promise<(PairMark & { groupId: string })[]> {
    const others = butIn.length > 0 ? `AND groupId NOT IN (${inList(butIn)})` : '';
    return this.reader.query<(PairMark & { groupId: string })[]>(
      `SELECT groupId, userId, mark, cause FROM member_change WHERE leaverOf = ? ${others}
       ORDER BY groupId LIMIT ?`,
      [integrationId, ...butIn, limit],
    );
  }

  /** Pairs of these groups that changed with few others. */
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

  /** Of these groups, people who left the IdP and whose removal did not work yet, and is due. */
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

  /** Those of these users who were not among the changed pairs, or still are: somebody else may have done theirs. */
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

  /** Those of the changed pairs whose users the IdP wants in the team. */
  joiningPairs(groupId: string, limit: number, after: string): Promise<PairMark[]> {
    return this.reader.query<PairMark[]>(
      `SELECT c.userId AS userId, c.mark AS mark, c.cause AS cause FROM member_change c
       JOIN group_member m ON m.groupId = c.groupId AND m.userId = c.userId
       JOIN scim_user u ON u.id = c.userId AND u.active = 1 AND u.deletedAt IS NULL
       WHERE c.groupId = ? AND c.userId > ? ORDER BY c.userId LIMIT ?`,
      [groupId, after, limit],
    );
  }

  /** All whom these groups may need, so that the provider can choose the fewest calls for all of them together. */
  async concernedBy(views: readonly LoadedGroup[]): Promise<AskedFor> {
    const slice = new Slice();
    const asked = new Map<string, number | null>();
    const add = (userId: string, since: number | null) => ask(asked, userId, since);
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

  /** Members of the group in the order of their ids: one chunk of comparing the whole of it. */
  async membersAfter(groupId: string, after: string, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ userId: string }[]>(
      'SELECT userId FROM group_member WHERE groupId = ? AND userId > ? ORDER BY userId LIMIT ?',
      [groupId, after, limit],
    );
    return rows.map(({ userId }) => userId);
  }

  /** Remote users whom we know in the team, in the order of their ids. */
  remoteMembersAfter(remoteGroupId: string, after: string, limit: number): Promise<string[]> {
    return this.remoteMembers(remoteGroupId, after, limit);
  }

  /**
   * Those of these people whom the target does not take into the team, as it said of this very link, and whose next attempt has
   * not come. What became of somebody else is no reason to try them again.
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

  /** As `remoteMembersAfter`, but for those whom the target does not let go and whose next attempt has not come. */
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

  /** As `remoteMembersAfter`, but for those whose call has just failed. */
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
   * Those of these remote users who may turn out to be somebody whom the IdP wants in the group: their address is that of
   * a user who was not looked up by it yet.
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

  /** People of the group whose next attempt has come. */
  async parkedDue(remoteGroupId: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ userId: string }[]>(
      `SELECT userId FROM parked_member WHERE remoteGroupId = ? AND kind IN ('waiting', 'passing')
         AND nextAttemptAt <= ? LIMIT ?`,
      [remoteGroupId, now, limit],
    );
    return rows.map(({ userId }) => userId);
  }

  /** People of the group who are there as whom they were by a former address, and are to be looked for again. */
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

  /** People of the group who wait, whether or not their next attempt has come, in the order of their ids. */
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

  /** Remote users whose call, to add or to remove them, is to be made again. */
  async callsDue(remoteGroupId: string, now: number, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ remoteUserId: string }[]>(
      'SELECT remoteUserId FROM remote_member WHERE remoteGroupId = ? AND nextAttemptAt <= ? LIMIT ?',
      [remoteGroupId, now, limit],
    );
    return rows.map(({ remoteUserId }) => remoteUserId);
  }

  /** Users who are these people of the target and are to join the team. */
  async joiningAs(remoteGroupId: string, remoteUserIds: readonly string[]): Promise<string[]> {
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
   * @param fresh links that are to count although they are not recorded
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

  /** How people call these users. */
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

  /** By remote user, one of the users who are linked to them. */
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

  /** Those of these users whom the IdP wants in the group's team. */
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
    const linkedAnew = fresh.to(remoteUserIds);
    const desired = await this.desiredAmong(
      groupId,
      linkedAnew.map(({ userId }) => userId),
    );
    const links = [
      ...rows.filter(({ userId }) => !fresh.has(userId)),
      ...linkedAnew.filter(({ userId }) => desired.has(userId)),
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
        // Whoever waits to leave was not called for.
        failures: state === 'present' ? 0 : failures,
      });
    }
    return known;
  }

  /**
   * Those who are somebody for the IdP, but nobody active. Whom a user was taken for by a former address is not one of
   * them: nobody left, and they wait for whom the new address means.
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

/** A link as it is recorded, or would be, for the planner. */
export function asLink(row: LinkFields | undefined): Person['link'] {
  if (row && row.remoteUserId !== null) return { kind: 'resolved', remoteUserId: row.remoteUserId };
  return {
    kind: 'unresolved',
    reason: row?.reason ?? NOT_LOOKED_UP,
    message: row?.message ?? 'The person has not been looked up yet.',
    nextCheckAt: Number(row?.nextCheckAt ?? 0),
  };
}

/** Somebody whom several ask for is asked for since the last of them did. */
export function ask(asked: Map<string, number | null>, userId: string, since: number | null): void {
  const before = asked.get(userId) ?? null;
  asked.set(userId, since === null || (before ?? 0) > since ? before : since);
}

/** Condition on `member_change`, with the parameters of `ofPairs`: a pair that changed again meanwhile has a newer mark. */
export function ofTheseMarks(marks: readonly PairMark[]): string {
  return `groupId = ? AND userId IN (${inList(marks)}) AND mark IN (${inList(marks)})`;
}

export function ofPairs(groupId: string, marks: readonly PairMark[]): string[] {
  return [groupId, ...marks.map(({ userId }) => userId), ...marks.map(({ mark }) => mark)];
}

/** A group as the planner has to know it. */
export function plannedGroup(run: RunContext, view: GroupWithRemote): PlannedGroup {
  return {
    integrationId: run.integration.id,
    groupId: view.groupId,
    remoteGroupId: view.remote.id,
    membersPerGroup: run.provider.limits.membersPerGroup,
    unmanagedMembers: run.integration.policies.unmanagedMembers,
  };
}
