import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';

/** Teams that a look at the whole target had to leave out are looked at a second time: once per interval. */
export class SecondLooks1790771100000 implements MigrationInterface {
  name = 'SecondLooks1790771100000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE integration_work ADD COLUMN secondLookAskedAt ${t.time}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE integration_work DROP COLUMN secondLookAskedAt');
  }
}
