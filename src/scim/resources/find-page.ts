import { setImmediate as breathe } from 'node:timers/promises';
import type { ListRequest, SqlCondition } from '../../directory/resource-page';
import { bindFilter } from '../filter/bind';
import { matches } from '../filter/evaluate';
import { type FilterColumns, toSql } from '../filter/to-sql';
import type { SearchRequest } from '../messages/search-request';
import { ScimError } from '../messages/scim-error';
import type { ScimObject } from '../schema/json';
import type { ResourceType } from '../schema/registry';

const SCAN_CHUNK = 500;
const SCAN_MAX_ROWS = 100_000;
const SCAN_MAX_MS = 2_000;

/** Where the resources of one type and integration come from. */
export interface ResourceSource<Row> {
  type: ResourceType;
  columns: FilterColumns;
  count(where: SqlCondition | null): Promise<number>;
  list(request: ListRequest): Promise<Row[]>;
  /** Whole resources, as a filter sees them. */
  resources(rows: readonly Row[]): Promise<ScimObject[]>;
}

export interface FoundPage<Row> {
  totalResults: number;
  rows: Row[];
}

/**
 * The page that a request asks for: by SQL where the columns answer the filter exactly, else by a bounded scan of what
 * SQL lets through.
 *
 * @throws ScimError 400 invalidFilter; 400 tooMany when the scan goes past its bound: a list cut short would make an
 * IdP create what it did not see
 */
export async function findPage<Row>(
  source: ResourceSource<Row>,
  { filter, startIndex, count }: Pick<SearchRequest, 'filter' | 'startIndex' | 'count'>,
): Promise<FoundPage<Row>> {
  const bound = filter === null ? null : bindFilter(source.type, filter);
  const sql = bound === null ? null : toSql(bound, source.columns);
  const offset = startIndex - 1;
  if (bound === null || sql?.exact) {
    const totalResults = await source.count(sql);
    const rows =
      count > 0 && offset < totalResults ? await source.list({ where: sql, offset, limit: count }) : [];
    return { totalResults, rows };
  }
  const until = performance.now() + SCAN_MAX_MS;
  const page: FoundPage<Row> = { totalResults: 0, rows: [] };
  for (let scanned = 0; ; scanned += SCAN_CHUNK) {
    const rows = await source.list({ where: sql, offset: scanned, limit: SCAN_CHUNK });
    const resources = await source.resources(rows);
    rows.forEach((row, index) => {
      if (!matches(bound, resources[index]!)) return;
      if (page.totalResults >= offset && page.rows.length < count) page.rows.push(row);
      page.totalResults += 1;
    });
    if (rows.length < SCAN_CHUNK) return page;
    if (scanned + SCAN_CHUNK >= SCAN_MAX_ROWS || performance.now() > until) {
      throw ScimError.tooMany(
        'The filter has to look at too many resources; filter by an attribute with an index.',
      );
    }
    await breathe();
  }
}
