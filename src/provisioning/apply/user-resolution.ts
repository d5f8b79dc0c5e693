import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { FOR_UPDATE, inList, upsertSql } from '../../database/dialect';
import { chunksOf } from '../../database/chunks';
import type { Transaction } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import type {
  CallContext,
  ProviderConnection,
  UserMatch,
} from '../../integrations/provider/integration-provider';
import { type LinkedBefore, type PlannedLink, planLink } from '../plan/link-plan';
import { Leases } from '../schedule/lease';
import type { RunContext } from './run-context';

/** Somebody whose look-up is due. */
export interface Unlinked extends LinkedBefore {
  userId: string;
  userName: string;
  email: string | null;
  emailKey: string | null;
  externalId: string | null;
}

/** Finds out whom of the target each IdP user is, in as few calls as the provider can. */
@Injectable()
export class UserResolution {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly leases: Leases,
    private readonly marks: ChangeMarks,
  ) {}

  /**
   * Looks up those of these users who are active and not yet known, whose address changed, or whose next check has
   * come.
   */
  async resolve(run: RunContext, userIds: readonly string[]): Promise<void> {
    const unlinked = await this.due(userIds);
    if (unlinked.length === 0) return;
    const linkOf = await lookUp(run.connection, unlinked, run.call);
    for await (const some of chunksOf(unlinked)) {
      await this.leases.run(run.lease, async (tx) => {
        const links = await currentLinks(tx, some);
        for (const user of some) {
          const link = links.get(user.userId);
          // An admin said meanwhile who it is.
          if (link && Boolean(link.pinned) && link.incarnation === user.incarnation) continue;
          await this.record(tx, run.integration.id, user, linkOf(user), link?.remoteUserId ?? null);
        }
      });
    }
  }

  /** Those of these users whose look-up is due. */
  async due(userIds: readonly string[]): Promise<Unlinked[]> {
    const unlinked: Unlinked[] = [];
    for await (const some of chunksOf(userIds)) unlinked.push(...(await this.unlinkedAmong(some)));
    return unlinked;
  }

  private unlinkedAmong(userIds: readonly string[]): Promise<Unlinked[]> {
    return this.reader.query<Unlinked[]>(
      `SELECT u.id AS userId, u.userName AS userName, u.email AS email, u.emailKey AS emailKey,
              u.incarnation AS incarnation, u.externalIdKey AS externalId, r.remoteUserId AS linkedTo,
              r.incarnation AS linkedIncarnation, r.attempts AS attempts
       FROM scim_user u LEFT JOIN remote_user r ON r.userId = u.id
       WHERE u.id IN (${inList(userIds)}) AND u.active = 1 AND u.deletedAt IS NULL
         AND (r.userId IS NULL OR r.incarnation <> u.incarnation
              OR (r.pinned = 0 AND (r.emailKey <> u.emailKey
                                    OR (r.emailKey IS NULL) <> (u.emailKey IS NULL)
                                    OR (r.remoteUserId IS NULL AND r.nextCheckAt <= ?))))`,
      [...userIds, Date.now()],
    );
  }

  private async record(
    tx: Transaction,
    integrationId: string,
    user: Unlinked,
    link: PlannedLink,
    linkedTo: string | null,
  ): Promise<void> {
    await tx.query(
      upsertSql({
        table: 'remote_user',
        columns: REMOTE_USER_COLUMNS,
        key: ['userId'],
        update: REMOTE_USER_COLUMNS.slice(2),
        rows: 1,
      }),
      [
        user.userId,
        integrationId,
        link.state,
        link.remoteUserId,
        user.emailKey,
        user.incarnation,
        link.reason,
        link.message,
        link.attempts,
        0,
        Date.now(),
        link.nextCheckAt,
      ],
    );
    if (linkedTo !== null && linkedTo !== link.remoteUserId) {
      await this.compareTeamsOf(tx, integrationId, linkedTo);
    }
  }

  /** A remote user lost a link: every team that has them has to be compared, to see whether somebody else wants them. */
  async compareTeamsOf(tx: Transaction, integrationId: string, remoteUserId: string): Promise<void> {
    const rows = await tx.query<{ groupId: string }>(
      `SELECT g.groupId AS groupId FROM remote_member m JOIN remote_group g ON g.id = m.remoteGroupId
       WHERE m.remoteUserId = ? AND g.integrationId = ?`,
      [remoteUserId, integrationId],
    );
    await this.marks.mark(tx, integrationId, new Map(rows.map(({ groupId }) => [groupId, []])), true);
  }
}

/** In the order in which a link is written. */
export const REMOTE_USER_COLUMNS = [
  'userId',
  'integrationId',
  'state',
  'remoteUserId',
  'emailKey',
  'incarnation',
  'reason',
  'message',
  'attempts',
  'pinned',
  'checkedAt',
  'nextCheckAt',
];

interface CurrentLink {
  userId: string;
  remoteUserId: string | null;
  incarnation: number;
  pinned: number;
}

async function currentLinks(
  tx: Transaction,
  users: readonly { userId: string }[],
): Promise<Map<string, CurrentLink>> {
  const rows = await tx.query<CurrentLink>(
    `SELECT userId, remoteUserId, incarnation, pinned FROM remote_user
     WHERE userId IN (${inList(users)})${FOR_UPDATE}`,
    users.map(({ userId }) => userId),
  );
  return new Map(rows.map((row) => [row.userId, row]));
}

const NOT_FOUND: UserMatch = { kind: 'not-found', message: 'Nobody there has this address.' };

/** One look-up of all of them, in as few calls as the provider can. */
export async function lookUp(
  connection: ProviderConnection,
  users: readonly Unlinked[],
  call: CallContext,
): Promise<(user: Unlinked) => PlannedLink> {
  const matches = await connection.resolveUsers(
    users.map(({ userId, userName, email, externalId }) => ({ key: userId, email, userName, externalId })),
    call,
  );
  const now = Date.now();
  return (user) => planLink(user, matches.get(user.userId) ?? NOT_FOUND, now);
}
