import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { writerOptions } from '../../src/database/data-source-options';
import { MIGRATIONS } from '../../src/database/migrations';
import { ENTITIES } from '../../src/entities';
import { type TestDatabase, createTestDatabase } from '../support/database';

const id = (kind: string, n: number) => `${kind}0000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const [TENANT, FIRST, SECOND] = [id('1', 1), id('2', 1), id('2', 2)];

/** Placeholders for the other required columns: the migration does not read them. */
const FILLER: Record<string, unknown> = {
  resource: '{}',
  secretCiphertext: '',
  settings: '{}',
  policies: '{}',
};

describe('a database that was filled by the first version', () => {
  let database: TestDatabase;
  let source: DataSource;

  const insert = (table: string, row: Record<string, unknown>) =>
    source.query(
      `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.keys(row)
        .map(() => '?')
        .join(', ')})`,
      Object.values(row),
    );
  const user = (
    integrationId: string,
    n: number,
    externalId: string | null,
    deletedAt: number | null = null,
  ) =>
    insert('scim_user', {
      id: id('3', n),
      integrationId,
      userName: `user${n}`,
      userNameKey: deletedAt === null ? `user${n}` : null,
      externalIdKey: externalId,
      displayName: `User ${n}`,
      active: 1,
      incarnation: 1,
      version: 1,
      resource: JSON.stringify({
        id: id('3', n),
        ...(externalId === null ? {} : { externalId }),
        userName: `user${n}`,
      }),
      createdAt: 1,
      lastModified: 1,
      deletedAt,
    });
  const group = (integrationId: string, n: number, deletedAt: number | null = null) =>
    insert('scim_group', {
      id: id('4', n),
      integrationId,
      displayName: `Group ${n}`,
      displayNameKey: `group ${n}`,
      displayNameUniqueKey: deletedAt === null ? `group ${n}` : null,
      externalIdKey: `g${n}`,
      generation: 1,
      version: 1,
      resource: JSON.stringify({ id: id('4', n), externalId: `g${n}`, displayName: `Group ${n}` }),
      createdAt: 1,
      lastModified: 1,
      deletedAt,
    });
  const member = (integrationId: string, groupNumber: number, userNumber: number) =>
    insert('group_member', { integrationId, groupId: id('4', groupNumber), userId: id('3', userNumber) });

  beforeAll(async () => {
    database = await createTestDatabase();
    const options = writerOptions(database.settings, ENTITIES);
    const first = await new DataSource({ ...options, migrations: MIGRATIONS.slice(0, 1) }).initialize();
    await first.runMigrations();
    source = first;
    await insert('tenant', { id: TENANT, name: 'Acme', createdAt: 1, updatedAt: 1 });
    for (const integrationId of [FIRST, SECOND]) {
      await insert('integration', {
        id: integrationId,
        tenantId: TENANT,
        provider: 'pagerduty',
        name: 'PagerDuty',
        mode: 'paused',
        revision: 1,
        settings: FILLER.settings,
        secretCiphertext: FILLER.secretCiphertext,
        secretKeyId: 'k',
        policies: FILLER.policies,
        connectionStatus: 'unknown',
        createdAt: 1,
        updatedAt: 1,
      });
    }
    await user(FIRST, 1, 'john');
    await user(FIRST, 2, '');
    await user(FIRST, 3, null);
    await user(FIRST, 4, 'gone', 5);
    await user(SECOND, 5, 'john');
    await group(FIRST, 1);
    await group(FIRST, 2, 5);
    await group(SECOND, 3);
    await member(FIRST, 1, 1);
    await member(FIRST, 1, 2);
    await member(FIRST, 2, 3);
    await member(SECOND, 3, 5);
    await first.destroy();
    source = await new DataSource(options).initialize();
    await source.runMigrations();
  }, 60_000);

  afterAll(async () => {
    await source.destroy();
    await database.remove();
  });

  const rows = <Row>(sql: string) => source.query<Row[]>(sql);

  it('keeps every user, group and membership', async () => {
    const users = await rows<{ userName: string; externalIdKey: string | null; resource: string }>(
      'SELECT userName, externalIdKey, resource FROM scim_user ORDER BY id',
    );
    expect(users.map(({ userName, externalIdKey }) => [userName, externalIdKey])).toEqual([
      ['user1', 'john'],
      ['user2', null],
      ['user3', null],
      ['user4', 'gone'],
      ['user5', 'john'],
    ]);
    expect(users.map(({ resource }) => (JSON.parse(resource) as { externalId?: string }).externalId)).toEqual(
      ['john', undefined, undefined, 'gone', 'john'],
    );
    expect(await rows('SELECT id FROM scim_group')).toHaveLength(3);
    expect(await rows('SELECT groupId FROM group_member')).toHaveLength(4);
  });

  it('lets two users of one integration have the same external id from then on', async () => {
    await user(FIRST, 6, 'john');
    expect(
      await rows(`SELECT id FROM scim_user WHERE integrationId = '${FIRST}' AND externalIdKey = 'john'`),
    ).toHaveLength(2);
    await source.query('DELETE FROM scim_user WHERE id = ?', [id('3', 6)]);
  });

  it('still lets no two of them have the same name', async () => {
    await source.query('UPDATE scim_user SET userNameKey = NULL WHERE id = ?', [id('3', 3)]);
    await source.query("UPDATE scim_user SET userNameKey = 'user1' WHERE id = ?", [id('3', 5)]);
    await expect(
      source.query("UPDATE scim_user SET userNameKey = 'user1' WHERE id = ?", [id('3', 3)]),
    ).rejects.toThrow();
  });

  it('knows how much each integration holds that is not deleted', async () => {
    const counts = await rows<Record<string, unknown>>(
      'SELECT integrationId, tenantId, users, groups_, memberships FROM directory_count ORDER BY integrationId',
    );
    expect(counts.map((row) => ({ ...row }))).toEqual([
      { integrationId: FIRST, tenantId: TENANT, users: 3, groups_: 1, memberships: 2 },
      { integrationId: SECOND, tenantId: TENANT, users: 1, groups_: 1, memberships: 1 },
    ]);
  });
});
