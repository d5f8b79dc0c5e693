import type { ComparisonOperator, Literal } from './ast';
import type { BoundComparison, BoundFilter, Steps } from './bind';
import { compareValues, type Comparable } from './evaluate';

/**
 * A column that holds an attribute's value and nothing else: NULL exactly where the attribute has no value. Each has an
 * index of the integration, the column and the id, `boolean` excepted.
 *
 * - `key`: binary text, `fold(value)`, of an attribute that is not caseExact
 * - `exact`: binary text, the value itself, of a caseExact attribute
 * - `boolean`: 0 or 1
 * - `time`: epoch milliseconds
 * - `id`: a lower-case UUID
 */
export interface FilterColumn {
  readonly column: string;
  readonly kind: 'key' | 'exact' | 'boolean' | 'time' | 'id';
  readonly nullable: boolean;
}

/** Ids of other resources in rows of their own: `members.value`, `groups.value`. */
export interface FilterLink {
  readonly kind: 'link';
}

/** By canonical attribute path in lower case: `username`, `meta.lastmodified`, `members.value`. */
export type FilterColumns = Readonly<Record<string, FilterColumn | FilterLink>>;

/** What is known of a resource without reading it. */
export interface KnownValues {
  /** The value of a column. */
  valueOf(column: string): string | number | null;
  /** Whether it is linked to that one. */
  isLinkedTo(id: string): boolean;
  /** Whether it is linked to any other; null where that was not looked up. */
  isLinked(): boolean | null;
}

/** A comparison, or what else stands at the end of a branch. */
export type Leaf = Exclude<BoundFilter, { kind: 'and' | 'or' | 'not' }>;

export function* leavesOf(filter: BoundFilter): Generator<Leaf> {
  switch (filter.kind) {
    case 'and':
    case 'or':
      for (const term of filter.terms) yield* leavesOf(term);
      return;
    case 'not':
      yield* leavesOf(filter.term);
      return;
    default:
      yield filter;
  }
}

export function columnOf(steps: Steps, columns: FilterColumns): FilterColumn | FilterLink | undefined {
  const attribute = steps.at(-1)!;
  const path = attribute.path.toLowerCase();
  if (columns[path] || attribute.type !== 'complex') return columns[path];
  // `members pr` is `members.value pr`, as every row has an id; of a column that holds a part this is not known.
  const link = columns[`${path}.value`];
  return link?.kind === 'link' ? link : undefined;
}

/**
 * What an index answers by one look-up: `userName eq "ada"`, `members eq "…"`.
 *
 * @returns undefined for anything else
 */
export function lookUpOf(
  leaf: Leaf,
  columns: FilterColumns,
): { column: FilterColumn | FilterLink; value: string } | undefined {
  if (leaf.kind !== 'compare' || leaf.operator !== 'eq' || typeof leaf.value !== 'string') return undefined;
  const column = columnOf(leaf.steps, columns);
  if (column === undefined || !isComparedAs(column, leaf) || column.kind === 'time') return undefined;
  return { column, value: leaf.value };
}

/**
 * Whether a resource matches, as far as its columns and links tell.
 *
 * @returns null where they do not
 */
export function decide(filter: BoundFilter, columns: FilterColumns, known: KnownValues): boolean | null {
  switch (filter.kind) {
    case 'and':
      return decideAll(filter.terms, columns, known, false);
    case 'or':
      return decideAll(filter.terms, columns, known, true);
    case 'not': {
      const term = decide(filter.term, columns, known);
      return term === null ? null : !term;
    }
    case 'constant':
      return filter.value;
    case 'elements':
      return null;
    case 'present': {
      const column = columnOf(filter.steps, columns);
      if (column === undefined) return null;
      if (column.kind === 'link') return known.isLinked();
      const value = known.valueOf(column.column);
      // The empty text is a value, but not a present one.
      return value !== null && value !== '';
    }
    case 'compare': {
      const column = columnOf(filter.steps, columns);
      return column === undefined ? null : decideComparison(column, filter, known);
    }
  }
}

/** @param decisive one term of this value settles it */
function decideAll(
  terms: readonly BoundFilter[],
  columns: FilterColumns,
  known: KnownValues,
  decisive: boolean,
): boolean | null {
  let result: boolean | null = !decisive;
  for (const term of terms) {
    const value = decide(term, columns, known);
    if (value === decisive) return decisive;
    if (value === null) result = null;
  }
  return result;
}

function decideComparison(
  column: FilterColumn | FilterLink,
  filter: BoundComparison,
  known: KnownValues,
): boolean | null {
  if (column.kind === 'link') return decideLink(filter, known);
  const value = known.valueOf(column.column);
  if (value === null || filter.value === null) return compareWithNull(value, filter.operator, filter.value);
  if (!isComparedAs(column, filter)) return null;
  return compareValues(filter.operator, comparable(column, value), filter.value);
}

function decideLink({ operator, value, as }: BoundComparison, known: KnownValues): boolean | null {
  if (value === null) {
    const linked = known.isLinked();
    return linked === null ? null : linked === (operator === 'ne');
  }
  return operator === 'eq' && as === 'exact-text' ? known.isLinkedTo(String(value)) : null;
}

/** What has no value is the one value null: it equals null, and differs from everything else. */
function compareWithNull(value: Comparable | null, operator: ComparisonOperator, literal: Literal): boolean {
  return operator === 'eq' ? value === literal : operator === 'ne' && value !== literal;
}

const COMPARED_AS = {
  key: 'folded-text',
  exact: 'exact-text',
  link: 'exact-text',
  id: 'exact-text',
  boolean: 'boolean',
  time: 'instant',
} as const;

function isComparedAs({ kind }: FilterColumn | FilterLink, { as }: BoundComparison): boolean {
  return COMPARED_AS[kind] === as;
}

function comparable({ kind }: FilterColumn, value: string | number): Comparable {
  if (kind === 'boolean') return Number(value) !== 0;
  return kind === 'time' ? Number(value) : String(value);
}
