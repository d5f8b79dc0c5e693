import type { ComparisonOperator, Literal } from './ast';
import type { BoundComparison, BoundFilter, Steps } from './bind';
import { compareValues, type Comparable } from './evaluate';

/**
 * A column that holds exactly the value of one attribute. It is NULL if, and only if, the attribute has no value.
 * Every column except `boolean` has an index over the integration, the column and the id.
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

/** Ids of linked resources in separate rows: `members.value`, `groups.value`. */
export interface FilterLink {
  readonly kind: 'link';
}

/** By canonical attribute path in lower case: `username`, `meta.lastmodified`, `members.value`. */
export type FilterColumns = Readonly<Record<string, FilterColumn | FilterLink>>;

/** What is known about a resource before it is read. */
export interface KnownValues {
  valueOf(column: string): string | number | null;
  /** Whether the resource is linked to this id. */
  isLinkedTo(id: string): boolean;
  /** Whether the resource has any link; null if this was not looked up. */
  isLinked(): boolean | null;
}

/** A part of a filter that is not `and`, `or` or `not`. */
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
  // `members pr` means `members.value pr`, because every link has an id. A column with one part does not tell this.
  const link = columns[`${path}.value`];
  return link?.kind === 'link' ? link : undefined;
}

/**
 * The column and the value if one index look-up answers the comparison: `userName eq "ada"`, `members eq "…"`.
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
 * Whether a resource matches, decided only by its columns and links.
 *
 * @returns null if they cannot decide
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
      // The empty text is a value, but `pr` does not match it.
      return value !== null && value !== '';
    }
    case 'compare': {
      const column = columnOf(filter.steps, columns);
      return column === undefined ? null : decideComparison(column, filter, known);
    }
  }
}

/** @param decisive the value of a term that decides the result: false for `and`, true for `or` */
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

/** An attribute without a value counts as null: it equals null and differs from every other value. */
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
