import { isResourceId } from '../../directory/resource-id';
import type { ComparisonOperator } from './ast';
import type { BoundComparison, BoundFilter, Steps } from './bind';

/**
 * A column that holds an attribute's value and nothing else: NULL exactly where the attribute has no value.
 *
 * - `key`: binary text, `fold(value)`, of an attribute that is not caseExact
 * - `exact`: binary text, the value itself, of a caseExact attribute
 * - `boolean`: 0 or 1
 * - `time`: epoch milliseconds
 * - `id`: a lower-case UUID, of whatever collation
 */
export interface FilterColumn {
  readonly column: string;
  readonly kind: 'key' | 'exact' | 'boolean' | 'time' | 'id';
  readonly nullable: boolean;
}

/** Ids in rows of their own (`members.value`): SQL that is true if one exists, and if that one (`?`) exists. */
export interface FilterLink {
  readonly kind: 'link';
  readonly any: string;
  readonly one: string;
}

/** By canonical attribute path in lower case: `username`, `meta.lastmodified`, `urn:…:user:department`. */
export type FilterColumns = Readonly<Record<string, FilterColumn | FilterLink>>;

export interface SqlFilter {
  /** A condition to put into parentheses, with `?` for each parameter; never NULL where `exact`. */
  readonly sql: string;
  readonly params: readonly (string | number)[];
  /** If false it lets too many rows through, never too few: evaluate the whole filter on what it finds. */
  readonly exact: boolean;
}

/**
 * Compiles what the columns can answer exactly, in SQL that SQLite (BINARY text) and MySQL or MariaDB (VARBINARY)
 * understand alike. No LIKE (wildcards, collations), and no lengths computed here: SQLite counts characters where
 * MySQL counts the bytes of a VARBINARY.
 *
 * @returns null where the columns cannot narrow the search at all
 */
export function toSql(filter: BoundFilter, columns: FilterColumns): SqlFilter | null {
  switch (filter.kind) {
    case 'constant':
      return exactly(filter.value ? '1 = 1' : '1 = 0');
    case 'and':
      return conjunction(filter.terms.map((term) => toSql(term, columns)));
    case 'or':
      return disjunction(filter.terms.map((term) => toSql(term, columns)));
    case 'not': {
      const term = toSql(filter.term, columns);
      return term?.exact ? exactly(`NOT (${term.sql})`, ...term.params) : null;
    }
    case 'present': {
      const column = columnOf(filter.steps, columns);
      return column === undefined ? null : present(column);
    }
    case 'compare': {
      const column = columnOf(filter.steps, columns);
      return column === undefined ? null : comparison(column, filter);
    }
    case 'elements':
      return null;
  }
}

/** A term that cannot be compiled only makes an `and` less selective. */
function conjunction(terms: readonly (SqlFilter | null)[]): SqlFilter | null {
  const compiled = terms.filter((term) => term !== null);
  if (compiled.length === 0) return null;
  return { ...joined(compiled, ' AND '), exact: compiled.length === terms.length && compiled.every(isExact) };
}

function disjunction(terms: readonly (SqlFilter | null)[]): SqlFilter | null {
  const compiled = terms.filter((term) => term !== null);
  if (compiled.length < terms.length) return null;
  return { ...joined(compiled, ' OR '), exact: compiled.every(isExact) };
}

function joined(terms: readonly SqlFilter[], operator: string): { sql: string; params: (string | number)[] } {
  return {
    sql: terms.map((term) => `(${term.sql})`).join(operator),
    params: terms.flatMap((term) => term.params),
  };
}

function isExact(term: SqlFilter): boolean {
  return term.exact;
}

function columnOf(steps: Steps, columns: FilterColumns): FilterColumn | FilterLink | undefined {
  const path = steps.at(-1)!.path.toLowerCase();
  return columns[path] ?? (steps.at(-1)!.type === 'complex' ? linkOf(columns[`${path}.value`]) : undefined);
}

/** `members pr` is `members.value pr`, as every row has an id; of a column that holds a part this is not known. */
function linkOf(column: FilterColumn | FilterLink | undefined): FilterLink | undefined {
  return column?.kind === 'link' ? column : undefined;
}

function present(column: FilterColumn | FilterLink): SqlFilter {
  if (column.kind === 'link') return exactly(column.any);
  const assigned = isAssigned(column);
  // The empty text is a value, but not a present one.
  return isText(column) ? exactly(`${assigned} AND ${column.column} <> ''`) : exactly(assigned);
}

