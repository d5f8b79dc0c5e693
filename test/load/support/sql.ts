import { createConnection } from 'mysql2/promise';
import type { DatabaseSettings } from '../../../src/config/database-settings';
import { loadSqlite } from '../../../src/database/sqlite-driver';

export type SqlValue = string | number | null;
type Row = Record<string, SqlValue>;

/** Direct access to the database of a stopped product, to insert hundreds of thousands of rows. */
export interface Sql {
  rows(sql: string, values?: readonly SqlValue[]): Promise<Row[]>;
  run(sql: string, values?: readonly SqlValue[]): Promise<void>;
  close(): Promise<void>;
}

/** Everything until `close` is one transaction. */
export async function openSql(database: DatabaseSettings): Promise<Sql> {
  return database.kind === 'sqlite' ? openSqlite(database.path) : openMysql(database.url);
}

function openSqlite(path: string): Sql {
  const { DatabaseSync } = loadSqlite();
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  database.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; BEGIN');
  // Indexes are dropped and created again at the end, which is many times faster than an update per row.
  const indexes = database
    .prepare(
      "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'group_member' AND sql > ''",
    )
    .all() as { name: string; sql: string }[];
  for (const { name } of indexes) database.exec(`DROP INDEX "${name}"`);
  return {
    rows: async (sql, values = []) => database.prepare(sql).all(...values) as Row[],
    run: async (sql, values = []) => void database.prepare(sql).run(...values),
    close: async () => {
      for (const { sql } of indexes) database.exec(sql);
      database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
      database.close();
    },
  };
}

async function openMysql(url: string): Promise<Sql> {
  const connection = await createConnection(url);
  await connection.query('START TRANSACTION');
  return {
    rows: async (sql, values = []) => {
      const [rows] = await connection.query<any[]>(sql, [...values]);
      return rows.map((row: object) =>
        // Binary columns contain text.
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            Buffer.isBuffer(value) ? value.toString() : value,
          ]),
        ),
      );
    },
    run: async (sql, values = []) => void (await connection.query(sql, [...values])),
    close: async () => {
      await connection.query('COMMIT');
      await connection.end();
    },
  };
}

/** Inserts rows into one table, with a few hundred rows per statement. */
export async function insertRows(sql: Sql, table: string, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const row = `(${columns.map(() => '?').join(', ')})`;
  for (let from = 0; from < rows.length; from += 500) {
    const some = rows.slice(from, from + 500);
    await sql.run(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${some.map(() => row).join(', ')}`,
      some.flatMap((one) => columns.map((column) => one[column]!)),
    );
  }
}
