import type { MigrationInterface, QueryRunner } from 'typeorm';
import { dialect } from '../dialect';

const INDEXES = [
  { name: 'admin_key_live', table: 'admin_key', columns: 'tenantId, revokedAt, expiresAt' },
  { name: 'scim_key_live', table: 'scim_key', columns: 'integrationId, revokedAt, expiresAt' },
] as const;

/** Scimify counts the live keys whenever it makes one. With these indexes it does not read the revoked ones. */
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
