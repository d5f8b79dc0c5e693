import { setImmediate as breathe } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ROWS_PER_STATEMENT, chunksOf } from '../database/chunks';
import { upsertSql } from '../database/dialect';
import type { Transaction } from '../database/transaction-runner';
import type { ReleaseMode } from './change.entity';
import { DesiredStateChanges } from './desired-state-changes';
import { newMark } from './mark';

/** So many people of one group that change at once are few. */
const FEW = 25;

/**
 * What the engine has to compare again, written in the transaction of the change. The rows are the outbox: nothing else
 * has to survive for the change to be applied.
 */
@Injectable()
export class ChangeMarks {
  constructor(private readonly changes: DesiredStateChanges) {}

  /**
   * @param pairs who changed in which group; a group without pairs is marked for its name alone
   * @param cause id of the request that caused it; null where the engine itself found something, which leaves a request
   *   that was noted before in place
   */
  async mark(
    tx: Transaction,
    integrationId: string,
    pairs: ReadonlyMap<string, readonly string[]>,
    cause: string | null = null,
  ): Promise<void> {
    if (pairs.size === 0) return;
    const mark = newMark();
    const groupIds = [...pairs.keys()].sort();
    await markGroups(tx, integrationId, groupIds, { mark, cause, whole: false });
    const isFew = (groupId: string) => pairs.get(groupId)!.length <= FEW;
    const some = groupIds.filter(isFew);
    const many = groupIds.filter((groupId) => !isFew(groupId));
    await markPairs(tx, pairs, some, { mark, cause, smallOf: integrationId });
    await markPairs(tx, pairs, many, { mark, cause, smallOf: null });
    this.changes.announce(tx, integrationId);
  }

  /** Of the pairs that are marked, those of this user are urgent: they left the IdP, and may be paged until they are let go. */
  async markLeaver(tx: Transaction, integrationId: string, userId: string): Promise<void> {
    await tx.query('UPDATE member_change SET leaverOf = ? WHERE userId = ?', [integrationId, userId]);
  }

  /** Every member of these groups has to be compared. */
  async markWhole(
    tx: Transaction,
    integrationId: string,
    groupIds: readonly string[],
    cause: string | null = null,
  ): Promise<void> {
    if (groupIds.length === 0) return;
    await markGroups(tx, integrationId, [...new Set(groupIds)].sort(), {
      mark: newMark(),
      cause,
      whole: true,
    });
    this.changes.announce(tx, integrationId);
  }

  /** Says of a group that is marked and gone what is to become of its remote group; a later mark leaves that as it is. */
  async decideRelease(tx: Transaction, groupId: string, mode: ReleaseMode): Promise<void> {
    await tx.query('UPDATE group_change SET letGo = ? WHERE groupId = ?', [mode, groupId]);
  }
}

async function markGroups(
  tx: Transaction,
  integrationId: string,
  groupIds: readonly string[],
  { mark, cause, whole }: { mark: string; cause: string | null; whole: boolean },
): Promise<void> {
  const renewed = renewedBy(cause);
  const renewedWhole = cause === null ? ['whole'] : ['whole', 'wholeCause'];
  const since = Date.now();
  for await (const some of chunksOf(groupIds)) {
    await tx.query(
      upsertSql({
        table: 'group_change',
        columns: ['groupId', 'integrationId', 'mark', 'cause', 'whole', 'wholeCause', 'since'],
        key: ['groupId'],
        update: whole ? [...renewed, ...renewedWhole] : renewed,
        rows: some.length,
      }),
      some.flatMap((groupId) => [
        groupId,
        integrationId,
        mark,
        cause,
        whole ? 1 : 0,
        whole ? cause : null,
        since,
      ]),
    );
  }
}

interface PairsMark {
  mark: string;
  cause: string | null;
  /** The integration, where they are few. */
  smallOf: string | null;
}

async function markPairs(
  tx: Transaction,
  pairs: ReadonlyMap<string, readonly string[]>,
  groupIds: readonly string[],
  mark: PairsMark,
): Promise<void> {
  let rows: [groupId: string, userId: string][] = [];
  for (const groupId of groupIds) {
    for (const userId of pairs.get(groupId)!) {
      rows.push([groupId, userId]);
      if (rows.length < ROWS_PER_STATEMENT) continue;
      await markMembers(tx, rows, mark);
      rows = [];
      await breathe();
    }
  }
  if (rows.length > 0) await markMembers(tx, rows, mark);
}

async function markMembers(
  tx: Transaction,
  rows: readonly [groupId: string, userId: string][],
  { mark, cause, smallOf }: PairsMark,
): Promise<void> {
  const renewed = renewedBy(cause);
  await tx.query(
    upsertSql({
      table: 'member_change',
      columns: ['groupId', 'userId', 'mark', 'cause', 'smallOf'],
      key: ['groupId', 'userId'],
      // Whoever changed with few others does not wait for the many with whom they changed again.
      update: smallOf === null ? renewed : [...renewed, 'smallOf'],
      rows: rows.length,
    }),
    rows.flatMap(([groupId, userId]) => [groupId, userId, mark, cause, smallOf]),
  );
}

function renewedBy(cause: string | null): string[] {
  return cause === null ? ['mark'] : ['mark', 'cause'];
}
