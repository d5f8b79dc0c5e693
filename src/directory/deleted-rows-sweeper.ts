import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { type RunTransaction, deleteInThousands } from '../database/bounded-delete';
import { inList } from '../database/dialect';
import { TransactionRunner } from '../database/transaction-runner';
import { KeptUsers } from './kept-users';

const SWEEP_EVERY_MS = 5_000;
const ROWS_PER_TURN = 1_000;

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
    const groups = await this.reader.query<{ id: string }[]>(
      `SELECT g.id AS id FROM scim_group g LEFT JOIN group_change c ON c.groupId = g.id
       WHERE g.deletedAt IS NOT NULL AND c.groupId IS NULL LIMIT 100`,
    );
    for (const { id } of groups) await this.removeGroup(id);
    await this.removeUsers();
  }

  private async removeUsers(): Promise<void> {
    for (let after = { deletedAt: 0, id: '' }; ;) {
      // In the order of the index: users who are not deleted are never looked at.
      const users = await this.reader.query<{ deletedAt: number; id: string }[]>(
        `SELECT u.deletedAt AS deletedAt, u.id AS id FROM scim_user u
         WHERE u.deletedAt >= ? AND (u.deletedAt > ? OR u.id > ?)
           AND NOT EXISTS (SELECT 1 FROM member_change c WHERE c.userId = u.id)
         ORDER BY u.deletedAt, u.id LIMIT ${ROWS_PER_TURN}`,
        [after.deletedAt, after.deletedAt, after.id],
      );
      if (users.length === 0) return;
      const ids = users.map(({ id }) => id);
      const kept = await this.kept.among(ids);
      const gone = ids.filter((id) => !kept.has(id));
      if (gone.length > 0) {
        await this.transactions.run(async (tx) => {
          await tx.query(`DELETE FROM scim_user WHERE id IN (${inList(gone)})`, gone);
          await this.kept.forget(tx, gone);
        });
      }
      after = users.at(-1)!;
    }
  }

  private async removeGroup(groupId: string): Promise<void> {
    const run: RunTransaction = (work) => this.transactions.run(work);
    await deleteInThousands(run, 'group_member', 'groupId = ?', [groupId]);
    await run((tx) => tx.query('DELETE FROM scim_group WHERE id = ?', [groupId]));
  }
}
