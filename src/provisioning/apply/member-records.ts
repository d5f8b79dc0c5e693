import { chunksOf } from '../../database/chunks';
import { inList } from '../../database/dialect';
import type { Transaction } from '../../database/transaction-runner';
import { upsert } from '../../database/upsert';
import type { MemberOutcome } from '../../integrations/provider/integration-provider';
import {
  ADDITION_NOT_FOUND,
  GROUP_FULL,
  GROUP_GONE,
  type ProviderError,
  USER_GONE,
} from '../../integrations/provider/provider-error';
import { LASTS_FROM, leaverDelay, passingFailureDelay, refusalDelay } from '../plan/backoff';
import { READS_LAG_MS } from '../plan/just-created';
import { WAITS_FOR_ADDITIONS } from '../plan/member-plan';
import { type ParkedKind, ParkedMember } from '../state/parked-member.entity';
import { RemoteMember } from '../state/remote-member.entity';
import { noteCauses } from './causes';
import { passingDelayOf } from './not-visible-yet';
import type { RunContext } from './run-context';

/** For leavers. Automatic retries alone are not enough: an admin has to act. */
const REMOVE_BY_HAND =
  'This has failed several times in a row. Remove the user from the team in the target by hand. Scimify also keeps trying.';

/** A user whose look-up is due is looked up in the next run. */
export const LOOK_UP_SOON_MS = 1_000;

/** After a removal from a full remote group, the next user has usually joined, or been refused, within this time. */
const JOINED_WITHIN_MS = 5_000;

const UNTIL_ADDED = {
  reason: WAITS_FOR_ADDITIONS,
  message: 'The user leaves the team after the new members have joined.',
};

/** A search may still show a deleted remote user for minutes. */
function userGoneDelay(attempts: number): number {
  return attempts <= 1 ? LOOK_UP_SOON_MS : passingFailureDelay(attempts + 5, undefined, Math.random());
}

/** A wanted member that cannot be added now. */
export interface ParkedPerson {
  userId: string;
  kind: ParkedKind;
  reason: string;
  message: string;
  /** Refusals in a row. */
  attempts: number;
  nextAttemptAt: number;
}