function comparison(column: FilterColumn | FilterLink, filter: BoundComparison): SqlFilter | null {
  if (filter.value === null) return againstNull(column, filter.operator);
  if (column.kind === 'link') {
    return filter.operator === 'eq' && filter.as === 'exact-text'
      ? equalsLink(column, String(filter.value))
      : null;
  }
  switch (column.kind) {
    case 'key':
      return filter.as === 'folded-text' ? text(column, filter.operator, String(filter.value)) : null;
    case 'exact':
      return filter.as === 'exact-text' ? text(column, filter.operator, String(filter.value)) : null;
    case 'boolean':
      return filter.as === 'boolean' ? ordered(column, filter.operator, Number(filter.value)) : null;
    case 'time':
      return filter.as === 'instant' ? ordered(column, filter.operator, Number(filter.value)) : null;
    case 'id':
      return filter.as === 'exact-text' ? id(column, filter.operator, String(filter.value)) : null;
  }
}

/** Only eq and ne take null. Of several values, some may be null and others not: links are not asked. */
function againstNull(column: FilterColumn | FilterLink, operator: ComparisonOperator): SqlFilter | null {
  if (column.kind === 'link') return exactly(operator === 'ne' ? column.any : `NOT (${column.any})`);
  if (!column.nullable) return exactly(operator === 'ne' ? '1 = 1' : '1 = 0');
  return exactly(`${column.column} IS ${operator === 'ne' ? 'NOT NULL' : 'NULL'}`);
}

function equalsLink(link: FilterLink, value: string): SqlFilter {
  return isResourceId(value) ? exactly(link.one, value) : exactly('1 = 0');
}

/** A collation may take `A` for `a`; but of two lower-case UUIDs none takes one for the other. */
function id(column: FilterColumn, operator: ComparisonOperator, value: string): SqlFilter | null {
  if (operator !== 'eq' && operator !== 'ne') return null;
  if (isResourceId(value)) return ordered(column, operator, value);
  return exactly(operator === 'ne' ? '1 = 1' : '1 = 0');
}

function text(column: FilterColumn, operator: ComparisonOperator, value: string): SqlFilter | null {
  const name = column.column;
  switch (operator) {
    case 'co':
      // Also right on bytes: UTF-8 never finds a text in the middle of a character.
      return value === ''
        ? exactly(isAssigned(column))
        : whereAssigned(column, `INSTR(${name}, ?) > 0`, value);
    case 'sw':
      return startsWith(column, value);
    case 'ew':
      // SUBSTR and LENGTH count in the same unit on either database; a text that is too short gives another text.
      return value === ''
        ? exactly(isAssigned(column))
        : whereAssigned(column, `SUBSTR(${name}, -LENGTH(?)) = ?`, value, value);
    default:
      return ordered(column, operator, value);
  }
}

/** A range, so that an index answers it: UTF-8 bytes sort as code points do. */
function startsWith(column: FilterColumn, prefix: string): SqlFilter {
  if (prefix === '') return exactly(isAssigned(column));
  const end = afterPrefix(prefix);
  return end === null
    ? whereAssigned(column, `${column.column} >= ?`, prefix)
    : whereAssigned(column, `${column.column} >= ? AND ${column.column} < ?`, prefix, end);
}

/** The least text above all texts with this prefix; null where there is none. */
function afterPrefix(prefix: string): string | null {
  const codePoints = Array.from(prefix, (character) => character.codePointAt(0)!);
  while (codePoints.length > 0) {
    const last = codePoints.pop()!;
    if (last === 0x10ffff) continue;
    codePoints.push(last === 0xd7ff ? 0xe000 : last + 1);
    return String.fromCodePoint(...codePoints);
  }
  return null;
}

const SQL_OPERATORS: Partial<Record<ComparisonOperator, string>> = {
  eq: '=',
  ne: '<>',
  gt: '>',
  ge: '>=',
  lt: '<',
  le: '<=',
};

function ordered(
  column: FilterColumn,
  operator: ComparisonOperator,
  value: string | number,
): SqlFilter | null {
  const symbol = SQL_OPERATORS[operator];
  if (symbol === undefined) return null;
  // No value differs from every value.
  if (operator === 'ne' && column.nullable)
    return exactly(`${column.column} IS NULL OR ${column.column} <> ?`, value);
  return whereAssigned(column, `${column.column} ${symbol} ?`, value);
}

/** `NOT` needs conditions that are true or false; a comparison with NULL is neither. */
function whereAssigned(column: FilterColumn, condition: string, ...params: (string | number)[]): SqlFilter {
  return exactly(column.nullable ? `${column.column} IS NOT NULL AND ${condition}` : condition, ...params);
}

function isAssigned(column: FilterColumn): string {
  return column.nullable ? `${column.column} IS NOT NULL` : '1 = 1';
}

function isText(column: FilterColumn): boolean {
  return column.kind === 'key' || column.kind === 'exact';
}

function exactly(sql: string, ...params: (string | number)[]): SqlFilter {
  return { sql, params, exact: true };
}
