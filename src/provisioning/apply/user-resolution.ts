import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { FOR_UPDATE, inList, throughIndex } from '../../database/dialect';
import { chunksOf, chunksToRead } from '../../database/chunks';
import type { Transaction } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import { markedAt } from '../../directory/mark';
import type {
  AddressesShown,
  CallContext,
  CallPriority,
  ProviderConnection,
} from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import {
  EMAIL_DIFFERS,
  type LinkedBefore,
  OLDEST_ANSWER_MS,
  type PlannedLink,
  planLink,
} from '../plan/link-plan';
import { type Lease, Leases } from '../schedule/lease';
import { unlinkGone, writeLink } from '../state/remote-links';
import type { RunContext } from './run-context';
import { ShownAddresses } from './shown-addresses';

/** Small enough to leave most of a turn to other look-ups. */
const REVIEWED_AT_ONCE = 500;
const REVIEWED_AGAIN_AFTER_MS = 60_000;
/** A link that added no member within this time is looked up again before it is used. */
const UNUSED_FOR_MS = 60_000;

/** A user whose look-up is due. */
export interface Unlinked extends LinkedBefore {
  userId: string;
  userName: string;
  email: string | null;
  externalId: string | null;
  /** JSON of the other attributes that the target needs; null if it needs none. */
  targetAttributes: string | null;
  targetAttributesKey: string | null;
  /** Answers older than this must not be used; epoch milliseconds, or null if no old answer may be used. */
  askedSince: number | null;
}

/** Users to look up, each with the time of its change; epoch milliseconds, or null if the time is not known. */
export type AskedFor = ReadonlyMap<string, number | null>;

/** Users to look up because of one change, or without a change. */
export function askedFor(userIds: readonly string[], mark?: string): AskedFor {
  const since = mark === undefined ? null : markedAt(mark);
  return new Map(userIds.map((userId) => [userId, since]));
}

/** Users to look up because their pairs changed. */
export function askedForBy(pairs: readonly { userId: string; mark: string }[]): AskedFor {
  return new Map(pairs.map(({ userId, mark }) => [userId, markedAt(mark)]));
}

