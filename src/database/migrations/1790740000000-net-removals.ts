import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';
import { dialect } from '../dialect';

const DROP_INDEX =
  dialect === 'mysql' ? 'DROP INDEX guard_event_window ON guard_event' : 'DROP INDEX guard_event_window';

/**
 * The guard against mass changes counts each user once for each remote group, and knows since when a change is
 * held. Removals of the last hour have no recorded user, so each counts as a different user.
 */
export class NetRemovals1790740000000 implements MigrationInterface {
  name = 'NetRemovals1790740000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(DROP_INDEX);
    await runner.query('ALTER TABLE guard_event RENAME TO former_guard_event');
    await runner.query(
      `CREATE TABLE guard_event (
        remoteGroupId ${t.id} NOT NULL,
        remoteUserId ${t.key(191)} NOT NULL,
        integrationId ${t.id} NOT NULL,
        joinedAt ${t.time},
        at ${t.time} NOT NULL,
        PRIMARY KEY (remoteGroupId, remoteUserId)
      )${t.tableOptions}`,
    );
    await runner.query(
      'CREATE INDEX guard_event_window ON guard_event (integrationId, at, remoteGroupId, remoteUserId)',
    );
    await runner.query(
      `INSERT INTO guard_event (remoteGroupId, remoteUserId, integrationId, joinedAt, at)
       SELECT remoteGroupId, CASE kind WHEN 'deletion' THEN '' ELSE id END, MAX(integrationId), MAX(joinedAt), MAX(at)
       FROM former_guard_event GROUP BY remoteGroupId, CASE kind WHEN 'deletion' THEN '' ELSE id END`,
    );
    await runner.query('DROP TABLE former_guard_event');
    await runner.query(`ALTER TABLE held_item ADD COLUMN heldAt ${t.time}`);
    await runner.query(
      'UPDATE held_item SET heldAt = (SELECT c.createdAt FROM held_change c WHERE c.id = held_item.heldChangeId)',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE held_item DROP COLUMN heldAt');
    await runner.query(DROP_INDEX);
    await runner.query('ALTER TABLE guard_event RENAME TO later_guard_event');
    await runner.query(
      `CREATE TABLE guard_event (
        id ${t.id} NOT NULL,
        integrationId ${t.id} NOT NULL,
        remoteGroupId ${t.id} NOT NULL,
        kind ${t.text(16)} NOT NULL,
        joinedAt ${t.time},
        at ${t.time} NOT NULL,
        PRIMARY KEY (id)
      )${t.tableOptions}`,
    );
    await runner.query('CREATE INDEX guard_event_window ON guard_event (integrationId, at)');
    // Removals of the last hour no longer count, because the old rows had their own ids.
    await runner.query('DROP TABLE later_guard_event');
  }
}
