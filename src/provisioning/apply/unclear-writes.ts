import { chunksOf } from '../../database/chunks';
import { inList } from '../../database/dialect';
import type { SqlReader, Transaction } from '../../database/transaction-runner';
import { upsert } from '../../database/upsert';
import { UNCLEAR_FOR_MS } from '../plan/backoff';
import { isUnmanaged } from '../plan/member-plan';
import type { RemoteMemberState } from '../state/remote-member.entity';
import { UnclearWrite } from '../state/unclear-write.entity';
import { markIntents } from './member-records';

const PAIRS_AT_ONCE = 500;

/** A pair with an unclear write (no answer); `known` is null if we know no such member. */
export interface UnclearPair {
  remoteUserId: string;
  known: { state: RemoteMemberState; managed: boolean; preexisting: boolean } | null;
}

export interface UndoneWrites {
  /** Missing in the remote group although we added them. */
  added: string[];
  /** Still in the remote group although we removed them. */
  removed: string[];
}

export async function noteUnclear(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<void> {
  const checkAt = Date.now() + UNCLEAR_FOR_MS;
  await upsert(
    tx,
    UnclearWrite,
    remoteUserIds.map((remoteUserId) => ({ remoteGroupId, remoteUserId, checkAt })),
    { update: ['checkAt'] },
  );
}

/** Intents without an answer come from a run that was cut off: which calls it sent is not known. */
export async function noteCutOff(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<void> {
  for await (const some of chunksOf(remoteUserIds)) {
    const rows = await tx.query<{ remoteUserId: string }>(
      `SELECT remoteUserId FROM remote_member WHERE remoteGroupId = ? AND state IN ('adding', 'removing')
         AND kind IS NULL AND remoteUserId IN (${inList(some)})`,
      [remoteGroupId, ...some],
    );
    await noteUnclear(
      tx,
      remoteGroupId,
      rows.map(({ remoteUserId }) => remoteUserId),
    );
  }
}

/** A later write of these pairs succeeded. What the target shows right after it proves nothing yet. */
export async function restartWait(
  tx: Transaction,
  remoteGroupId: string,
  remoteUserIds: readonly string[],
): Promise<void> {
  if (remoteUserIds.length === 0) return;
  await tx.query(
    `UPDATE unclear_write SET checkAt = ? WHERE remoteGroupId = ? AND remoteUserId IN (${inList(remoteUserIds)})`,
    [Date.now() + UNCLEAR_FOR_MS, remoteGroupId, ...remoteUserIds],
  );
}

/** When the first unclear write can be checked. */
export async function unclearDueAt(db: SqlReader, remoteGroupId: string): Promise<number | null> {
  const [row] = await db.query<{ checkAt: number | null }>(
    'SELECT MIN(checkAt) AS checkAt FROM unclear_write WHERE remoteGroupId = ?',
    [remoteGroupId],
  );
  const checkAt = row?.checkAt ?? null;
  return checkAt === null ? null : Number(checkAt);
}

export async function unclearDue(db: SqlReader, remoteGroupId: string, now: number): Promise<UnclearPair[]> {
  const rows = await db.query<{
    remoteUserId: string;
    state: RemoteMemberState | null;
    managed: number;
    preexisting: number;
  }>(
    `SELECT w.remoteUserId AS remoteUserId, m.state AS state, m.managed AS managed, m.preexisting AS preexisting
     FROM unclear_write w
     LEFT JOIN remote_member m ON m.remoteGroupId = w.remoteGroupId AND m.remoteUserId = w.remoteUserId
     WHERE w.remoteGroupId = ? AND w.checkAt <= ? LIMIT ${PAIRS_AT_ONCE}`,
    [remoteGroupId, now],
  );
  return rows.map(({ remoteUserId, state, managed, preexisting }) => ({
    remoteUserId,
    known: state && { state, managed: Boolean(managed), preexisting: Boolean(preexisting) },
  }));
}

/**
 * Which of these pairs are not as our last write left them. Pure.
 *
 * | known as            | seen | then                                                                   |
 * | ------------------- | ---- | ---------------------------------------------------------------------- |
 * | not a member        | yes  | removed: an addition came late                                         |
 * | present, unmanaged  | yes  | removed: the same, and reconciliation saw it first                     |
 * | present, managed    | no   | added: a removal came late                                             |
 * | adding, removing    | any  | nothing: the write is repeated, and nothing comes late any more        |
 * | any other           | any  | nothing                                                                |
 */
export function undoneAmong(pairs: readonly UnclearPair[], seen: ReadonlySet<string>): UndoneWrites {
  const undone: UndoneWrites = { added: [], removed: [] };
  for (const { remoteUserId, known } of pairs) {
    if (seen.has(remoteUserId)) {
      const isUnexpected = known === null || (known.state === 'present' && isUnmanaged(known));
      if (isUnexpected) undone.removed.push(remoteUserId);
    } else if (known?.state === 'present' && known.managed) {
      undone.added.push(remoteUserId);
    }
  }
  return undone;
}

/** Turns the undone writes into intents, which are sent like any other. After that no pair is unclear any more. */
export async function resolveUnclear(
  tx: Transaction,
  remoteGroupId: string,
  pairs: readonly UnclearPair[],
  { added, removed }: UndoneWrites,
): Promise<void> {
  await markIntents(tx, remoteGroupId, 'adding', added.map(asIntent));
  await markIntents(tx, remoteGroupId, 'removing', removed.map(asIntent));
  const remoteUserIds = pairs.map(({ remoteUserId }) => remoteUserId);
  await tx.query(
    `DELETE FROM unclear_write WHERE remoteGroupId = ? AND remoteUserId IN (${inList(remoteUserIds)})`,
    [remoteGroupId, ...remoteUserIds],
  );
}

function asIntent(remoteUserId: string) {
  return { remoteUserId, refusals: 0 };
}
