import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';

/** Whoever was to leave a team and is wanted in it again is not forgotten when the target refuses to add them. */
export class RemovalsTakenBack1790760000000 implements MigrationInterface {
  name = 'RemovalsTakenBack1790760000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE remote_member ADD COLUMN mayBeMember ${t.boolean}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE remote_member DROP COLUMN mayBeMember');
  }
}
