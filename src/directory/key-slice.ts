import { dialect } from '../database/dialect';

/** The id of a resource, and the columns that lists filter and sort by. */
export interface KeyRow {
  id: string;
  deletedAt: number | null;
  [column: string]: string | number | null;
}

/** An order that has an index: by a column, then by id. Resources without a value come last. */
export interface KeyOrder {
  column: string;
  nullable: boolean;
  /** The exact reverse: resources without a value come first. */
  descending: boolean;
}

/** Both ends are included. */
export interface KeyRange {
  low: string | number | null;
  high: string | number | null;
}

/** A place in an order. The rest of the list comes behind it. */
export interface Place {
  key: string | number | null;
  id: string;
}

export interface KeyRequest {
  order: KeyOrder;
  /** Of the order's column; null for no limit. */
  range: KeyRange | null;
  behind: Place | null;
}

/** Resources that have a value in the column of the order, or those that have none. */
export type Segment = 'values' | 'nulls';

export const BY_ID: KeyOrder = { column: 'id', nullable: false, descending: false };

/** The parts of a list, starting at the place where it continues. An index has each part in one piece. */
export function segmentsOf({
  order,
  range,
  behind,
}: KeyRequest): { segment: Segment; behind: Place | null }[] {
  if (!order.nullable || range !== null) return [{ segment: 'values', behind }];
  const all: readonly Segment[] = order.descending ? ['nulls', 'values'] : ['values', 'nulls'];
  const first: Segment = behind === null ? all[0]! : behind.key === null ? 'nulls' : 'values';
  return all
    .slice(all.indexOf(first))
    .map((segment) => ({ segment, behind: segment === first ? behind : null }));
}

export interface SqlCondition {
  sql: string;
  params: (string | number)[];
}

/**
 * Which rows of a segment come next. All conditions are on the columns of one index, so a statement with a LIMIT never
 * reads more rows than that.
 */
export function nextRows(
  { column, descending }: KeyOrder,
  segment: Segment,
  range: KeyRange | null,
  behind: Place | null,
): SqlCondition {
  const sign = descending ? '<' : '>';
  if (column === 'id')
    return behind ? { sql: `id ${sign} ?`, params: [behind.id] } : { sql: "id > ''", params: [] };
  if (segment === 'nulls') {
    return behind
      ? { sql: `${column} IS NULL AND id ${sign} ?`, params: [behind.id] }
      : { sql: `${column} IS NULL`, params: [] };
  }
  const conditions: SqlCondition[] = [];
  if (range?.low !== null && range?.low !== undefined)
    conditions.push({ sql: `${column} >= ?`, params: [range.low] });
  if (range?.high !== null && range?.high !== undefined)
    conditions.push({ sql: `${column} <= ?`, params: [range.high] });
  if (behind) conditions.push(behindPlace(column, sign, behind));
  if (conditions.length === 0) conditions.push({ sql: `${column} IS NOT NULL`, params: [] });
  return {
    sql: conditions.map(({ sql }) => sql).join(' AND '),
    params: conditions.flatMap(({ params }) => params),
  };
}

/** With its own form of the condition, a database seeks to the place in its index. With the other form it scans. */
function behindPlace(column: string, sign: '<' | '>', { key, id }: Place): SqlCondition {
  return dialect === 'mysql'
    ? {
        sql: `${column} ${sign}= ? AND (${column} ${sign} ? OR (${column} = ? AND id ${sign} ?))`,
        params: [key!, key!, key!, id],
      }
    : { sql: `(${column}, id) ${sign} (?, ?)`, params: [key!, id] };
}

/** @param isUnique whether the column's values are unique, so that its index does not need the id */
export function orderBy({ column, descending }: KeyOrder, segment: Segment, isUnique: boolean): string {
  const direction = descending ? ' DESC' : '';
  if (column === 'id' || segment === 'nulls') return `id${direction}`;
  return isUnique ? `${column}${direction}` : `${column}${direction}, id${direction}`;
}
