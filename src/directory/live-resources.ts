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

/** Condition on a table of resources. Its only parameter is the integration. */
export const LIVE = 'integrationId = ? AND deletedAt IS NULL';

/** Where resources of one type are stored. */
export interface ResourceTable<Row> {
  name: string;
  /** Columns of a `Row`, without those that only SQL compares. */
  columns: string;
  /** Columns of a `KeyRow` besides the id. */
  keyColumns: string;
  /** For each column, the index that has an integration's rows in its order. */
  orderIndexes: Readonly<Record<string, string>>;
  /** The columns whose values are unique in an integration. */
  uniqueColumns: readonly string[];
  /** The column of `directory_count` that counts the resources. */
  countColumn: string;
  fromSql: <R extends Row>(row: R) => R;
}

/** Rows of the first statement. Later statements read as many rows as take between `QUICK_MS` and `SLOW_MS`. */
const FIRST_ROWS = 200;
const LEAST_ROWS = 16;
const MOST_ROWS = 2_000;
/** Resources that one statement reads with all their text. */
const FIRST_RESOURCES = 10;
const MOST_RESOURCES = 50;
const TEXT_PER_STATEMENT = 512 * 1024;
const QUICK_MS = 2;
const SLOW_MS = 8;

/** Reads committed resources of one type that are not deleted. Every statement reads only a slice. */
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
   * These resources in the order of `ids`, one after the other. Missing ones are left out. A statement reads about half a
   * megabyte of text, because one resource can be a thousand times as long as another.
   */
  async *each(integrationId: string, ids: readonly string[]): AsyncGenerator<Row> {
    let together = FIRST_RESOURCES;
    for (let start = 0; start < ids.length;) {
      const rows = await this.rows(integrationId, ids.slice(start, start + together));
      start += together;
      yield* rows;
      const length = rows.reduce((sum, { resource }) => sum + resource.length, 0);
      if (length > 0) together = Math.floor((TEXT_PER_STATEMENT * rows.length) / length);
      together = Math.min(Math.max(together, 1), MOST_RESOURCES);
    }
  }

  /** These resources in the order of `ids`. Missing ones are left out. */
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

  async count(integrationId: string): Promise<number> {
    const [row] = await this.reader.query<{ total: number }[]>(
      `SELECT ${this.table.countColumn} AS total FROM directory_count WHERE integrationId = ?`,
      [integrationId],
    );
    return Number(row?.total ?? 0);
  }

  /** The keys of these resources (at most five hundred), sorted by id. Missing ones are left out. */
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
   * The keys of all resources in an order, slice by slice. Other requests can run between two slices.
   *
   * @param wanted how many keys the caller probably needs
   */
  async *keys(integrationId: string, request: KeyRequest, wanted = FIRST_ROWS): AsyncGenerator<KeyRow[]> {
    const { order, range } = request;
    let limit = Math.min(Math.max(wanted, 1), MOST_ROWS);
    for (const { segment, behind } of segmentsOf(request)) {
      for (let place = behind; ;) {
        const next = nextRows(order, segment, range, place);
        const begun = performance.now();
        // A deleted row counts towards the limit: there can be any number of them.
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
        limit = adaptLimit(limit, performance.now() - begun);
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

/** The cost of a row is not known in advance: one tenant's rows can be a hundred times as long as another's. */
function adaptLimit(limit: number, ms: number): number {
  if (ms < QUICK_MS) return Math.min(limit * 2, MOST_ROWS);
  return ms > SLOW_MS ? Math.max(Math.floor(limit / 2), LEAST_ROWS) : limit;
}
