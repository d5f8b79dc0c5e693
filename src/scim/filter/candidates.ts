import type { BoundComparison, BoundFilter } from './bind';
import { type FilterColumn, type FilterColumns, columnOf, lookUpOf } from './columns';

/** One index look-up that finds a few resources. */
export type LookUp =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'column'; readonly column: FilterColumn; readonly value: string }
  /** The resources that are linked to this id. */
  | { readonly kind: 'link'; readonly id: string };

/** A set of resources that contains every match. It may contain others too. */
export type Candidates =
  | { readonly kind: 'look-ups'; readonly lookUps: readonly LookUp[] }
  /** The resources between two values of a column, both included; null means no bound. */
  | {
      readonly kind: 'range';
      readonly column: FilterColumn;
      readonly low: string | number | null;
      readonly high: string | number | null;
    };

/** Estimated number of resources that a look-up reads. Unique columns cost least. */
const COST = { id: 1, unique: 2, column: 10, link: 100, range: 100_000 } as const;

/**
 * Finds the resources that can match, without a scan of all resources.
 *
 * @returns null if no index helps
 */
export function candidatesOf(filter: BoundFilter, columns: FilterColumns): Candidates | null {
  switch (filter.kind) {
    case 'and':
      return filter.terms
        .map((term) => candidatesOf(term, columns))
        .reduce((best, other) => (costOf(other) < costOf(best) ? other : best), null);
    case 'or':
      return union(filter.terms.map((term) => candidatesOf(term, columns)));
    case 'compare':
      return candidatesOfComparison(filter, columns);
    // `not` may match almost every resource, and an index does not find those.
    default:
      return null;
  }
}

function union(all: readonly (Candidates | null)[]): Candidates | null {
  const lookUps: LookUp[] = [];
  for (const one of all) {
    if (one?.kind !== 'look-ups') return null;
    for (const lookUp of one.lookUps) lookUps.push(lookUp);
  }
  return { kind: 'look-ups', lookUps };
}

function candidatesOfComparison(filter: BoundComparison, columns: FilterColumns): Candidates | null {
  const found = lookUpOf(filter, columns);
  if (found) {
    const { column, value } = found;
    if (column.kind === 'link') return { kind: 'look-ups', lookUps: [{ kind: 'link', id: value }] };
    const lookUp: LookUp =
      column.kind === 'id' ? { kind: 'id', id: value } : { kind: 'column', column, value };
    return { kind: 'look-ups', lookUps: [lookUp] };
  }
  const column = columnOf(filter.steps, columns);
  if (column === undefined || column.kind === 'link' || filter.value === null) return null;
  const { operator, value, as } = filter;
  if (column.kind === 'time' && as === 'instant') return rangeOf(column, operator, Number(value));
  const isText =
    (column.kind === 'key' && as === 'folded-text') || (column.kind === 'exact' && as === 'exact-text');
  if (!isText) return null;
  const text = String(value);
  if (operator !== 'sw') return rangeOf(column, operator, text);
  return text === '' ? null : { kind: 'range', column, low: text, high: afterPrefix(text) };
}

function rangeOf(
  column: FilterColumn,
  operator: BoundComparison['operator'],
  value: string | number,
): Candidates | null {
  switch (operator) {
    case 'eq':
      return { kind: 'range', column, low: value, high: value };
    case 'gt':
    case 'ge':
      return { kind: 'range', column, low: value, high: null };
    case 'lt':
    case 'le':
      return { kind: 'range', column, low: null, high: value };
    default:
      return null;
  }
}

/** The smallest text above all texts with this prefix; null if there is none. UTF-8 bytes sort as code points do. */
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

function costOf(candidates: Candidates | null): number {
  if (candidates === null) return Infinity;
  if (candidates.kind === 'range') {
    const { low, high } = candidates;
    return COST.range * (low !== null && high !== null ? 1 : 2);
  }
  return candidates.lookUps.reduce((sum, lookUp) => sum + costOfLookUp(lookUp), 0);
}

function costOfLookUp(lookUp: LookUp): number {
  if (lookUp.kind !== 'column') return COST[lookUp.kind];
  return lookUp.column.nullable ? COST.column : COST.unique;
}