/** Finds the remote user of each IdP user, in as few calls as the provider can. */
@Injectable()
export class UserResolution {
  /** The last look-up in the queue: per run and priority. */
  private readonly queues = new WeakMap<Lease, Map<CallPriority, Promise<unknown>>>();

  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
    private readonly marks: ChangeMarks,
    private readonly shown: ShownAddresses,
  ) {}

  /**
   * Looks up active users that are unknown, have a new address, are due for a check, or were found a while ago and
   * not added since.
   */
  async resolve(run: RunContext, asked: AskedFor): Promise<void> {
    let unlinked = await this.due(asked);
    while (unlinked.length > 0) unlinked = await this.resolveSome(run, unlinked);
  }

  /**
   * As `beginToResolve`, for many users. The workers of a run take turns, so that no user is looked up twice.
   *
   * @returns users without a result yet
   */
  async resolveSomeInTurn(run: RunContext, asked: AskedFor): Promise<Unlinked[]> {
    const { priority } = run.call;
    const last = this.queues.get(run.lease) ?? new Map<CallPriority, Promise<unknown>>();
    const previous = last.get(priority);
    const turn = Promise.allSettled([previous]).then(async () =>
      this.resolveSome(run, await this.due(asked)),
    );
    this.queues.set(run.lease, last.set(priority, turn));
    return turn;
  }

  /**
   * As `resolve`, but only for users that the provider answers at once. A caller that needs only these does not
   * wait for the rest.
   */
  async beginToResolve(run: RunContext, asked: AskedFor): Promise<void> {
    await this.resolveSome(run, await this.due(asked));
  }

  /** @returns users without a result yet */
  private async resolveSome(run: RunContext, unlinked: readonly Unlinked[]): Promise<Unlinked[]> {
    if (unlinked.length === 0) return [];
    const askedAt = Date.now();
    const shown = new Map<string, string>();
    const { links: looked, left } = await lookUp(run.connection, unlinked, run.call, (addresses) => {
      for (const [remoteUserId, address] of addresses) shown.set(remoteUserId, address);
    });
    for await (const some of chunksOf(looked)) {
      await this.leases.run(run.lease, async (tx) => {
        const links = await currentLinks(
          tx,
          some.map(({ user }) => user),
        );
        const found: string[] = [];
        const newlyFound: string[] = [];
        for (const { user, link: planned } of some) {
          const link = links.get(user.userId);
          // Meanwhile an admin has pinned the link.
          if (link && Boolean(link.pinned) && link.incarnation === user.incarnation) continue;
          if (planned.remoteUserId !== null && planned.reason === null) found.push(planned.remoteUserId);
          await this.record(tx, run.integration.id, user, planned, link?.remoteUserId ?? null);
          if (link?.remoteUserId !== null || planned.remoteUserId === null) continue;
          // A search may still show a deleted remote user. For users whose call has just failed for it, that is no
          // news.
          if (planned.remoteUserId !== link.goneRemoteUserId) newlyFound.push(user.userId);
        }
        await this.reviewOlderLinks(tx, run.integration.id, found);
        await this.retryWaitingGroups(tx, run.integration.id, newlyFound);
      });
    }
    const decided = new Set(looked.map(({ user }) => user.userId));
    await this.shown.compare(run, { addresses: shown, askedAt, decided });
    return left;
  }

  /**
   * Looks up users again that are linked by a former address. No group waits for them, but the new address may by
   * now belong to another remote user.
   */
  async reviewDiffering(run: RunContext): Promise<void> {
    const now = Date.now();
    const due = await this.reader.query<{ userId: string }[]>(
      `SELECT r.userId AS userId ${LINKED_BY_FORMER_ADDRESS} AND r.nextCheckAt <= ? ORDER BY r.nextCheckAt LIMIT ?`,
      [run.integration.id, now, REVIEWED_AT_ONCE],
    );
    if (due.length === 0) return;
    const userIds = due.map(({ userId }) => userId);
    try {
      await this.resolve(run, askedFor(userIds));
    } catch (error) {
      // A passing failure must not stop groups that have work. These users keep their places meanwhile.
      if (!(error instanceof ProviderError) || error.accountWide) throw error;
      const at = Date.now() + Math.max(error.retryAfterMs ?? 0, REVIEWED_AGAIN_AFTER_MS);
      await this.leases.run(run.lease, (tx) =>
        tx.query(
          `UPDATE remote_user SET nextCheckAt = ? WHERE userId IN (${inList(userIds)}) AND reason = '${EMAIL_DIFFERS}'`,
          [at, ...userIds],
        ),
      );
    }
  }

  /** When the next of these users is due for a look-up; epoch milliseconds. */
  async nextReview(integrationId: string): Promise<number | null> {
    const [row] = await this.reader.query<[{ dueAt: number | null }]>(
      `SELECT MIN(r.nextCheckAt) AS dueAt ${LINKED_BY_FORMER_ADDRESS}`,
      [integrationId],
    );
    return row.dueAt === null ? null : Number(row.dueAt);
  }

  /**
   * The target no longer has this remote user. Linked users are looked up again, and every other group that
   * contains the remote user is compared. If a search still shows it, the search is not repeated at once: it would
   * show it again, and the next call would fail again.
   */
  async unlinkGoneUser(
    tx: Transaction,
    integrationId: string,
    remoteUserId: string,
    message: string,
  ): Promise<void> {
    const linked = await tx.query<{ userId: string; attempts: number; goneRemoteUserId: string | null }>(
      `SELECT userId, attempts, goneRemoteUserId FROM remote_user
       WHERE integrationId = ? AND remoteUserId = ?${FOR_UPDATE}`,
      [integrationId, remoteUserId],
    );
    for (const { userId, ...before } of linked) {
      const attempts = before.goneRemoteUserId === remoteUserId ? before.attempts + 1 : 0;
      await unlinkGone(tx, [userId], message, { remoteUserId, attempts });
    }
    await this.compareRemoteGroupsOf(tx, integrationId, remoteUserId);
  }

  /** The users of this list whose look-up is due. */
  async due(asked: AskedFor): Promise<Unlinked[]> {
    const unlinked: Unlinked[] = [];
    for await (const some of chunksToRead([...asked.keys()])) {
      unlinked.push(...(await this.unlinkedAmong(some, asked)));
    }
    return unlinked;
  }

  private async unlinkedAmong(userIds: readonly string[], asked: AskedFor): Promise<Unlinked[]> {
    const rows = await this.reader.query<UnlinkedRow[]>(
      `SELECT u.id AS userId, u.userName AS userName, u.email AS email, u.emailKey AS emailKey,
              u.incarnation AS incarnation, u.externalIdKey AS externalId,
              u.targetAttributes AS targetAttributes, u.targetAttributesKey AS targetAttributesKey, r.remoteUserId AS linkedTo,
              r.linkedEmailKey AS linkedEmailKey,
              r.incarnation AS linkedIncarnation, r.goneRemoteUserId AS goneRemoteUserId,
              CASE WHEN ${HAS_CHANGED} THEN 0 ELSE r.attempts END AS attempts,
              CASE WHEN ${LINKED_BELONGS_TO_ANOTHER} THEN 1 ELSE 0 END AS linkedBelongsToAnother,
              CASE WHEN r.reason IS NULL AND r.emailKey = u.emailKey AND ${NEVER_ADDED_A_MEMBER} THEN 1 ELSE 0 END AS linkIsUnused,
              r.nextCheckAt AS nextCheckAt
       FROM scim_user u LEFT JOIN remote_user r ON r.userId = u.id
       WHERE u.id IN (${inList(userIds)}) AND u.active = 1 AND u.deletedAt IS NULL
         AND (r.userId IS NULL OR r.incarnation <> u.incarnation
              OR (r.pinned = 0 AND (${HAS_CHANGED}
                                    OR r.nextCheckAt <= ?
                                    OR (r.reason IS NULL AND r.checkedAt <= ? AND ${NEVER_ADDED_A_MEMBER})
                                    OR (r.reason = '${EMAIL_DIFFERS}' AND ${LINKED_BELONGS_TO_ANOTHER}))))`,
      [...userIds, Date.now(), Date.now() - UNUSED_FOR_MS],
    );
    const now = Date.now();
    return rows.map(({ nextCheckAt, ...row }) => ({
      ...row,
      linkedBelongsToAnother: Boolean(Number(row.linkedBelongsToAnother)),
      linkIsUnused: Boolean(Number(row.linkIsUnused)),
      askedSince: latest(
        asked.get(row.userId) ?? null,
        // A future check does not count: a user that changed before it is asked for since that change.
        nextCheckAt === null || Number(nextCheckAt) > now ? null : Number(nextCheckAt),
      ),
    }));
  }

  /** A look-up for one group found these users. Their other groups need not wait for their own retry. */
  private async retryWaitingGroups(
    tx: Transaction,
    integrationId: string,
    userIds: readonly string[],
  ): Promise<void> {
    if (userIds.length === 0) return;
    const waiting = await tx.query<{ groupId: string; userId: string }>(
      `SELECT g.groupId AS groupId, p.userId AS userId FROM group_member m
       JOIN remote_group g ON g.integrationId = m.integrationId AND g.groupId = m.groupId
       JOIN parked_member p ON p.remoteGroupId = g.id AND p.userId = m.userId
       WHERE m.integrationId = ? AND m.userId IN (${inList(userIds)})`,
      [integrationId, ...userIds],
    );
    await this.markPairs(tx, integrationId, waiting);
  }

  /** Users that are linked to one of these remote users by a former address are compared again. */
  private async reviewOlderLinks(
    tx: Transaction,
    integrationId: string,
    remoteUserIds: readonly string[],
  ): Promise<void> {
    if (remoteUserIds.length === 0) return;
    const older = await tx.query<{ remoteUserId: string }>(
      `SELECT DISTINCT remoteUserId FROM remote_user
       WHERE integrationId = ? AND remoteUserId IN (${inList(remoteUserIds)}) AND reason = '${EMAIL_DIFFERS}'`,
      [integrationId, ...remoteUserIds],
    );
    for (const { remoteUserId } of older) await this.compareRemoteGroupsOf(tx, integrationId, remoteUserId);
  }

  private async record(
    tx: Transaction,
    integrationId: string,
    user: Unlinked,
    link: PlannedLink,
    linkedTo: string | null,
  ): Promise<void> {
    await writeLink(tx, integrationId, user, { ...link, pinned: false });
    if (linkedTo !== null && linkedTo !== link.remoteUserId) {
      await this.compareRemoteGroupsOf(tx, integrationId, linkedTo);
      await this.compareGroupsOf(tx, integrationId, [user.userId]);
    }
  }

  /** These users have another remote user by now: compare them in each of their groups. */
  async compareGroupsOf(
    tx: Transaction,
    integrationId: string,
    userIds: readonly string[],
    cause: string | null = null,
  ): Promise<void> {
    const pairs = await tx.query<{ groupId: string; userId: string }>(
      `SELECT m.groupId AS groupId, m.userId AS userId FROM group_member m JOIN scim_group g ON g.id = m.groupId
       WHERE m.integrationId = ? AND m.userId IN (${inList(userIds)}) AND g.deletedAt IS NULL`,
      [integrationId, ...userIds],
    );
    await this.markPairs(tx, integrationId, pairs, cause);
  }

  private async markPairs(
    tx: Transaction,
    integrationId: string,
    pairs: readonly { groupId: string; userId: string }[],
    cause: string | null = null,
  ): Promise<void> {
    const byGroup = new Map<string, string[]>();
    for (const { groupId, userId } of pairs) {
      const users = byGroup.get(groupId);
      if (users) users.push(userId);
      else byGroup.set(groupId, [userId]);
    }
    await this.marks.mark(tx, integrationId, byGroup, cause);
  }

  /** A remote user lost a link: compare every remote group that contains it. Another user may want it there. */
  async compareRemoteGroupsOf(tx: Transaction, integrationId: string, remoteUserId: string): Promise<void> {
    const rows = await tx.query<{ groupId: string }>(
      `SELECT g.groupId AS groupId FROM remote_member m JOIN remote_group g ON g.id = m.remoteGroupId
       WHERE m.remoteUserId = ? AND g.integrationId = ?`,
      [remoteUserId, integrationId],
    );
    const groupIds = rows.map(({ groupId }) => groupId);
    await this.marks.markWhole(tx, integrationId, groupIds);
  }
}

