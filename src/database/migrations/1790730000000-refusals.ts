import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';

/**
 * Counts refused calls for a member in a row apart from temporary failures. A retry that an admin asked for is
 * told apart from other triggers.
 */
export class Refusals1790730000000 implements MigrationInterface {
  name = 'Refusals1790730000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE integration_work ADD COLUMN forgets ${t.boolean}`);
    await runner.query('UPDATE integration_work SET forgets = hurried');
    await runner.query(`ALTER TABLE remote_group ADD COLUMN askedAt ${t.time}`);
    await runner.query(`ALTER TABLE remote_member ADD COLUMN refusals ${t.integer}`);
    await runner.query("UPDATE remote_member SET refusals = attempts, attempts = 0 WHERE kind = 'waiting'");
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query("UPDATE remote_member SET attempts = refusals WHERE kind = 'waiting'");
    await runner.query('ALTER TABLE remote_member DROP COLUMN refusals');
    await runner.query('ALTER TABLE remote_group DROP COLUMN askedAt');
    await runner.query('ALTER TABLE integration_work DROP COLUMN forgets');
  }
}
