import type { Filter } from '../filter/ast';
import { parseFilter } from '../filter/parser';
import { isObject } from '../schema/json';
import { parseAttributePath, type AttributePath } from '../schema/attribute-path';
import type { AttributeLists } from '../schema/project';
import { field } from './message-field';
import { assertSchema } from './message-schema';
import { quoted, ScimError } from './scim-error';
import { MESSAGE_URNS } from './urns';

/** Limits of each list of attribute names: number of names, and characters of all names together. */
export const MOST_NAMES = 200;
export const NAMES_LENGTH = 8_192;

export const PAGE_SIZE = { default: 100, max: 200 } as const;

/** A parsed query (RFC 7644 §3.4.2 and §3.4.3, RFC 9865 §2) with limits applied. */
export interface SearchRequest extends AttributeLists {
  readonly filter: Filter | null;
  readonly sortBy: AttributePath | null;
  readonly sortOrder: 'ascending' | 'descending';
  /** From 0 (only `totalResults` is wanted) to `PAGE_SIZE.max`. */
  readonly count: number;
  /** From 1; ignored if there is a cursor. */
  readonly startIndex: number;
  /** Null for index pagination; empty for the first page of cursor pagination. */
  readonly cursor: string | null;
}

/**
 * Reads the decoded query string of a GET. A repeated parameter is a list. Unknown parameters are ignored (RFC 7644
 * §3.4.2; Entra adds its own flags). Empty parameters are ignored too, except `cursor`.
 *
 * @throws ScimError 400 invalidFilter, invalidValue, invalidPath or invalidCount
 */
export function readSearchQuery(query: Readonly<Record<string, unknown>>): SearchRequest {
  return {
    ...readAttributeLists(query),
    ...readSearch({
      filter: single(query, 'filter'),
      sortBy: single(query, 'sortBy'),
      sortOrder: single(query, 'sortOrder'),
      startIndex: single(query, 'startIndex'),
      count: single(query, 'count'),
      cursor: query.cursor === undefined ? undefined : (single(query, 'cursor') ?? ''),
    }),
  };
}

/** `attributes` and `excludedAttributes` in the query of any request: comma-separated, possibly repeated. */
export function readAttributeLists(query: Readonly<Record<string, unknown>>): AttributeLists {
  return {
    attributes: names('attributes', query.attributes),
    excludedAttributes: names('excludedAttributes', query.excludedAttributes),
  };
}

/**
 * Reads the body of `POST …/.search`. Names and the URN are case-insensitive.
 *
 * @throws ScimError 400 invalidSyntax, and as `readSearchQuery`
 */
export function readSearchBody(body: unknown): SearchRequest {
  if (!isObject(body))
    throw ScimError.invalidSyntax('The request body must be a JSON object: a SearchRequest.');
  const given = (name: string) => field(body, name.toLowerCase()) ?? undefined;
  assertSchema(given('schemas'), MESSAGE_URNS.searchRequest);
  return {
    attributes: names('attributes', given('attributes')),
    excludedAttributes: names('excludedAttributes', given('excludedAttributes')),
    ...readSearch({
      filter: given('filter'),
      sortBy: given('sortBy'),
      sortOrder: given('sortOrder'),
      startIndex: given('startIndex'),
      count: given('count'),
      cursor: given('cursor'),
    }),
  };
}

type Parameters = Record<'filter' | 'sortBy' | 'sortOrder' | 'startIndex' | 'count' | 'cursor', unknown>;

function readSearch(given: Parameters): Omit<SearchRequest, keyof AttributeLists> {
  const filter = text('filter', given.filter);
  const sortBy = text('sortBy', given.sortBy);
  const cursor = text('cursor', given.cursor) ?? null;
  return {
    filter: filter === undefined ? null : parseFilter(filter),
    sortBy: sortBy === undefined ? null : readSortBy(sortBy),
    sortOrder: readSortOrder(text('sortOrder', given.sortOrder)),
    count: cursor === null ? readCount(given.count) : readCursorCount(given.count),
    startIndex: Math.max(1, integer('startIndex', given.startIndex) ?? 1),
    cursor,
  };
}

/** RFC 7644 §3.4.2.4: a negative count is 0. */
function readCount(value: unknown): number {
  return boundedCount(integer('count', value));
}

/** RFC 9865 §4 defines a separate keyword for a bad count. */
function readCursorCount(value: unknown): number {
  const count = asInteger(value);
  if (Number.isNaN(count)) throw new ScimError(400, 'invalidCount', '"count" must be a whole number.');
  return boundedCount(count);
}

function boundedCount(count: number = PAGE_SIZE.default): number {
  return Math.min(Math.max(0, count), PAGE_SIZE.max);
}

function readSortBy(value: string): AttributePath {
  const path = parseAttributePath(value);
  if (path === null) throw ScimError.invalidPath(`"sortBy" is not an attribute path: ${quoted(value)}.`);
  return path;
}

function readSortOrder(value: string | undefined): SearchRequest['sortOrder'] {
  const order = value?.toLowerCase() ?? 'ascending';
  if (order === 'ascending' || order === 'descending') return order;
  throw ScimError.invalidValue(
    `"sortOrder" must be "ascending" or "descending", not ${quoted(value ?? '')}.`,
  );
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw ScimError.invalidValue(`"${name}" must be a string.`);
}

function integer(name: string, value: unknown): number | undefined {
  const number = asInteger(value);
  if (Number.isNaN(number)) throw ScimError.invalidValue(`"${name}" must be a whole number.`);
  return number;
}

/** A number, or a string with a number, limited to safe integers; NaN for anything else. */
function asInteger(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && !/^\s*[+-]?\d+\s*$/.test(value)) return NaN;
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : NaN;
  if (number % 1 !== 0) return NaN;
  return Math.min(Math.max(number, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

/** A parameter that may occur only once; undefined if it is absent or empty. */
function single(query: Readonly<Record<string, unknown>>, name: string): unknown {
  const value = query[name];
  if (Array.isArray(value)) throw ScimError.invalidValue(`"${name}" is given more than once; give it once.`);
  return value === '' ? undefined : value;
}

function names(parameter: string, value: unknown): string[] {
  if (value === undefined) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > MOST_NAMES) throw tooManyNames(parameter);
  const texts = list.map((item) => text(parameter, item) ?? '');
  if (texts.reduce((length, one) => length + one.length, 0) > NAMES_LENGTH) throw tooManyNames(parameter);
  const given = texts
    .flatMap((one) => one.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (given.length > MOST_NAMES) throw tooManyNames(parameter);
  return given;
}

function tooManyNames(parameter: string): ScimError {
  return ScimError.invalidValue(
    `"${parameter}" names more than ${MOST_NAMES} attributes, or is longer than ${NAMES_LENGTH} characters; shorten it.`,
  );
}
