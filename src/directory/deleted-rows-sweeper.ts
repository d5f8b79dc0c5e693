import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { type RunTransaction, deleteInThousands } from '../database/bounded-delete';
import { inList } from '../database/dialect';
import { keysetSlices } from '../database/keyset-slices';
import { TransactionRunner } from '../database/transaction-runner';
import { Slice } from '../event-loop/slice';
import { KeptUsers } from './kept-users';

const SWEEP_EVERY_MS = 5_000;
/** Whether the engine has still to look at the change of the row d. */
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
 * Removes what a DELETE only marked: a group of 100,000 members goes away in a thousand rows at a time, between the
 * writes of others. A row stays as long as the engine has still to look at its change, and a user's as long as somebody has
 * to be told who it was.
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
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.sweeping = this.sweeping
        .then(() => this.sweep())
        .catch((error: unknown) => this.logger.error('Deleted rows could not be swept', error));
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
   * In the order of the index: rows that are not deleted are never looked at. What is marked is only passed over, so that
   * however much waits for the engine, no statement goes through all of it.
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
    const kept = await this.kept.among(ids);
    const gone = ids.filter((id) => !kept.has(id));
    if (gone.length === 0) return;
    await this.transactions.run(async (tx) => {
      await tx.query(`DELETE FROM scim_user WHERE id IN (${inList(gone)})`, gone);
      await this.kept.forget(tx, gone);
    });
  }

  private async removeGroup(groupId: string): Promise<void> {
    const run: RunTransaction = (work) => this.transactions.run(work);
    await deleteInThousands(run, 'group_member', 'groupId = ?', [groupId]);
    await run((tx) => tx.query('DELETE FROM scim_group WHERE id = ?', [groupId]));
  }
}
