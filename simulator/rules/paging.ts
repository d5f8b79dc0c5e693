import { argumentsError } from '../http/answers';

const LARGEST_PAGE = 100;
const MAX_OFFSET_PLUS_LIMIT = 10_000;

export interface Page {
  readonly limit: number;
  readonly offset: number;
  readonly total: boolean;
}

function wholeNumber(query: URLSearchParams, name: string, fallback: number, least: number): number {
  const value = query.get(name);
  if (value === null) return fallback;
  if (!/^\d{1,9}$/.test(value) || Number(value) < least) {
    throw argumentsError(`${name} must be an integer of at least ${least}`);
  }
  return Number(value);
}

/** PagerDuty's docs require booleans in lower case (or 1/0). `True` is refused here, so that no client depends on it. */
function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  if (value === null || value === 'false' || value === '0') return false;
  if (value === 'true' || value === '1') return true;
  throw argumentsError(`${name} must be true or false`);
}

/** Classic paging. The docs say that a limit "cannot exceed 100". That a larger one is cut, not refused, is an assumption. */
export function readPage(query: URLSearchParams, defaultLimit: number): Page {
  const limit = Math.min(wholeNumber(query, 'limit', defaultLimit, 1), LARGEST_PAGE);
  const offset = wholeNumber(query, 'offset', 0, 0);
  const total = flag(query, 'total');
  if (offset + limit > MAX_OFFSET_PLUS_LIMIT) {
    throw argumentsError(
      `Offset+limit exceeds maximum allowed value of ${MAX_OFFSET_PLUS_LIMIT}. Please try to refine your search to reduce the returned set of records below this number, like adding a date range.`,
    );
  }
  return { limit, offset, total };
}

export interface PageBody {
  readonly limit: number;
  readonly offset: number;
  readonly more: boolean;
  readonly total: number | null;
}

export function pageOf<T>(rows: readonly T[], page: Page): { rows: readonly T[]; body: PageBody } {
  const end = page.offset + page.limit;
  return {
    rows: rows.slice(page.offset, end),
    body: {
      limit: page.limit,
      offset: page.offset,
      more: rows.length > end,
      total: page.total ? rows.length : null,
    },
  };
}
