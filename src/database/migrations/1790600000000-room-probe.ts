import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';

/** The table in which Scimify tests whether a full disk has space again. */
export class RoomProbe1790600000000 implements MigrationInterface {
  name = 'RoomProbe1790600000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE room_probe (id ${t.id} NOT NULL PRIMARY KEY, filling ${t.longText} NOT NULL)${t.tableOptions}`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE room_probe');
  }
}
