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

/** Few enough to leave most of a turn to other look-ups. */
const REVIEWED_AT_ONCE = 500;
const REVIEWED_AGAIN_AFTER_MS = 60_000;
/** A link by which nobody was added within this time is made anew before it is used. */
const UNUSED_FOR_MS = 60_000;

/** Somebody whose look-up is due. */
export interface Unlinked extends LinkedBefore {
  userId: string;
  userName: string;
  email: string | null;
  externalId: string | null;
  /** JSON of what else the target asks to be told; null where it asks nothing. */
  targetAttributes: string | null;
  targetAttributesKey: string | null;
  /** What was known of the person before this may be what is wrong; epoch milliseconds, or null for anything. */
  askedSince: number | null;
}

/** Users who are to be known, and since when each is asked for; epoch milliseconds, or null where that is not known. */
export type AskedFor = ReadonlyMap<string, number | null>;

/** Users who are asked for by one change, or for no change at all. */
export function askedFor(userIds: readonly string[], mark?: string): AskedFor {
  const since = mark === undefined ? null : markedAt(mark);
  return new Map(userIds.map((userId) => [userId, since]));
}

/** Users of pairs that changed. */
export function askedForBy(pairs: readonly { userId: string; mark: string }[]): AskedFor {
  return new Map(pairs.map(({ userId, mark }) => [userId, markedAt(mark)]));
}

