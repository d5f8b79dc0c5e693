import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';

/** When an admin had everything of an integration tried anew, for the run that follows. */
export class TriedAnew1790700000000 implements MigrationInterface {
  name = 'TriedAnew1790700000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE integration_work ADD COLUMN tryAnewSince ${t.time}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE integration_work DROP COLUMN tryAnewSince');
  }
}
