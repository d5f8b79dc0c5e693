import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { inList } from '../database/dialect';
import { TransactionRunner } from '../database/transaction-runner';

const SWEEP_EVERY_MS = 5_000;
const ROWS_PER_TURN = 1_000;

/**
 * Removes what a DELETE only marked: a group of 100,000 members goes away in a thousand rows at a time, between the
 * writes of others. A row stays as long as the engine has still to look at its change.
 */
@Injectable()
export class DeletedRowsSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(DeletedRowsSweeper.name);
  private timer: NodeJS.Timeout | null = null;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly transactions: TransactionRunner,
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
    const users = await this.reader.query<{ id: string }[]>(
      `SELECT u.id AS id FROM scim_user u WHERE u.deletedAt IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM member_change c WHERE c.userId = u.id) LIMIT ${ROWS_PER_TURN}`,
    );
    if (users.length === 0) return;
    const ids = users.map(({ id }) => id);
    await this.transactions.run((tx) => tx.query(`DELETE FROM scim_user WHERE id IN (${inList(ids)})`, ids));
  }

  private async removeGroup(groupId: string): Promise<void> {
    for (;;) {
      const members = await this.reader.query<{ userId: string }[]>(
        `SELECT userId FROM group_member WHERE groupId = ? LIMIT ${ROWS_PER_TURN}`,
        [groupId],
      );
      const ids = members.map(({ userId }) => userId);
      await this.transactions.run((tx) =>
        ids.length > 0
          ? tx.query(`DELETE FROM group_member WHERE groupId = ? AND userId IN (${inList(ids)})`, [
              groupId,
              ...ids,
            ])
          : tx.query('DELETE FROM scim_group WHERE id = ?', [groupId]),
      );
      if (ids.length === 0) return;
    }
  }
}
