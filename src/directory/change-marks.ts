import { Injectable } from '@nestjs/common';
import { v4 as randomUuid } from 'uuid';
import { chunksOf } from '../database/chunks';
import { upsertSql } from '../database/dialect';
import type { Transaction } from '../database/transaction-runner';
import type { LetGoMode } from './change.entity';
import { DesiredStateChanges } from './desired-state-changes';

/**
 * What the engine has to compare again, written in the transaction of the change. The rows are the outbox: nothing else
 * has to survive for the change to be applied.
 */
@Injectable()
export class ChangeMarks {
  constructor(private readonly changes: DesiredStateChanges) {}

  /**
   * @param pairs who changed in which group; a group without pairs is marked for its name alone
   * @param whole every member of these groups has to be compared
   */
  async mark(
    tx: Transaction,
    integrationId: string,
    pairs: ReadonlyMap<string, readonly string[]>,
    whole = false,
  ): Promise<void> {
    if (pairs.size === 0) return;
    const mark = randomUuid();
    const since = Date.now();
    const groupIds = [...pairs.keys()].sort();
    for await (const some of chunksOf(groupIds)) {
      await tx.query(
        upsertSql({
          table: 'group_change',
          columns: ['groupId', 'integrationId', 'mark', 'whole', 'since'],
          key: ['groupId'],
          update: whole ? ['mark', 'whole'] : ['mark'],
          rows: some.length,
        }),
        some.flatMap((groupId) => [groupId, integrationId, mark, whole ? 1 : 0, since]),
      );
    }
    const rows = groupIds.flatMap((groupId) => pairs.get(groupId)!.map((userId) => [groupId, userId, mark]));
    for await (const some of chunksOf(rows)) {
      await tx.query(
        upsertSql({
          table: 'member_change',
          columns: ['groupId', 'userId', 'mark'],
          key: ['groupId', 'userId'],
          update: ['mark'],
          rows: some.length,
        }),
        some.flat(),
      );
    }
    this.changes.announce(tx, integrationId);
  }

  /** Says of a group that is marked and gone what is to become of its remote group; a later mark leaves that as it is. */
  async decideLetGo(tx: Transaction, groupId: string, mode: LetGoMode): Promise<void> {
    await tx.query('UPDATE group_change SET letGo = ? WHERE groupId = ?', [mode, groupId]);
  }
}
