import type { DataSourceOptions, MixedList } from 'typeorm';
import type { TypeCastField } from 'mysql2';
import type { DatabaseSettings } from '../config/database-settings';
import { MIGRATIONS } from './migrations';
import { SqliteDriver } from './sqlite-driver';

/**
 * 1 GiB. A separate thread copies the log into the file long before (`WriteAheadLog`). If that thread fails, the
 * writer copies the log at this size, inside a COMMIT.
 */
const LONGEST_LOG_PAGES = 262_144;

export type EntityClasses = MixedList<new () => object>;

/** The connection that writes and migrates. */
export function writerOptions(settings: DatabaseSettings, entities: EntityClasses): DataSourceOptions {
  if (settings.kind === 'mysql') return mysqlOptions(settings.url, entities);
  return {
    type: 'better-sqlite3',
    driver: SqliteDriver,
    database: settings.path,
    enableWAL: true,
    prepareDatabase: (database: SqliteDriver) =>
      // A COMMIT does not flush the log: `WriteAheadLog` does, and callers wait for it.
      void database.exec(`PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${LONGEST_LOG_PAGES}`),
    statementCacheSize: 500,
    entities: entities as never,
    migrations: MIGRATIONS,
    migrationsTransactionMode: 'each',
  };
}

/**
 * The connection that reads. On SQLite it cannot write and sees committed rows only, so a write that bypasses the
 * `TransactionRunner` fails immediately.
 */
export function readerOptions(settings: DatabaseSettings, entities: EntityClasses): DataSourceOptions {
  if (settings.kind === 'mysql') return mysqlOptions(settings.url, entities);
  return {
    type: 'better-sqlite3',
    driver: SqliteDriver,
    database: settings.path,
    readonly: true,
    statementCacheSize: 500,
    entities: entities as never,
  };
}

function mysqlOptions(url: string, entities: EntityClasses): DataSourceOptions {
  return {
    type: 'mysql',
    url,
    charset: 'utf8mb4_bin',
    timezone: 'Z',
    supportBigNumbers: true,
    bigNumberStrings: false,
    connectTimeout: 10_000,
    extra: {
      connectionLimit: 16,
      // Our key columns are VARBINARY and hold UTF-8 text.
      typeCast: (field: TypeCastField, next: () => unknown) =>
        field.type === 'VAR_STRING' ? field.string('utf8') : next(),
    },
    entities: entities as never,
    migrations: MIGRATIONS,
    migrationsTransactionMode: 'each',
  };
}
