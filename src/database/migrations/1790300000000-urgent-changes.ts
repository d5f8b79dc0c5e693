import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';
import { dialect } from '../dialect';

const INDEXES = [
  { name: 'group_change_by_size', table: 'group_change', columns: 'integrationId, large, whole, since' },
  { name: 'member_change_leavers', table: 'member_change', columns: 'leaverOf, groupId' },
] as const;

/** Finds urgent changes without reading the others: those of leavers, and groups with few changes. */
export class UrgentChanges1790300000000 implements MigrationInterface {
  name = 'UrgentChanges1790300000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE group_change ADD COLUMN large ${t.boolean}`);
    await runner.query(`ALTER TABLE member_change ADD COLUMN leaverOf ${t.id}`);
    for (const { name, table, columns } of INDEXES) {
      await runner.query(`CREATE INDEX ${name} ON ${table} (${columns})`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const { name, table } of INDEXES) {
      await runner.query(dialect === 'mysql' ? `DROP INDEX ${name} ON ${table}` : `DROP INDEX ${name}`);
    }
    await runner.query('ALTER TABLE member_change DROP COLUMN leaverOf');
    await runner.query('ALTER TABLE group_change DROP COLUMN large');
  }
}
