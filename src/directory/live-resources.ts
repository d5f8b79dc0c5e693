import type { DataSource } from 'typeorm';
import { throughIndex, inList } from '../database/dialect';
import {
  BY_ID,
  type KeyOrder,
  type KeyRequest,
  type KeyRow,
  type Place,
  nextRows,
  orderBy,
  segmentsOf,
} from './key-slice';

/** Condition on a table of resources; its one parameter is the integration. */
export const LIVE = 'integrationId = ? AND deletedAt IS NULL';

/** Where resources of one type stand. */
export interface ResourceTable<Row> {
  name: string;
  /** Columns of a row, without those that only SQL compares. */
  columns: string;
  /** Columns of a `KeyRow` beside the id. */
  keyColumns: string;
  /** The index that has the rows of an integration in the order of each column. */
  orderIndexes: Readonly<Record<string, string>>;
  /** Those of the columns in which a value is one row's. */
  uniqueColumns: readonly string[];
  /** Where `directory_count` has how many there are. */
  countColumn: string;
  fromSql: <R extends Row>(row: R) => R;
}

/** Rows of one statement: so many at first, then as many as it takes some milliseconds to read. */
const FIRST_ROWS = 200;
const LEAST_ROWS = 16;
const MOST_ROWS = 2_000;
/** Resources with all their text that are read by one statement. */
const FIRST_TOGETHER = 10;
const MOST_TOGETHER = 50;
const TEXT_TOGETHER = 512 * 1024;
const QUICK_MS = 2;
const SLOW_MS = 8;

/** Reads the committed resources of one type that are not deleted; no statement reads more than a slice of them. */
export abstract class LiveResources<Row extends { id: string; resource: string }> {
  constructor(
    protected readonly reader: DataSource,
    private readonly table: ResourceTable<Row>,
  ) {}

  async find(integrationId: string, id: string): Promise<Row | null> {
    const [row] = await this.rows(integrationId, [id]);
    return row ?? null;
  }

  /**
   * These resources in the order of the ids, one after the other, without those that are not there. So many are read
   * together as are half a megabyte long: some may be a thousand times as long as others.
   */
  async *each(integrationId: string, ids: readonly string[]): AsyncGenerator<Row> {
    let together = FIRST_TOGETHER;
    for (let start = 0; start < ids.length;) {
      const rows = await this.rows(integrationId, ids.slice(start, start + together));
      start += together;
      yield* rows;
      const length = rows.reduce((sum, { resource }) => sum + resource.length, 0);
      if (length > 0) together = Math.floor((TEXT_TOGETHER * rows.length) / length);
      together = Math.min(Math.max(together, 1), MOST_TOGETHER);
    }
  }

  /** These resources in the order of the ids, without those that are not there. */
  private async rows(integrationId: string, ids: readonly string[]): Promise<Row[]> {
    if (ids.length === 0) return [];
    const { name, columns, fromSql } = this.table;
    const rows = await this.reader.query<Row[]>(
      `SELECT ${columns} FROM ${name} WHERE id IN (${inList(ids)}) AND ${LIVE}`,
      [...ids, integrationId],
    );
    const byId = new Map(rows.map((row) => [row.id, fromSql(row)]));
    return ids.flatMap((id) => byId.get(id) ?? []);
  }

  /** How many there are in all. */
  async count(integrationId: string): Promise<number> {
    const [row] = await this.reader.query<{ total: number }[]>(
      `SELECT ${this.table.countColumn} AS total FROM directory_count WHERE integrationId = ?`,
      [integrationId],
    );
    return Number(row?.total ?? 0);
  }

  /** The keys of these resources in the order of their ids, without those that are not there: five hundred at most. */
  async keysOf(integrationId: string, ids: readonly string[]): Promise<KeyRow[]> {
    if (ids.length === 0) return [];
    const rows = await this.reader.query<KeyRow[]>(
      `SELECT id, ${this.table.keyColumns}, deletedAt FROM ${this.table.name}
       WHERE integrationId = ? AND id IN (${inList(ids)}) ORDER BY id`,
      [integrationId, ...ids],
    );
    return rows.filter(isLive);
  }

  /**
   * The keys of all resources in an order, slice by slice; whoever reads them lets others in between.
   *
   * @param wanted how many of them the caller is likely to need
   */
  async *keys(integrationId: string, request: KeyRequest, wanted = FIRST_ROWS): AsyncGenerator<KeyRow[]> {
    const { order, range } = request;
    let limit = Math.min(Math.max(wanted, 1), MOST_ROWS);
    for (const { segment, behind } of segmentsOf(request)) {
      for (let place = behind; ;) {
        const next = nextRows(order, segment, range, place);
        const begun = performance.now();
        // A deleted row counts for the limit: there may be any number of them.
        const by = orderBy(order, segment, this.table.uniqueColumns.includes(order.column));
        const rows = await this.reader.query<KeyRow[]>(
          `SELECT id, ${this.table.keyColumns}, deletedAt FROM ${throughIndex(this.table.name, this.indexOf(order))}
           WHERE integrationId = ? AND ${next.sql} ORDER BY ${by} LIMIT ?`,
          [integrationId, ...next.params, limit],
        );
        const live = rows.filter(isLive);
        if (live.length > 0) yield live;
        if (rows.length < limit) break;
        place = placeOf(order, rows.at(-1)!);
        limit = adapted(limit, performance.now() - begun);
      }
    }
  }

  private indexOf({ column }: KeyOrder): string {
    return this.table.orderIndexes[column] ?? this.table.orderIndexes[BY_ID.column]!;
  }
}

export function placeOf({ column }: KeyOrder, row: KeyRow): Place {
  return { key: row[column] ?? null, id: row.id };
}

function isLive({ deletedAt }: KeyRow): boolean {
  return deletedAt === null;
}

/** What the rows cost is not known beforehand: those of one tenant may be a hundred times as long as another's. */
function adapted(limit: number, ms: number): number {
  if (ms < QUICK_MS) return Math.min(limit * 2, MOST_ROWS);
  return ms > SLOW_MS ? Math.max(Math.floor(limit / 2), LEAST_ROWS) : limit;
}
