import { setImmediate as breathe } from 'node:timers/promises';
import {
  type ListPosition,
  type ListRequest,
  type Ordered,
  type SqlCondition,
  type SqlOrder,
} from '../../directory/resource-page';
import { type BoundFilter, bindFilter } from '../filter/bind';
import { matches } from '../filter/evaluate';
import { mentionedIn } from '../filter/mentioned';
import { printFilter } from '../filter/print';
import { type FilterColumns, toSql } from '../filter/to-sql';
import type { SearchRequest } from '../messages/search-request';
import { ScimError } from '../messages/scim-error';
import { printAttributePath } from '../schema/attribute-path';
import type { ScimObject } from '../schema/json';
import type { ResourceType } from '../schema/registry';
import type { CursorScope, Cursors } from './cursors';
import { type SortKey, type Sorting, sortingOf } from './sorting';

const SCAN_CHUNK = 500;
const SCAN_MAX_ROWS = 100_000;
const SCAN_MAX_MS = 2_000;

/** Where the resources of one type and integration come from. */
export interface ResourceSource<Row extends { id: string }> {
  integrationId: string;
  type: ResourceType;
  columns: FilterColumns;
  count(where: SqlCondition | null): Promise<number>;
  list(request: ListRequest): Promise<Ordered<Row>[]>;
  /** Resources as filters and sorting see them; lists of other rows only where they are among those needed. */
  resources(rows: readonly Row[], needed: ReadonlySet<string>): Promise<ScimObject[]>;
}

export interface FoundPage<Row> {
  rows: Row[];
  /** Left out of a walk by cursor, where counting would cost more than the page. */
  totalResults?: number;
  startIndex?: number;
  nextCursor?: string;
}

/** What a filter comes to: a condition, and what has to be looked at beyond it. */
interface Selection {
  where: SqlCondition | null;
  /** Null where SQL answers the filter exactly. */
  remaining: BoundFilter | null;
}

/**
 * The page that a request asks for (RFC 7644 §3.4.2, RFC 9865): by SQL where columns answer filter and order exactly,
 * else by a bounded scan of what SQL lets through.
 *
 * @throws ScimError 400 invalidFilter, invalidCursor; 400 tooMany when a scan goes past its bound: a list cut short
 * would make an IdP create what it did not see
 */
export async function findPage<Row extends { id: string }>(
  source: ResourceSource<Row>,
  search: SearchRequest,
  cursors: Cursors,
): Promise<FoundPage<Row>> {
  const selection = select(source, search);
  const sorting = sortingOf(source.type, source.columns, search);
  return search.cursor === null
    ? pageByIndex(source, search, selection, sorting)
    : pageByCursor(source, { ...search, cursor: search.cursor }, selection, sorting, cursors);
}

async function pageByIndex<Row extends { id: string }>(
  source: ResourceSource<Row>,
  { startIndex, count }: SearchRequest,
  selection: Selection,
  sorting: Sorting,
): Promise<FoundPage<Row>> {
  const offset = startIndex - 1;
  if (selection.remaining === null && sorting.kind !== 'memory') {
    const { where } = selection;
    const totalResults = await source.count(where);
    const none = count === 0 || offset >= totalResults;
    const rows = none
      ? []
      : await source.list({ where, behind: null, order: orderOf(sorting), offset, limit: count });
    return { rows, totalResults, startIndex };
  }
  const found = await scanAll(source, selection, sorting);
  return { rows: found.slice(offset, offset + count), totalResults: found.length, startIndex };
}