/**
 * User `u` has changed since the look-up of link `r`: another address, or another attribute that the target needs.
 */
const HAS_CHANGED = `(r.emailKey <> u.emailKey OR (r.emailKey IS NULL) <> (u.emailKey IS NULL)
  OR COALESCE(r.targetAttributesKey, '') <> COALESCE(u.targetAttributesKey, ''))`;

/** Active users `u` whose link `r` is by a former address. */
const LINKED_BY_FORMER_ADDRESS = `FROM remote_user r
  JOIN scim_user u ON u.id = r.userId AND u.active = 1 AND u.deletedAt IS NULL
  WHERE r.integrationId = ? AND r.reason = '${EMAIL_DIFFERS}'`;

/**
 * Whether the remote user of link `r` now belongs to a user other than `u`. Without the index hint MariaDB reads
 * all users of the integration for each row.
 */
const LINKED_BELONGS_TO_ANOTHER = `(r.remoteUserId IS NOT NULL AND (
  EXISTS (SELECT 1 FROM ${throughIndex('scim_user ou', 'scim_user_email')}
          WHERE ou.integrationId = u.integrationId
            AND ou.emailKey = r.linkedEmailKey AND ou.id <> u.id AND ou.active = 1 AND ou.deletedAt IS NULL)
  OR EXISTS (SELECT 1 FROM ${throughIndex('remote_user ol', 'remote_user_of_integration')}
             JOIN scim_user ou ON ou.id = ol.userId
             WHERE ol.integrationId = u.integrationId AND ol.remoteUserId = r.remoteUserId AND ol.reason IS NULL
               AND ol.userId <> u.id AND ou.active = 1 AND ou.deletedAt IS NULL)))`;

