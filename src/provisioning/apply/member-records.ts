import { chunksOf } from '../../database/chunks';
import { inList, upsertSql } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import type { MemberOutcome } from '../../integrations/provider/integration-provider';
import { USER_GONE } from '../../integrations/provider/provider-error';
import { passingFailureDelay, refusalDelay } from '../plan/backoff';
import type { ParkedKind } from '../state/parked-member.entity';
import { nextForPlaces } from './known-target';
import type { RunContext } from './run-context';

/** A person whose look-up is due is looked up in the very next run. */
export const LOOK_UP_SOON_MS = 1_000;

/** A desired member who cannot be added now. */
export interface ParkedPerson {
  userId: string;
  kind: ParkedKind;
  reason: string;
  message: string;
  nextAttemptAt: number;
}

export async function parkPeople(
  tx: Transaction,
  integrationId: string,
  remoteGroupId: string,
  people: readonly ParkedPerson[],
): Promise<void> {
  const columns = [
    'remoteGroupId',
    'userId',
    'integrationId',
    'kind',
    'reason',
    'message',
    'attempts',
    'nextAttemptAt',
  ];
  for await (const some of chunksOf(people)) {
    await tx.query(
      upsertSql({
        table: 'parked_member',
        columns,
        key: ['remoteGroupId', 'userId'],
        update: ['kind', 'reason', 'message', 'nextAttemptAt'],
        rows: some.length,
      }),
      some.flatMap(({ userId, kind, reason, message, nextAttemptAt }) => [
        remoteGroupId,
        userId,
        integrationId,
        kind,
        reason,
        message,
        0,
        nextAttemptAt,
      ]),
    );
  }
}

export async function unparkPeople(
  tx: Transaction,
  remoteGroupId: string,
  userIds: readonly string[],
): Promise<void> {
  for await (const some of chunksOf(userIds)) {
    await tx.query(`DELETE FROM parked_member WHERE remoteGroupId = ? AND userId IN (${inList(some)})`, [
      remoteGroupId,
      ...some,
    ]);
  }
}

export async function markRemoving(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<void> {
  await tx.query(
    `UPDATE remote_member SET state = 'removing' WHERE remoteGroupId = ? AND remoteUserId IN (${inList(remoteUserIds)})`,
    [remoteGroupId, ...remoteUserIds],
  );
}

export async function recordApplied(
  tx: Transaction,
  groupId: string,
  remoteGroupId: string,
  outcome: MemberOutcome & { applied: true },
  userIds: readonly string[],
): Promise<void> {
  if (outcome.change === 'remove') {
    await tx.query('DELETE FROM remote_member WHERE remoteGroupId = ? AND remoteUserId = ?', [
      remoteGroupId,
      outcome.remoteUserId,
    ]);
    await tx.query('DELETE FROM held_item WHERE groupId = ? AND subject = ?', [
      groupId,
      outcome.remoteUserId,
    ]);
    return;
  }
  await tx.query(
    `UPDATE remote_member SET state = 'present', role = ?, kind = NULL, reason = NULL, message = NULL, attempts = 0,
       nextAttemptAt = NULL WHERE remoteGroupId = ? AND remoteUserId = ?`,
    [outcome.role, remoteGroupId, outcome.remoteUserId],
  );
  await unparkPeople(tx, remoteGroupId, userIds);
}

export async function recordFailed(
  tx: Transaction,
  run: RunContext,
  remoteGroupId: string,
  { remoteUserId, change, error }: MemberOutcome & { applied: false },
  userIds: readonly string[],
): Promise<void> {
  const kind = error.isTransient ? 'passing' : 'waiting';
  const delay = (attempts: number) =>
    error.isTransient
      ? passingFailureDelay(attempts, error.retryAfterMs, Math.random())
      : error.reason === USER_GONE
        ? LOOK_UP_SOON_MS
        : refusalDelay(attempts);
  const problem = { reason: error.reason, message: error.explanation, delay };
  if (change === 'remove' || error.outcome === 'unknown' || error.isTransient) {
    await postpone(tx, remoteGroupId, remoteUserId, kind, problem);
    return;
  }
  // Refused for good: the person is not in the team, and whoever put them into the group sees why.
  await tx.query('DELETE FROM remote_member WHERE remoteGroupId = ? AND remoteUserId = ?', [
    remoteGroupId,
    remoteUserId,
  ]);
  if (error.reason === USER_GONE) {
    await tx.query(
      `UPDATE remote_user SET remoteUserId = NULL, state = 'not_found', reason = ?, message = ?, attempts = 0,
         pinned = 0, nextCheckAt = ? WHERE integrationId = ? AND remoteUserId = ?`,
      [error.reason, error.message, Date.now(), run.integration.id, remoteUserId],
    );
  }
  for (const userId of userIds) {
    const [row] = await tx.query<{ attempts: number }>(
      'SELECT attempts FROM parked_member WHERE remoteGroupId = ? AND userId = ?',
      [remoteGroupId, userId],
    );
    const attempts = (row?.attempts ?? 0) + 1;
    await parkPeople(tx, run.integration.id, remoteGroupId, [
      {
        userId,
        kind,
        reason: error.reason,
        message: error.explanation,
        nextAttemptAt: Date.now() + delay(attempts),
      },
    ]);
    await tx.query('UPDATE parked_member SET attempts = ? WHERE remoteGroupId = ? AND userId = ?', [
      attempts,
      remoteGroupId,
      userId,
    ]);
  }
}

/** The call stays to be made: the row says why it is not, and when it is tried next. */
export async function postpone(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserId: string,
  kind: ParkedKind,
  problem: { reason: string; message: string; delay: (attempts: number) => number },
): Promise<void> {
  const [row] = await tx.query<{ attempts: number }>(
    'SELECT attempts FROM remote_member WHERE remoteGroupId = ? AND remoteUserId = ?',
    [remoteGroupId, remoteUserId],
  );
  const attempts = (row?.attempts ?? 0) + 1;
  await tx.query(
    `UPDATE remote_member SET kind = ?, reason = ?, message = ?, attempts = ?, nextAttemptAt = ?
     WHERE remoteGroupId = ? AND remoteUserId = ?`,
    [
      kind,
      problem.reason,
      problem.message,
      attempts,
      Date.now() + problem.delay(attempts),
      remoteGroupId,
      remoteUserId,
    ],
  );
}

/** As many of those for whom there was no place are tried as places have become free. */
export async function offerFreedPlaces(
  tx: Transaction,
  remoteGroupId: string,
  places: number,
): Promise<void> {
  const userIds = await nextForPlaces(tx, remoteGroupId, places);
  if (userIds.length === 0) return;
  await tx.query(
    `UPDATE parked_member SET nextAttemptAt = ? WHERE remoteGroupId = ? AND userId IN (${inList(userIds)})`,
    [Date.now(), remoteGroupId, ...userIds],
  );
}
