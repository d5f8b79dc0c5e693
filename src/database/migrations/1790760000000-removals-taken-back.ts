import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';

/** Remembers a member whose removal was taken back, also when the target refuses to add the member. */
export class RemovalsTakenBack1790760000000 implements MigrationInterface {
  name = 'RemovalsTakenBack1790760000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE remote_member ADD COLUMN mayBeMember ${t.boolean}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE remote_member DROP COLUMN mayBeMember');
  }
}
