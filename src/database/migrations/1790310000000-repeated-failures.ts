import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl } from '../column-types';
import { dialect } from '../dialect';

const COLUMNS = [
  { table: 'audit_event', column: 'attemptKey', ddl: columnDdl.key(64) },
  { table: 'audit_event', column: 'attempts', ddl: columnDdl.integer },
  { table: 'audit_event', column: 'lastAt', ddl: columnDdl.time },
  { table: 'remote_member', column: 'notFoundSince', ddl: columnDdl.time },
] as const;

/**
 * One audit event counts repeated failures. A member that a remote group does not accept is refused after two
 * minutes.
 */
export class RepeatedFailures1790310000000 implements MigrationInterface {
  name = 'RepeatedFailures1790310000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const { table, column, ddl } of COLUMNS) {
      await runner.query(`ALTER TABLE ${table} ADD COLUMN ${column} ${ddl}`);
    }
    await runner.query('CREATE INDEX audit_event_attempt ON audit_event (attemptKey)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      dialect === 'mysql'
        ? 'DROP INDEX audit_event_attempt ON audit_event'
        : 'DROP INDEX audit_event_attempt',
    );
    for (const { table, column } of COLUMNS) {
      await runner.query(`ALTER TABLE ${table} DROP COLUMN ${column}`);
    }
  }
}