async function pageByCursor<Row extends { id: string }>(
  source: ResourceSource<Row>,
  search: SearchRequest & { cursor: string },
  selection: Selection,
  sorting: Sorting,
  cursors: Cursors,
): Promise<FoundPage<Row>> {
  const { count } = search;
  const scope = scopeOf(source, search);
  if (sorting.kind === 'memory') {
    const { offset } =
      search.cursor === '' ? { offset: 0 } : cursors.decode<{ offset: number }>(scope, search.cursor);
    const found = await scanAll(source, selection, sorting);
    const rows = found.slice(offset, offset + count);
    const next = offset + rows.length;
    return next < found.length ? { rows, nextCursor: cursors.encode(scope, { offset: next }) } : { rows };
  }
  const order = orderOf(sorting);
  const from = search.cursor === '' ? null : cursors.decode<ListPosition>(scope, search.cursor);
  const rows: Ordered<Row>[] = [];
  for await (const some of scan(source, selection, order, from, count + 1)) {
    rows.push(...some.slice(0, count + 1 - rows.length));
    if (rows.length > count) break;
  }
  if (rows.length <= count) return { rows };
  const last = rows[count - 1];
  const place: ListPosition | null = last ? { sortKey: last.sortKey, id: last.id } : from;
  return { rows: rows.slice(0, count), ...(place ? { nextCursor: cursors.encode(scope, place) } : {}) };
}

function select<Row extends { id: string }>(
  source: ResourceSource<Row>,
  { filter }: SearchRequest,
): Selection {
  if (filter === null) return { where: null, remaining: null };
  const bound = bindFilter(source.type, filter);
  const sql = toSql(bound, source.columns);
  return { where: sql, remaining: sql?.exact ? null : bound };
}

async function scanAll<Row extends { id: string }>(
  source: ResourceSource<Row>,
  selection: Selection,
  sorting: Sorting,
): Promise<Row[]> {
  const found: { row: Row; key: SortKey }[] = [];
  for await (const some of scan(source, selection, orderOf(sorting), null, SCAN_CHUNK)) {
    if (sorting.kind !== 'memory') {
      found.push(...some.map((row) => ({ row, key: null })));
      continue;
    }
    const resources = await source.resources(some, new Set([sorting.attribute]));
    found.push(...some.map((row, index) => ({ row, key: sorting.keyOf(resources[index]!) })));
  }
  // The rows come in the order of their ids, and sorting keeps the order of equals.
  if (sorting.kind === 'memory') found.sort((a, b) => sorting.compare(a.key, b.key));
  return found.map(({ row }) => row);
}

/** Rows that match, in order, chunk by chunk; costs what it reads, wherever it begins. */
async function* scan<Row extends { id: string }>(
  source: ResourceSource<Row>,
  { where, remaining }: Selection,
  order: SqlOrder | null,
  from: ListPosition | null,
  wanted: number,
): AsyncGenerator<Ordered<Row>[]> {
  const limit = remaining === null ? Math.min(wanted, SCAN_CHUNK) : SCAN_CHUNK;
  const until = performance.now() + SCAN_MAX_MS;
  let place = from;
  for (let scanned = 0; ;) {
    const rows = await source.list({ where, behind: place, order, offset: 0, limit });
    yield remaining === null ? rows : await matching(source, remaining, rows);
    const last = rows.at(-1);
    if (!last || rows.length < limit) return;
    place = { sortKey: last.sortKey, id: last.id };
    scanned += rows.length;
    if (scanned >= SCAN_MAX_ROWS || performance.now() > until) {
      throw ScimError.tooMany(
        'The request has to look at too many resources; filter and sort by userName, displayName, externalId, id or meta.',
      );
    }
    await breathe();
  }
}

async function matching<Row extends { id: string }>(
  source: ResourceSource<Row>,
  filter: BoundFilter,
  rows: readonly Ordered<Row>[],
): Promise<Ordered<Row>[]> {
  const resources = await source.resources(rows, mentionedIn(filter));
  return rows.filter((_, index) => matches(filter, resources[index]!));
}

function orderOf(sorting: Sorting): SqlOrder | null {
  return sorting.kind === 'sql' ? sorting.order : null;
}

function scopeOf<Row extends { id: string }>(
  source: ResourceSource<Row>,
  search: SearchRequest,
): CursorScope {
  return {
    integrationId: source.integrationId,
    resourceType: source.type.name,
    filter: search.filter && printFilter(search.filter),
    sortBy: search.sortBy && printAttributePath(search.sortBy).toLowerCase(),
    sortOrder: search.sortOrder,
  };
}
