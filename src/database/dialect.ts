/**
 * The database that this process uses. It is known before any entity is declared, because TypeORM reads column
 * types while the classes load.
 */
export const dialect: 'sqlite' | 'mysql' = process.env.DATABASE_URL?.startsWith('mysql:')
  ? 'mysql'
  : 'sqlite';

/**
 * Appended to a SELECT inside a transaction: no other transaction may write these rows until it ends. SQLite has
 * one writer anyway.
 */
export const FOR_UPDATE = dialect === 'mysql' ? ' FOR UPDATE' : '';

/** Appended to a SELECT inside a transaction: these rows stay as they were read until it ends. */
export const FOR_SHARE = dialect === 'mysql' ? ' LOCK IN SHARE MODE' : '';

/**
 * Reads a table through one index: the index gives the order, and the read ends at its LIMIT. Without it the
 * planner may find rows by another index and sort them, which reads every row for each page.
 */
export function throughIndex(table: string, index: string): string {
  return dialect === 'mysql' ? `${table} FORCE INDEX (${index})` : `${table} INDEXED BY ${index}`;
}

/** SQL expression of the database's own clock, in epoch milliseconds. */
export const DATABASE_NOW =
  dialect === 'mysql'
    ? 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)'
    : "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/** `(?, ?), (?, ?)` for that many rows of that many columns. */
export function placeholders(rows: number, columns = 1): string {
  const row = `(${Array(columns).fill('?').join(', ')})`;
  return Array(rows).fill(row).join(', ');
}

/** `?, ?, ?` for the inside of an `IN (…)`. */
export function inList(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}
