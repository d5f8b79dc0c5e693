import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';
import { dialect } from '../dialect';

interface Index {
  name: string;
  table: string;
  columns: string;
  unique?: boolean;
}

/** An external id may belong to several users. Every sort order of a list has an index that ends in the id. */
const ADDED: readonly Index[] = [
  { name: 'scim_user_by_external_id', table: 'scim_user', columns: 'integrationId, externalIdKey, id' },
  { name: 'scim_user_by_creation', table: 'scim_user', columns: 'integrationId, createdAt, id' },
  { name: 'scim_user_by_change', table: 'scim_user', columns: 'integrationId, lastModified, id' },
  { name: 'scim_group_by_name', table: 'scim_group', columns: 'integrationId, displayNameKey, id' },
  { name: 'scim_group_by_external_id', table: 'scim_group', columns: 'integrationId, externalIdKey, id' },
  { name: 'scim_group_by_creation', table: 'scim_group', columns: 'integrationId, createdAt, id' },
  { name: 'scim_group_by_change', table: 'scim_group', columns: 'integrationId, lastModified, id' },
  { name: 'group_member_of_group', table: 'group_member', columns: 'integrationId, groupId, userId' },
  { name: 'group_member_of_user', table: 'group_member', columns: 'integrationId, userId, groupId' },
  { name: 'held_item_in_change', table: 'held_item', columns: 'heldChangeId, groupId, subject' },
  {
    name: 'remote_user_in_review',
    table: 'remote_user',
    columns: 'integrationId, reason, nextCheckAt, userId',
  },
];

/** The indexes that they replace. */
const REMOVED: readonly Index[] = [
  {
    name: 'scim_user_external_id',
    table: 'scim_user',
    columns: 'integrationId, externalIdKey',
    unique: true,
  },
  { name: 'scim_group_name', table: 'scim_group', columns: 'integrationId, displayNameKey' },
  { name: 'scim_group_external_id', table: 'scim_group', columns: 'integrationId, externalIdKey' },
  { name: 'group_member_group', table: 'group_member', columns: 'integrationId, groupId' },
  { name: 'group_member_user', table: 'group_member', columns: 'integrationId, userId' },
  { name: 'held_item_of_change', table: 'held_item', columns: 'heldChangeId' },
  { name: 'remote_user_to_review', table: 'remote_user', columns: 'integrationId, reason, nextCheckAt' },
];

/**
 * `externalId` is no longer unique among users (RFC 7643 §3.1 leaves that to the client), and blank text is no
 * value. A separate row counts what an integration holds, and a tenant may have its own quotas.
 */
export class SharedExternalIds1790100000000 implements MigrationInterface {
  name = 'SharedExternalIds1790100000000';

  async up(runner: QueryRunner): Promise<void> {
    // On MySQL a foreign key needs an index at all times, so create the new indexes first.
    for (const index of ADDED) await runner.query(create(index));
    for (const index of REMOVED) await runner.query(drop(index));
    for (const table of ['scim_user', 'scim_group']) {
      await runner.query(`UPDATE ${table} SET externalIdKey = NULL WHERE TRIM(externalIdKey) = ''`);
      // Quotation marks inside a text are escaped, so this matches only the attribute.
      await runner.query(
        `UPDATE ${table} SET resource = REPLACE(resource, ',"externalId":""', '') WHERE resource LIKE '%,"externalId":""%'`,
      );
    }
    await runner.query(`ALTER TABLE tenant ADD COLUMN quotas ${t.longText}`);
    await runner.query(
      `CREATE TABLE directory_count (
        integrationId ${t.id} NOT NULL,
        tenantId ${t.id} NOT NULL,
        users ${t.integer} NOT NULL,
        groups_ ${t.integer} NOT NULL,
        memberships ${t.integer} NOT NULL,
        PRIMARY KEY (integrationId)
      )${t.tableOptions}`,
    );
    await runner.query('CREATE INDEX directory_count_of_tenant ON directory_count (tenantId)');
    await runner.query(
      `INSERT INTO directory_count (integrationId, tenantId, users, groups_, memberships)
       SELECT i.id, i.tenantId,
         (SELECT COUNT(*) FROM scim_user u WHERE u.integrationId = i.id AND u.deletedAt IS NULL),
         (SELECT COUNT(*) FROM scim_group g WHERE g.integrationId = i.id AND g.deletedAt IS NULL),
         (SELECT COUNT(*) FROM group_member m JOIN scim_group g ON g.id = m.groupId
          WHERE m.integrationId = i.id AND g.deletedAt IS NULL)
       FROM integration i`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE directory_count');
    await runner.query('ALTER TABLE tenant DROP COLUMN quotas');
    for (const index of REMOVED) await runner.query(create(index));
    for (const index of ADDED) await runner.query(drop(index));
  }
}

function create({ name, table, columns, unique = false }: Index): string {
  return `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${name} ON ${table} (${columns})`;
}

function drop({ name, table }: Index): string {
  return dialect === 'mysql' ? `DROP INDEX ${name} ON ${table}` : `DROP INDEX ${name}`;
}