/** As far as we know, link `r` has never added a member. */
const NEVER_ADDED_A_MEMBER = `(r.remoteUserId IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM ${throughIndex('remote_member t', 'remote_member_user')}
  JOIN remote_group tg ON tg.id = t.remoteGroupId
  WHERE t.remoteUserId = r.remoteUserId AND tg.integrationId = r.integrationId AND t.state <> 'adding'))`;

type UnlinkedRow = Omit<Unlinked, 'linkedBelongsToAnother' | 'linkIsUnused' | 'askedSince'> & {
  linkedBelongsToAnother: number;
  linkIsUnused: number;
  nextCheckAt: number | null;
};

function latest(...times: (number | null)[]): number | null {
  const known = times.filter((at) => at !== null);
  return known.length > 0 ? Math.max(...known) : null;
}

/**
 * How old an answer may be. It must not be older than the change that asks for the user, so a batch can share one
 * answer. The upper limit keeps a user from joining as the remote user that had the address minutes ago.
 */
function maxAgeOf({ askedSince }: Unlinked, now: number): number {
  return askedSince === null ? 0 : Math.min(OLDEST_ANSWER_MS, Math.max(0, now - askedSince));
}

interface CurrentLink {
  userId: string;
  remoteUserId: string | null;
  goneRemoteUserId: string | null;
  incarnation: number;
  pinned: number;
}

