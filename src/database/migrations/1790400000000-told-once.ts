import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';

/** What the log has already reported: that an integration was first in sync, and that a target keeps a leaver. */
export class ToldOnce1790400000000 implements MigrationInterface {
  name = 'ToldOnce1790400000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE integration_work ADD COLUMN firstSyncedAt ${t.time}`);
    await runner.query(`ALTER TABLE remote_member ADD COLUMN keptLeaverAt ${t.time}`);
    // For integrations that were already in sync, it is not news.
    await runner.query(
      `UPDATE integration_work SET firstSyncedAt = reconcileAt WHERE EXISTS (
         SELECT 1 FROM remote_group g WHERE g.integrationId = integration_work.integrationId AND g.state = 'synced')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE remote_member DROP COLUMN keptLeaverAt');
    await runner.query('ALTER TABLE integration_work DROP COLUMN firstSyncedAt');
  }
}
