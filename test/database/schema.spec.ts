import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { writerOptions } from '../../src/database/data-source-options';
import { ENTITIES } from '../../src/entities';
import { type TestDatabase, createTestDatabase } from '../support/database';

/** TypeORM reads a server's catalogue rightly only when it is told that the server is MariaDB. */
async function open(options: DataSourceOptions): Promise<DataSource> {
  const dataSource = await new DataSource(options).initialize();
  if (options.type !== 'mysql') return dataSource;
  const [{ version }] = await dataSource.query<[{ version: string }]>('SELECT VERSION() AS version');
  if (!version.includes('MariaDB')) return dataSource;
  await dataSource.destroy();
  return new DataSource({ ...options, type: 'mariadb' }).initialize();
}

describe('the schema', () => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createTestDatabase();
    dataSource = await open(writerOptions(database.settings, ENTITIES));
    await dataSource.runMigrations();
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database.remove();
  });

  it('that the migrations make is the one that the entities describe', async () => {
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('is shown by the command line of TypeORM, too', () => {
    const command = ['node_modules/typeorm/cli.js', 'migration:show', '-d', 'dist/ormconfig.js'];
    const env = {
      ...process.env,
      DATABASE_URL: database.url,
      // With MySQL there is no data directory in which Scimify could create the keys.
      SCIMIFY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
      SCIMIFY_ADMIN_KEY: 'schema-admin-key-0123456789-01234567',
    };
    const shown = execFileSync(process.execPath, command, { env, encoding: 'utf8' });
    const names = dataSource.migrations.map(({ name }) => name);
    expect(shown.match(/\[X\] .*/g)).toHaveLength(names.length);
    for (const name of names) expect(shown).toContain(name);
  }, 60_000);

  it('goes away and comes back', async () => {
    await dataSource.undoLastMigration();
    await dataSource.runMigrations();
    expect(await dataSource.showMigrations()).toBe(false);
  });
});