async function currentLinks(
  tx: Transaction,
  users: readonly { userId: string }[],
): Promise<Map<string, CurrentLink>> {
  const rows = await tx.query<CurrentLink>(
    `SELECT userId, remoteUserId, goneRemoteUserId, incarnation, pinned FROM remote_user
     WHERE userId IN (${inList(users)})${FOR_UPDATE}`,
    users.map(({ userId }) => userId),
  );
  return new Map(rows.map((row) => [row.userId, row]));
}

/**
 * One look-up, in as few calls as the provider can.
 *
 * @param shown called with every remote user that the target shows on the way
 * @returns links of the users that were answered, and the users without an answer yet
 */
export async function lookUp(
  connection: ProviderConnection,
  users: readonly Unlinked[],
  call: CallContext,
  shown?: AddressesShown,
): Promise<{ links: { user: Unlinked; link: PlannedLink }[]; left: Unlinked[] }> {
  const askedAt = Date.now();
  const matches = await connection.resolveUsers(
    users.map((user) => ({
      key: user.userId,
      email: user.email,
      userName: user.userName,
      externalId: user.externalId,
      attributes: JSON.parse(user.targetAttributes ?? '{}') as Record<string, unknown>,
      maxAgeMs: maxAgeOf(user, askedAt),
    })),
    call,
    shown,
  );
  const now = Date.now();
  const links: { user: Unlinked; link: PlannedLink }[] = [];
  const left: Unlinked[] = [];
  for (const user of users) {
    const match = matches.get(user.userId);
    if (match === undefined) left.push(user);
    else links.push({ user, link: planLink(user, match, now) });
  }
  if (links.length === 0) throw new Error('The provider returned no result for any of the requested users.');
  return { links, left };
}
