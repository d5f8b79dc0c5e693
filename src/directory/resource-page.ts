/** A condition on a table's columns, with its parameters in order. */
export interface SqlCondition {
  sql: string;
  params: readonly unknown[];
}

/** Rows by a column, rows without a value last (RFC 7644 §3.4.2.3), equal ones in the order of their ids. */
export interface SqlOrder {
  column: string;
  nullable: boolean;
  descending: boolean;
}

/** Columns that every row has and whose values occur once: the id of a row adds nothing to their order. */
const UNIQUE_COLUMNS: ReadonlySet<string> = new Set(['userNameKey']);

/** Which rows of a list to read; without an order, in that of their ids, which is the order of creation. */
export interface ListRequest {
  where: SqlCondition | null;
  /** Behind which place; null from the beginning on. */
  behind: ListPosition | null;
  order: SqlOrder | null;
  offset: number;
  limit: number;
}

/** A row together with what it was ordered by. */
export type Ordered<Row> = Row & { sortKey: string | number | null };

/** The last place of a list that was read: what comes behind it is the next page. */
export interface ListPosition {
  sortKey: string | number | null;
  id: string;
}

export function orderBy(order: SqlOrder | null): string {
  if (!order) return 'id';
  const direction = order.descending ? ' DESC' : '';
  const missingLast = order.nullable ? `(${order.column} IS NULL)${direction}, ` : '';
  return `${missingLast}${order.column}${direction}${UNIQUE_COLUMNS.has(order.column) ? '' : ', id'}`;
}

export function sortKeyColumn(order: SqlOrder | null): string {
  return `${order?.column ?? 'id'} AS sortKey`;
}

/** The rows that come behind a place in an order. */
export function behind(order: SqlOrder | null, { sortKey, id }: ListPosition): SqlCondition {
  if (!order) return { sql: 'id > ?', params: [id] };
  const { column, nullable, descending } = order;
  if (sortKey === null) {
    // Rows without a value are the last ones when ascending, the first ones when descending.
    return descending
      ? { sql: `(${column} IS NULL AND id > ?) OR ${column} IS NOT NULL`, params: [id] }
      : { sql: `${column} IS NULL AND id > ?`, params: [id] };
  }
  if (UNIQUE_COLUMNS.has(column)) return { sql: `${column} ${descending ? '<' : '>'} ?`, params: [sortKey] };
  const missingFollow = nullable && !descending ? ` OR ${column} IS NULL` : '';
  return {
    sql: `${column} ${descending ? '<' : '>'} ? OR (${column} = ? AND id > ?)${missingFollow}`,
    params: [sortKey, sortKey, id],
  };
}

export function both(a: SqlCondition | null, b: SqlCondition | null): SqlCondition | null {
  if (!a || !b) return a ?? b;
  return { sql: `(${a.sql}) AND (${b.sql})`, params: [...a.params, ...b.params] };
}