export async function parkPeople(
  tx: Transaction,
  integrationId: string,
  remoteGroupId: string,
  people: readonly ParkedPerson[],
): Promise<void> {
  await upsert(
    tx,
    ParkedMember,
    people.map((person) => ({ remoteGroupId, integrationId, ...person })),
    { update: ['kind', 'reason', 'message', 'attempts', 'nextAttemptAt'] },
  );
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

/** Only a change retries a refusal before its time. Its backoff then starts again. */
export async function markRemoving(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<void> {
  const now = Date.now();
  await tx.query(
    `UPDATE remote_member SET refusals = CASE WHEN kind = 'waiting' AND nextAttemptAt > ? THEN NULL ELSE refusals END,
       state = 'removing', kind = NULL, reason = NULL, message = NULL, nextAttemptAt = ?
     WHERE remoteGroupId = ? AND remoteUserId IN (${inList(remoteUserIds)})`,
    [now, now, remoteGroupId, ...remoteUserIds],
  );
}

/** Members that the IdP wants again while their removal is open. They may still be in the remote group. */
export async function markMayBeMember(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<void> {
  for await (const some of chunksOf(remoteUserIds)) {
    await tx.query(
      `UPDATE remote_member SET mayBeMember = 1
       WHERE remoteGroupId = ? AND state = 'removing' AND remoteUserId IN (${inList(some)})`,
      [remoteGroupId, ...some],
    );
  }
}

/** Records the intents. The calls stay due until an answer is recorded. */
export async function markIntents(
  tx: Transaction,
  remoteGroupId: string,
  state: 'adding' | 'removing',
  intents: readonly { remoteUserId: string; refusals: number; refusedFor?: readonly string[] }[],
): Promise<void> {
  const now = Date.now();
  await upsert(
    tx,
    RemoteMember,
    intents.map(({ remoteUserId, refusals, refusedFor }) => ({
      remoteGroupId,
      remoteUserId,
      state,
      managed: true,
      preexisting: false,
      attempts: 0,
      refusals,
      kind: null,
      reason: null,
      message: null,
      nextAttemptAt: now,
      // The two minutes (the read lag) were over when the target refused them.
      notFoundSince: refusedFor?.includes(ADDITION_NOT_FOUND) ? now - READS_LAG_MS : null,
      joinedAt: now,
    })),
    { update: ['state', 'managed', 'kind', 'reason', 'message', 'nextAttemptAt'] },
  );
}

export interface WaitingMember {
  /** Refusals so far. */
  attempts: number;
  /** The retry is due. If it is not, a change caused this attempt, and the backoff starts again. */
  isDue: boolean;
  reason: string;
  /** Id of the request that added the user to the group. */
  cause: string | null;
  /** A place in the full remote group has become free for this user. */
  hasPlace: boolean;
}

/** The users of this list that are parked. */
export async function waitingAmong(
  tx: Transaction,
  remoteGroupId: string,
  userIds: readonly string[],
): Promise<Map<string, WaitingMember>> {
  const now = Date.now();
  const waiting = new Map<string, WaitingMember>();
  for await (const some of chunksOf(userIds)) {
    const rows = await tx.query<
      Omit<WaitingMember, 'isDue' | 'hasPlace'> & { userId: string; nextAttemptAt: number }
    >(
      `SELECT userId, attempts, reason, nextAttemptAt, cause FROM parked_member
       WHERE remoteGroupId = ? AND userId IN (${inList(some)})`,
      [remoteGroupId, ...some],
    );
    for (const { userId, attempts, reason, nextAttemptAt, cause } of rows) {
      const isDue = Number(nextAttemptAt) <= now;
      waiting.set(userId, {
        attempts,
        isDue,
        reason,
        cause,
        hasPlace: isDue && reason === GROUP_FULL,
      });
    }
  }
  return waiting;
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
  const applied = {
    state: 'present' as const,
    role: outcome.role,
    kind: null,
    reason: null,
    message: null,
    attempts: 0,
    refusals: null,
    nextAttemptAt: null,
    notFoundSince: null,
    mayBeMember: null,
    cause: null,
    keptLeaverAt: null,
  };
  const base = {
    remoteGroupId,
    remoteUserId: outcome.remoteUserId,
    managed: true,
    preexisting: false,
    joinedAt: Date.now(),
  };
  // Normally the intent has made the row. If it is missing, insert it: a member in the target must not be unknown
  // to us.
  await upsert(tx, RemoteMember, [{ ...base, ...applied }], {
    update: Object.keys(applied) as (keyof typeof applied)[],
  });
  await unparkPeople(tx, remoteGroupId, userIds);
}

export async function recordFailed(
  tx: Transaction,
  run: RunContext,
  remoteGroupId: string,
  { remoteUserId, change, error }: MemberOutcome & { applied: false },
  { userIds, isLeaver, cause }: { userIds: readonly string[]; isLeaver: boolean; cause: string | undefined },
): Promise<void> {
  // A missing remote group says nothing about its members.
  const passes = error.isTransient || error.reason === GROUP_GONE;
  const kind = passes ? 'passing' : 'waiting';
  const delay = (failures: number) =>
    passes
      ? passingDelayOf(error, failures)
      : error.reason === USER_GONE
        ? userGoneDelay(failures)
        : change === 'remove' && isLeaver
          ? leaverDelay(failures)
          : refusalDelay(failures);
  const before = await failuresOf(tx, remoteGroupId, remoteUserId);
  const lasts = change === 'remove' && isLeaver && passes && before.attempts + 1 >= LASTS_FROM;
  const message = lasts ? `${error.message} ${REMOVE_BY_HAND}` : error.explanation;
  const problem = { reason: error.reason, message, delay };
  const isKnownToBeOut = !before.mayBeMember || error.reason === USER_GONE;
  if (change === 'remove' || error.outcome === 'unknown' || passes || !isKnownToBeOut) {
    await postpone(tx, remoteGroupId, remoteUserId, kind, problem);
    return;
  }
  // A final refusal: the user is not in the remote group. Park the user, so that the admin sees the reason.
  const attempts = before.refusals + 1;
  await tx.query('DELETE FROM remote_member WHERE remoteGroupId = ? AND remoteUserId = ?', [
    remoteGroupId,
    remoteUserId,
  ]);
  const nextAttemptAt = Date.now() + delay(attempts);
  const { reason } = error;
  await parkPeople(
    tx,
    run.integration.id,
    remoteGroupId,
    userIds.map((userId) => ({ userId, kind, reason, message, attempts, nextAttemptAt })),
  );
  if (cause) await noteCauses(tx, 'parked_member', remoteGroupId, new Map(userIds.map((id) => [id, cause])));
}

/** The call stays due. The row records why it failed and when it is retried. */
export async function postpone(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserId: string,
  kind: ParkedKind,
  problem: { reason: string; message: string; delay: (failures: number) => number },
): Promise<void> {
  const before = await failuresOf(tx, remoteGroupId, remoteUserId);
  const now =
    kind === 'passing'
      ? { attempts: before.attempts + 1, refusals: before.refusals }
      : { attempts: 0, refusals: before.refusals + 1 };
  await tx.query(
    `UPDATE remote_member SET kind = ?, reason = ?, message = ?, attempts = ?, refusals = ?, nextAttemptAt = ?
     WHERE remoteGroupId = ? AND remoteUserId = ?`,
    [
      kind,
      problem.reason,
      problem.message,
      now.attempts,
      now.refusals,
      Date.now() + problem.delay(kind === 'passing' ? now.attempts : now.refusals),
      remoteGroupId,
      remoteUserId,
    ],
  );
}

/**
 * @returns since when the target answers "not found" to this addition, although it shows both the group and the
 *   user
 */
export async function notFoundSince(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserId: string,
): Promise<number> {
  const [row] = await tx.query<{ notFoundSince: number | null }>(
    'SELECT notFoundSince FROM remote_member WHERE remoteGroupId = ? AND remoteUserId = ?',
    [remoteGroupId, remoteUserId],
  );
  if (row && row.notFoundSince !== null) return Number(row.notFoundSince);
  const now = Date.now();
  await tx.query('UPDATE remote_member SET notFoundSince = ? WHERE remoteGroupId = ? AND remoteUserId = ?', [
    now,
    remoteGroupId,
    remoteUserId,
  ]);
  return now;
}

/** The call is retried in a moment. It does not count as a refusal yet. */
export async function waitToBeSeen(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserId: string,
  { reason, explanation, retryAfterMs }: ProviderError,
): Promise<void> {
  await tx.query(
    `UPDATE remote_member SET kind = 'passing', reason = ?, message = ?, nextAttemptAt = ?
     WHERE remoteGroupId = ? AND remoteUserId = ?`,
    [reason, explanation, Date.now() + retryAfterMs!, remoteGroupId, remoteUserId],
  );
}

/** Failures in a row of each kind, and whether the user may be in the remote group all the same. */
async function failuresOf(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserId: string,
): Promise<{ attempts: number; refusals: number; mayBeMember: boolean }> {
  const [row] = await tx.query<{ attempts: number; refusals: number | null; mayBeMember: number | null }>(
    'SELECT attempts, refusals, mayBeMember FROM remote_member WHERE remoteGroupId = ? AND remoteUserId = ?',
    [remoteGroupId, remoteUserId],
  );
  return {
    attempts: row?.attempts ?? 0,
    refusals: row?.refusals ?? 0,
    mayBeMember: Boolean(row?.mayBeMember),
  };
}

/**
 * When the first intent without an answer is due. Such an intent is left by a run that was cut off before it sent
 * the call.
 */
export async function unsentDueAt(tx: Transaction, remoteGroupId: string): Promise<number | null> {
  const [row] = await tx.query<{ dueAt: number | null }>(
    'SELECT MIN(nextAttemptAt) AS dueAt FROM remote_member WHERE remoteGroupId = ? AND kind IS NULL',
    [remoteGroupId],
  );
  const dueAt = row?.dueAt ?? null;
  return dueAt === null ? null : Number(dueAt);
}

/** Members with nothing due: they need not leave, or an admin has to approve it first. */
export async function cancelWaitingRemovals(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<void> {
  for await (const some of chunksOf(remoteUserIds)) {
    await tx.query(
      `UPDATE remote_member SET kind = NULL, reason = NULL, message = NULL, attempts = 0, refusals = NULL, nextAttemptAt = NULL
       WHERE remoteGroupId = ? AND state = 'present' AND remoteUserId IN (${inList(some)})`,
      [remoteGroupId, ...some],
    );
  }
}

/**
 * These users are in the remote group, and from now on we may remove them. That includes members whose removal the
 * target refused.
 */
export async function manageMembers(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<void> {
  for await (const some of chunksOf(remoteUserIds)) {
    await tx.query(
      `UPDATE remote_member SET managed = 1, state = 'present', kind = NULL, reason = NULL, message = NULL, attempts = 0,
         refusals = NULL, nextAttemptAt = NULL, cause = NULL, keptLeaverAt = NULL, mayBeMember = NULL
       WHERE remoteGroupId = ? AND remoteUserId IN (${inList(some)})`,
      [remoteGroupId, ...some],
    );
  }
}

/** These members leave once an addition has succeeded. They are looked at earlier in case no addition can succeed. */
export async function waitForAdditions(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
  nextAttemptAt = Date.now() + JOINED_WITHIN_MS,
): Promise<void> {
  const { reason, message } = UNTIL_ADDED;
  for await (const some of chunksOf(remoteUserIds)) {
    await tx.query(
      `UPDATE remote_member SET kind = 'passing', reason = ?, message = ?, nextAttemptAt = ?
       WHERE remoteGroupId = ? AND remoteUserId IN (${inList(some)})`,
      [reason, message, nextAttemptAt, remoteGroupId, ...some],
    );
  }
}

/** Additions that are still open and were not refused. */
export interface OpenAdditions {
  /** An addition was not tried yet, or has failed fewer than LASTS_FROM times. Removals wait for it. */
  mayPass: boolean;
  /** An addition has failed LASTS_FROM times or more. */
  lasts: boolean;
  /** When the first failed addition is retried; epoch milliseconds. */
  nextAttemptAt: number | null;
}

/** @param leaving remote users that are about to leave by now */
export async function openAdditions(
  tx: Transaction,
  remoteGroupId: string,
  leaving: readonly string[],
): Promise<OpenAdditions> {
  const [row] = await tx.query<{ passing: number | null; lasting: number | null; dueAt: number | null }>(
    `SELECT SUM(CASE WHEN kind IS NULL OR attempts < ${LASTS_FROM} THEN 1 ELSE 0 END) AS passing,
            SUM(CASE WHEN attempts >= ${LASTS_FROM} THEN 1 ELSE 0 END) AS lasting,
            MIN(CASE WHEN kind = 'passing' THEN nextAttemptAt END) AS dueAt
     FROM remote_member WHERE remoteGroupId = ? AND state = 'adding' AND (kind IS NULL OR (kind = 'passing' AND reason <> ?))
       AND remoteUserId NOT IN (${inList(leaving)})`,
    [remoteGroupId, WAITS_FOR_ADDITIONS, ...leaving],
  );
  const dueAt = row?.dueAt ?? null;
  return {
    mayPass: Number(row?.passing ?? 0) > 0,
    lasts: Number(row?.lasting ?? 0) > 0,
    nextAttemptAt: dueAt === null ? null : Number(dueAt),
  };
}

/** An addition has succeeded or was refused. Removals no longer wait for it. */
export async function scheduleWaitingRemovalsNow(tx: Transaction, remoteGroupId: string): Promise<void> {
  await tx.query(
    `UPDATE remote_member SET nextAttemptAt = ? WHERE remoteGroupId = ? AND kind = 'passing' AND reason = ?`,
    [Date.now(), remoteGroupId, WAITS_FOR_ADDITIONS],
  );
}
