import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';

/**
 * The attributes of a user that a target needs beyond the address, and which of them were used for the look-up. No
 * existing user has any.
 */
export class TargetAttributes1790500000000 implements MigrationInterface {
  name = 'TargetAttributes1790500000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE scim_user ADD COLUMN targetAttributes ${t.longText}`);
    await runner.query(`ALTER TABLE scim_user ADD COLUMN targetAttributesKey ${t.key(64)}`);
    await runner.query(`ALTER TABLE remote_user ADD COLUMN targetAttributesKey ${t.key(64)}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE remote_user DROP COLUMN targetAttributesKey');
    await runner.query('ALTER TABLE scim_user DROP COLUMN targetAttributesKey');
    await runner.query('ALTER TABLE scim_user DROP COLUMN targetAttributes');
  }
}
