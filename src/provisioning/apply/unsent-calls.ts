import { chunksOf } from '../../database/chunks';
import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import type { ProviderError } from '../../integrations/provider/provider-error';
import { leaverDelay } from '../plan/backoff';
import { leaversAmong } from '../state/leavers';
import { scheduleWaitingRemovalsNow, parkPeople } from './member-records';
import { refusedDelay } from './not-visible-yet';

/**
 * The step of the leavers' backoff for a leaver that was not tried: with so few calls, a minute later is soon
 * enough.
 */
const LEAVERS_STEP = 2;

/** Calls that were not sent because another call failed wait for the retry of that call. */
export async function postponeUnsent(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
  { reason, explanation }: ProviderError,
): Promise<void> {
  const [failed] = await tx.query<{ dueAt: number | null }>(
    "SELECT MIN(nextAttemptAt) AS dueAt FROM remote_member WHERE remoteGroupId = ? AND kind = 'passing' AND reason = ?",
    [remoteGroupId, reason],
  );
  for await (const some of chunksOf(remoteUserIds)) {
    await tx.query(
      `UPDATE remote_member SET kind = 'passing', reason = ?, message = ?, nextAttemptAt = ?
       WHERE remoteGroupId = ? AND remoteUserId IN (${inList(some)})`,
      [reason, explanation, Number(failed?.dueAt ?? Date.now()), remoteGroupId, ...some],
    );
  }
}

/**
 * Postpones calls that were not sent because a refusal is known, or because too many were refused. Users that were
 * not tried come before those that were. An addition that was never sent is parked without a member row, since the
 * user cannot have joined. Exception: users that were about to leave before may still be in the remote group.
 *
 * @param usersOf by remote user, the users linked to it
 */
export async function postponeRefused(
  tx: Transaction,
  remoteGroup: { integrationId: string; remoteGroupId: string },
  remoteUserIds: readonly string[],
  error: ProviderError,
  usersOf: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const { integrationId, remoteGroupId } = remoteGroup;
  const { reason, explanation: message, retryAfterMs } = error;
  const now = Date.now();
  const nextAttemptAt = now + refusedDelay(error, 1);
  for await (const some of chunksOf(remoteUserIds)) {
    const neverSent = await tx.query<{ remoteUserId: string; refusals: number | null }>(
      `SELECT remoteUserId, refusals FROM remote_member m WHERE m.remoteGroupId = ? AND m.remoteUserId IN (${inList(some)})
         AND m.state = 'adding' AND m.attempts = 0 AND m.mayBeMember IS NULL AND NOT EXISTS (
           SELECT 1 FROM unclear_write w WHERE w.remoteGroupId = m.remoteGroupId AND w.remoteUserId = m.remoteUserId)`,
      [remoteGroupId, ...some],
    );
    if (neverSent.length > 0) {
      await tx.query(
        `DELETE FROM remote_member WHERE remoteGroupId = ? AND remoteUserId IN (${inList(neverSent)})`,
        [remoteGroupId, ...neverSent.map(({ remoteUserId }) => remoteUserId)],
      );
      const people = neverSent.flatMap(({ remoteUserId, refusals }) =>
        (usersOf.get(remoteUserId) ?? []).map((userId) => ({ userId, attempts: refusals ?? 0 })),
      );
      await parkPeople(
        tx,
        integrationId,
        remoteGroupId,
        people.map((person) => ({ ...person, kind: 'waiting', reason, message, nextAttemptAt })),
      );
    }
    await tx.query(
      `UPDATE remote_member SET kind = 'waiting', reason = ?, message = ?, nextAttemptAt = ?
       WHERE remoteGroupId = ? AND remoteUserId IN (${inList(some)})`,
      [reason, message, nextAttemptAt, remoteGroupId, ...some],
    );
    const leavers = [...(await leaversAmong(tx, integrationId, some))];
    if (retryAfterMs === undefined && leavers.length > 0) {
      await tx.query(
        `UPDATE remote_member SET nextAttemptAt = ?
         WHERE remoteGroupId = ? AND state = 'removing' AND remoteUserId IN (${inList(leavers)})`,
        [now + leaverDelay(LEAVERS_STEP), remoteGroupId, ...leavers],
      );
    }
  }
  await scheduleWaitingRemovalsNow(tx, remoteGroupId);
}
