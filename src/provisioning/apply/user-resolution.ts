import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { inList, upsertSql } from '../../database/dialect';
import { chunksOf } from '../../database/chunks';
import type { Transaction } from '../../database/transaction-runner';
import { ChangeMarks } from '../../directory/change-marks';
import type { UserMatch } from '../../integrations/provider/integration-provider';
import { lookUpDelay } from '../plan/backoff';
import { Leases } from '../schedule/lease';
import type { RunContext } from './run-context';

interface Unlinked {
  userId: string;
  userName: string;
  email: string | null;
  emailKey: string | null;
  incarnation: number;
  externalId: string | null;
  linkedTo: string | null;
  linkedIncarnation: number | null;
  attempts: number | null;
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
    const unlinked: Unlinked[] = [];
    for await (const some of chunksOf(userIds)) unlinked.push(...(await this.unlinkedAmong(some)));
    if (unlinked.length === 0) return;
    const matches = await run.connection.resolveUsers(
      unlinked.map(({ userId, userName, email, externalId }) => ({
        key: userId,
        email,
        userName,
        externalId,
      })),
      run.call,
    );
    for await (const some of chunksOf(unlinked)) {
      await this.leases.run(run.lease, async (tx) => {
        for (const user of some) {
          await this.record(tx, run.integration.id, user, matches.get(user.userId) ?? NOT_FOUND);
        }
      });
    }
  }

  private unlinkedAmong(userIds: readonly string[]): Promise<Unlinked[]> {
    return this.reader.query<Unlinked[]>(
      `SELECT u.id AS userId, u.userName AS userName, u.email AS email, u.emailKey AS emailKey,
              u.incarnation AS incarnation, u.externalIdKey AS externalId, r.remoteUserId AS linkedTo,
              r.incarnation AS linkedIncarnation, r.attempts AS attempts
       FROM scim_user u LEFT JOIN remote_user r ON r.userId = u.id
       WHERE u.id IN (${inList(userIds)}) AND u.active = 1 AND u.deletedAt IS NULL
         AND (r.userId IS NULL OR r.incarnation <> u.incarnation OR r.emailKey <> u.emailKey
              OR (r.emailKey IS NULL) <> (u.emailKey IS NULL)
              OR (r.remoteUserId IS NULL AND r.nextCheckAt <= ?))`,
      [...userIds, Date.now()],
    );
  }

  private async record(
    tx: Transaction,
    integrationId: string,
    user: Unlinked,
    match: UserMatch,
  ): Promise<void> {
    const samePerson = user.linkedIncarnation === user.incarnation;
    const linkedTo = samePerson ? user.linkedTo : null;
    // An address that was changed in the IdP first must not drop anybody from on-call: the link stays.
    const remoteUserId = match.kind === 'resolved' ? match.remoteUserId : linkedTo;
    const attempts = remoteUserId === null ? (samePerson ? (user.attempts ?? 0) : 0) + 1 : 0;
    const problem = match.kind === 'resolved' ? null : problemOf(match, linkedTo !== null);
    const now = Date.now();
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
        remoteUserId === null ? problem!.state : 'resolved',
        remoteUserId,
        user.emailKey,
        user.incarnation,
        problem?.reason ?? null,
        problem?.message ?? null,
        attempts,
        now,
        remoteUserId === null ? now + lookUpDelay(attempts) : null,
      ],
    );
    if (user.linkedTo !== null && user.linkedTo !== remoteUserId) {
      await this.compareTeamsOf(tx, integrationId, user.linkedTo);
    }
  }

  /** A remote user lost a link: every team that has them has to be compared, to see whether somebody else wants them. */
  private async compareTeamsOf(tx: Transaction, integrationId: string, remoteUserId: string): Promise<void> {
    const rows = await tx.query<{ groupId: string }>(
      `SELECT g.groupId AS groupId FROM remote_member m JOIN remote_group g ON g.id = m.remoteGroupId
       WHERE m.remoteUserId = ? AND g.integrationId = ?`,
      [remoteUserId, integrationId],
    );
    await this.marks.mark(tx, integrationId, new Map(rows.map(({ groupId }) => [groupId, []])), true);
  }
}

const REMOTE_USER_COLUMNS = [
  'userId',
  'integrationId',
  'state',
  'remoteUserId',
  'emailKey',
  'incarnation',
  'reason',
  'message',
  'attempts',
  'checkedAt',
  'nextCheckAt',
];

const NOT_FOUND: UserMatch = { kind: 'not-found', message: 'Nobody there has this address.' };

function problemOf(match: Exclude<UserMatch, { kind: 'resolved' }>, linked: boolean) {
  const state = match.kind === 'ambiguous' ? 'ambiguous' : 'not_found';
  if (linked) return { state, reason: 'email_differs', message: match.message };
  return {
    state,
    reason: match.kind === 'ambiguous' ? 'user_ambiguous' : 'user_not_found',
    message: match.message,
  };
}
