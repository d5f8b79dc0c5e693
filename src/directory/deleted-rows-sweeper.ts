import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { type RunTransaction, deleteInThousands } from '../database/bounded-delete';
import { inList } from '../database/dialect';
import { keysetSlices } from '../database/keyset-slices';
import { TransactionRunner } from '../database/transaction-runner';
import { Slice } from '../event-loop/slice';
import { KeptUsers, RemovedUsers } from './kept-users';

const SWEEP_EVERY_MS = 5_000;
/** Whether the engine still has to compare the change of row d. */
const IS_MARKED_GROUP = 'EXISTS (SELECT 1 FROM group_change c WHERE c.groupId = d.id)';
const IS_MARKED_USER = 'EXISTS (SELECT 1 FROM member_change c WHERE c.userId = d.id)';

interface DeletedRow {
  deletedAt: number;
  id: string;
  marked: number;
}

function isSwept({ marked }: DeletedRow): boolean {
  return Number(marked) === 0;
}

/**
 * Removes rows that a DELETE only marked as deleted. It removes a thousand rows at a time, so that other writes get in
 * between, even for a group of 100,000 members. A row stays until the engine has compared its change. A user's row also
 * stays until no view or message needs the user's name.
 */
@Injectable()
export class DeletedRowsSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(DeletedRowsSweeper.name);
  private timer: NodeJS.Timeout | null = null;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly transactions: TransactionRunner,
    private readonly kept: KeptUsers,
    private readonly removed: RemovedUsers,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.sweeping = this.sweeping
        .then(() => this.sweep())
        .catch((error: unknown) => this.logger.error('Deleted rows could not be removed', error));
    }, SWEEP_EVERY_MS);
    this.timer.unref();
  }

  async onModuleDestroy(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.sweeping;
  }

  private async sweep(): Promise<void> {
    for await (const rows of this.deletedRows('scim_group', IS_MARKED_GROUP)) {
      for (const { id } of rows.filter(isSwept)) await this.removeGroup(id);
    }
    for await (const rows of this.deletedRows('scim_user', IS_MARKED_USER)) {
      await this.removeUsers(rows.filter(isSwept).map(({ id }) => id));
    }
  }

  /**
   * Reads in the order of the index, so it never touches rows that are not deleted. It skips marked rows slice by slice,
   * so no statement reads all of them, even when many wait for the engine.
   */
  private deletedRows(table: string, isMarked: string): AsyncGenerator<DeletedRow[]> {
    return keysetSlices<DeletedRow>(new Slice(), (last, limit) =>
      this.reader.query(
        `SELECT d.deletedAt AS deletedAt, d.id AS id, CASE WHEN ${isMarked} THEN 1 ELSE 0 END AS marked
         FROM (SELECT deletedAt, id FROM ${table} WHERE deletedAt >= ? AND (deletedAt > ? OR id > ?)
               ORDER BY deletedAt, id LIMIT ?) d ORDER BY d.deletedAt, d.id`,
        [last?.deletedAt ?? 0, last?.deletedAt ?? 0, last?.id ?? '', limit],
      ),
    );
  }

  private async removeUsers(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const kept = new Set((await this.kept.call(ids)).flat());
    const gone = ids.filter((id) => !kept.has(id));
    if (gone.length === 0) return;
    await this.transactions.run(async (tx) => {
      await tx.query(`DELETE FROM scim_user WHERE id IN (${inList(gone)})`, gone);
      await this.removed.call(tx, gone);
    });
  }

  private async removeGroup(groupId: string): Promise<void> {
    const run: RunTransaction = (work) => this.transactions.run(work);
    await deleteInThousands(run, 'group_member', 'groupId = ?', [groupId]);
    await run((tx) => tx.query('DELETE FROM scim_group WHERE id = ?', [groupId]));
  }
}
