import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';
import { dialect } from '../dialect';

const SMALL = { name: 'member_change_small', table: 'member_change', columns: 'smallOf, groupId' };
const GROUPS = { name: 'group_change_by_size', table: 'group_change' };
const BY_SIZE = { ...GROUPS, columns: 'integrationId, large, whole, since' };
const BY_WORK = { ...GROUPS, columns: 'integrationId, large, lookUps, whole, since' };

/**
 * Finds changes of few members without reading the many changes that wait for a large group. Finds groups that can
 * be sent immediately without reading the groups whose members need a look-up.
 */
export class SmallChanges1790750000000 implements MigrationInterface {
  name = 'SmallChanges1790750000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE member_change ADD COLUMN smallOf ${t.id}`);
    await runner.query(`ALTER TABLE group_change ADD COLUMN lookUps ${t.boolean}`);
    await drop(runner, BY_SIZE);
    for (const index of [SMALL, BY_WORK]) await create(runner, index);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const index of [SMALL, BY_WORK]) await drop(runner, index);
    await create(runner, BY_SIZE);
    await runner.query('ALTER TABLE group_change DROP COLUMN lookUps');
    await runner.query('ALTER TABLE member_change DROP COLUMN smallOf');
  }
}

async function create(
  runner: QueryRunner,
  { name, table, columns }: { name: string; table: string; columns: string },
): Promise<void> {
  await runner.query(`CREATE INDEX ${name} ON ${table} (${columns})`);
}

async function drop(runner: QueryRunner, { name, table }: { name: string; table: string }): Promise<void> {
  await runner.query(dialect === 'mysql' ? `DROP INDEX ${name} ON ${table}` : `DROP INDEX ${name}`);
}
