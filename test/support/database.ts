import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import type { DatabaseSettings } from '../../src/config/database-settings';

export interface TestDatabase {
  settings: DatabaseSettings;
  /** In the form of `DATABASE_URL`. */
  url: string;
  remove(): Promise<void>;
}

/** A new empty database: a file, or a schema on the server in `DATABASE_URL`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env.DATABASE_URL;
  return server?.startsWith('mysql:') ? createMysqlDatabase(server) : createSqliteDatabase();
}

async function createMysqlDatabase(server: string): Promise<TestDatabase> {
  const name = `scimify_test_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  // The database in the URL may not exist.
  url.pathname = '/';
  const admin = await createConnection(url.href);
  await admin.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`);
  url.pathname = `/${name}`;
  return {
    settings: { kind: 'mysql', url: url.href },
    url: url.href,
    remove: async () => {
      await admin.query(`DROP DATABASE IF EXISTS ${name}`);
      await admin.end();
    },
  };
}

async function createSqliteDatabase(): Promise<TestDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'scimify-test-'));
  const path = join(directory, 'scimify.sqlite');
  return {
    settings: { kind: 'sqlite', path },
    url: `sqlite:${path}`,
    remove: async () => rmSync(directory, { recursive: true, force: true }),
  };
}
