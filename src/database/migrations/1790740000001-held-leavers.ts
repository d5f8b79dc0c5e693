import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';
import { dialect } from '../dialect';

const COLUMNS = ['lookAt', 'leaverToldAt'];
const INDEXES = [
  { name: 'held_item_to_look_at', columns: 'lookAt' },
  { name: 'held_item_of_leaver', columns: 'groupId, leaverToldAt, subject' },
];
const A_DAY_MS = 24 * 60 * 60_000;

/** Reports each leaver once who waits too long for a decision. */
export class HeldLeavers1790740000001 implements MigrationInterface {
  name = 'HeldLeavers1790740000001';

  async up(runner: QueryRunner): Promise<void> {
    for (const column of COLUMNS) await runner.query(`ALTER TABLE held_item ADD COLUMN ${column} ${t.time}`);
    for (const { name, columns } of INDEXES) {
      await runner.query(`CREATE INDEX ${name} ON held_item (${columns})`);
    }
    await runner.query(
      `UPDATE held_item SET lookAt = COALESCE(heldAt, 0) + ${A_DAY_MS} WHERE state = 'held' AND subject <> ''`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const { name } of INDEXES) {
      await runner.query(dialect === 'mysql' ? `DROP INDEX ${name} ON held_item` : `DROP INDEX ${name}`);
    }
    for (const column of COLUMNS) await runner.query(`ALTER TABLE held_item DROP COLUMN ${column}`);
  }
}
