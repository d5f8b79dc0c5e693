import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';

/** Looks a second time at remote groups that a reconciliation had to leave out: once per interval. */
export class SecondLooks1790771100000 implements MigrationInterface {
  name = 'SecondLooks1790771100000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE integration_work ADD COLUMN secondLookAskedAt ${t.time}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE integration_work DROP COLUMN secondLookAskedAt');
  }
}