/** Finds out whom of the target each IdP user is, in as few calls as the provider can. */
@Injectable()
export class UserResolution {
  /** The last of the look-ups that wait for one another: of a run, and of one priority. */
  private readonly inTurn = new WeakMap<Lease, Map<CallPriority, Promise<unknown>>>();

  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
    private readonly marks: ChangeMarks,
    private readonly shown: ShownAddresses,
  ) {}

  /**
   * Looks up those of these users who are active and not yet known, whose address changed, whose next check has come, or
   * who were found a while ago and were not added yet.
   */
  async resolve(run: RunContext, asked: AskedFor): Promise<void> {
    let unlinked = await this.due(asked);
    while (unlinked.length > 0) unlinked = await this.resolveSome(run, unlinked);
  }

  /**
   * As `beginToResolve`, of many: one of the run's workers after the other, as whom one looks up the others need not.
   *
   * @returns those of whom nothing is known yet
   */
  async resolveSomeInTurn(run: RunContext, asked: AskedFor): Promise<Unlinked[]> {
    const { priority } = run.call;
    const last = this.inTurn.get(run.lease) ?? new Map<CallPriority, Promise<unknown>>();
    const before = last.get(priority);
    const turn = Promise.allSettled([before]).then(async () => this.resolveSome(run, await this.due(asked)));
    this.inTurn.set(run.lease, last.set(priority, turn));
    return turn;
  }

  /** As `resolve`, for those of whom the provider tells at once, so that whoever needs none of the others need not wait. */
  async beginToResolve(run: RunContext, asked: AskedFor): Promise<void> {
    await this.resolveSome(run, await this.due(asked));
  }

  /** @returns those of whom nothing is known yet */
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
        const foundAtLast: string[] = [];
        for (const { user, link: planned } of some) {
          const link = links.get(user.userId);
          // An admin said meanwhile who it is.
          if (link && Boolean(link.pinned) && link.incarnation === user.incarnation) continue;
          if (planned.remoteUserId !== null && planned.reason === null) found.push(planned.remoteUserId);
          await this.record(tx, run.integration.id, user, planned, link?.remoteUserId ?? null);
          if (link?.remoteUserId !== null || planned.remoteUserId === null) continue;
          // Whom a search still shows is no news for those whose call has just failed for it.
          if (planned.remoteUserId !== link.goneRemoteUserId) foundAtLast.push(user.userId);
        }
        await this.reviewOlderLinks(tx, run.integration.id, found);
        await this.tryWhereTheyWait(tx, run.integration.id, foundAtLast);
      });
    }
    const decided = new Set(looked.map(({ user }) => user.userId));
    await this.shown.compare(run, { addresses: shown, askedAt, decided });
    return left;
  }

  /**
   * Looks again for those who are in their teams as whom they were by a former address: nothing of a group waits for
   * them, and yet they may long be somebody else.
   */
  async reviewDiffering(run: RunContext): Promise<void> {
    const now = Date.now();
    const due = await this.reader.query<{ userId: string }[]>(
      `SELECT r.userId AS userId ${DIFFERING} AND r.nextCheckAt <= ? ORDER BY r.nextCheckAt LIMIT ?`,
      [run.integration.id, now, REVIEWED_AT_ONCE],
    );
    if (due.length === 0) return;
    const userIds = due.map(({ userId }) => userId);
    try {
      await this.resolve(run, askedFor(userIds));
    } catch (error) {
      // A failure that passes stops nobody whose groups have something to do; these people keep their places meanwhile.
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

  /** When the next of them is to be looked for again; epoch milliseconds. */
  async nextReview(integrationId: string): Promise<number | null> {
    const [row] = await this.reader.query<[{ dueAt: number | null }]>(
      `SELECT MIN(r.nextCheckAt) AS dueAt ${DIFFERING}`,
      [integrationId],
    );
    return row.dueAt === null ? null : Number(row.dueAt);
  }

  /**
   * The target no longer has this person: whoever is linked to them is looked up afresh, and compared in every other
   * team that they are thought to be in. A search that shows them all the same is not asked again at once: it would show
   * them again, and the next call would fail again.
   */
  async forget(tx: Transaction, integrationId: string, remoteUserId: string, message: string): Promise<void> {
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

  /** Those of these users whose look-up is due. */
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
              CASE WHEN ${TOLD_OTHERWISE} THEN 0 ELSE r.attempts END AS attempts,
              CASE WHEN ${LINKED_BELONGS_TO_ANOTHER} THEN 1 ELSE 0 END AS linkedIsAnothers,
              CASE WHEN r.reason IS NULL AND r.emailKey = u.emailKey AND ${WAS_NEVER_IN_A_TEAM} THEN 1 ELSE 0 END AS linkIsUnused,
              r.nextCheckAt AS nextCheckAt
       FROM scim_user u LEFT JOIN remote_user r ON r.userId = u.id
       WHERE u.id IN (${inList(userIds)}) AND u.active = 1 AND u.deletedAt IS NULL
         AND (r.userId IS NULL OR r.incarnation <> u.incarnation
              OR (r.pinned = 0 AND (${TOLD_OTHERWISE}
                                    OR r.nextCheckAt <= ?
                                    OR (r.reason IS NULL AND r.checkedAt <= ? AND ${WAS_NEVER_IN_A_TEAM})
                                    OR (r.reason = '${EMAIL_DIFFERS}' AND ${LINKED_BELONGS_TO_ANOTHER}))))`,
      [...userIds, Date.now(), Date.now() - UNUSED_FOR_MS],
    );
    const now = Date.now();
    return rows.map(({ nextCheckAt, ...row }) => ({
      ...row,
      linkedIsAnothers: Boolean(Number(row.linkedIsAnothers)),
      linkIsUnused: Boolean(Number(row.linkIsUnused)),
      askedSince: latest(
        asked.get(row.userId) ?? null,
        // One that is still to come asks for nothing yet: whoever changed before that is asked for since then.
        nextCheckAt === null || Number(nextCheckAt) > now ? null : Number(nextCheckAt),
      ),
    }));
  }

  /** A look-up for one group found them: they need not wait in the others until their own time comes. */
  private async tryWhereTheyWait(
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

  /** Whoever is linked to one of these people from before, and no longer by their address, is looked at again. */
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

  /** These users are others for the target by now: they are compared in each of their groups. */
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

  /** A remote user lost a link: every team that has them has to be compared, to see whether somebody else wants them. */
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

/** Of the user `u`, since the look-up of the link `r`: another address, or whatever else the target asks to be told. */
const TOLD_OTHERWISE = `(r.emailKey <> u.emailKey OR (r.emailKey IS NULL) <> (u.emailKey IS NULL)
  OR COALESCE(r.targetAttributesKey, '') <> COALESCE(u.targetAttributesKey, ''))`;

/** Active users `u` with a link `r` of before. */
const DIFFERING = `FROM remote_user r
  JOIN scim_user u ON u.id = r.userId AND u.active = 1 AND u.deletedAt IS NULL
  WHERE r.integrationId = ? AND r.reason = '${EMAIL_DIFFERS}'`;

/** Of the user `u` with the link `r`. Left alone, MariaDB reads all users of the integration for each of them. */
const LINKED_BELONGS_TO_ANOTHER = `(r.remoteUserId IS NOT NULL AND (
  EXISTS (SELECT 1 FROM ${throughIndex('scim_user ou', 'scim_user_email')}
          WHERE ou.integrationId = u.integrationId
            AND ou.emailKey = r.linkedEmailKey AND ou.id <> u.id AND ou.active = 1 AND ou.deletedAt IS NULL)
  OR EXISTS (SELECT 1 FROM ${throughIndex('remote_user ol', 'remote_user_of_integration')}
             JOIN scim_user ou ON ou.id = ol.userId
             WHERE ol.integrationId = u.integrationId AND ol.remoteUserId = r.remoteUserId AND ol.reason IS NULL
               AND ol.userId <> u.id AND ou.active = 1 AND ou.deletedAt IS NULL)))`;

/** Of the link `r`: nobody was added for it, as far as is known. */
const WAS_NEVER_IN_A_TEAM = `(r.remoteUserId IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM ${throughIndex('remote_member t', 'remote_member_user')}
  JOIN remote_group tg ON tg.id = t.remoteGroupId
  WHERE t.remoteUserId = r.remoteUserId AND tg.integrationId = r.integrationId AND t.state <> 'adding'))`;

type UnlinkedRow = Omit<Unlinked, 'linkedIsAnothers' | 'linkIsUnused' | 'askedSince'> & {
  linkedIsAnothers: number;
  linkIsUnused: number;
  nextCheckAt: number | null;
};

function latest(...times: (number | null)[]): number | null {
  const known = times.filter((at) => at !== null);
  return known.length > 0 ? Math.max(...known) : null;
}

/**
 * How old an answer may be: it is one to a question that was put after the person was asked for, and no older than that may
 * be. So a batch shares one, and nobody joins as whom somebody else was minutes ago.
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
 * One look-up, in as few calls as the provider can, and of whom it does not tell yet.
 *
 * @param shown told of everybody whom the target shows on the way
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
  if (links.length === 0) throw new Error('The provider answered for none of the people it was asked for.');
  return { links, left };
}
