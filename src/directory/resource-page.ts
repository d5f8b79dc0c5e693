/** A condition on a table's columns, with its parameters in order. */
export interface SqlCondition {
  sql: string;
  params: readonly unknown[];
}

/** Where in a list to read: rows in the order of their ids, which is the order of creation. */
export interface ListRequest {
  where: SqlCondition | null;
  offset: number;
  limit: number;
}

/** A comparable text of at most this many bytes fits the index on every database. */
export const MAX_KEY_BYTES = 1024;
