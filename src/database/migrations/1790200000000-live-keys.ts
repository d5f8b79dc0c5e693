import type { MigrationInterface, QueryRunner } from 'typeorm';
import { dialect } from '../dialect';

const INDEXES = [
  { name: 'admin_key_live', table: 'admin_key', columns: 'tenantId, revokedAt, expiresAt' },
  { name: 'scim_key_live', table: 'scim_key', columns: 'integrationId, revokedAt, expiresAt' },
] as const;

/** Live keys are counted each time one is made: however many were revoked before, only the live ones are looked at. */
export class LiveKeys1790200000000 implements MigrationInterface {
  name = 'LiveKeys1790200000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const { name, table, columns } of INDEXES) {
      await runner.query(`CREATE INDEX ${name} ON ${table} (${columns})`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const { name, table } of INDEXES) {
      await runner.query(dialect === 'mysql' ? `DROP INDEX ${name} ON ${table}` : `DROP INDEX ${name}`);
    }
  }
}
