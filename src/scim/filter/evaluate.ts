import { fold } from '../../directory/fold';
import { compareText } from '../schema/compare-text';
import { parseDateTime } from '../schema/date-time';
import { isEmpty, isObject, type ScimObject, type ScimValue } from '../schema/json';
import type { BoundComparison, BoundFilter, ComparisonKind, Steps } from './bind';
import type { ComparisonOperator } from './ast';

const NOTHING_KNOWN: ReadonlyMap<BoundFilter, boolean> = new Map();

/**
 * Whether a resource, or one element of a multi-valued attribute, matches a filter that was bound for it.
 *
 * A multi-valued attribute matches if any of its values matches (RFC 7644 §3.4.2.2). An attribute without a value
 * counts as null: it equals null and differs from every other value. So `title ne "x"` also matches a user without
 * a title, and `emails.type ne "work"` matches if one address is not of type work. `pr` needs a value that is not
 * empty: `""` is a value, but `pr` does not match it.
 *
 * @param known answers that are already known, by part of the filter
 */
export function matches(
  filter: BoundFilter,
  object: ScimObject,
  known: ReadonlyMap<BoundFilter, boolean> = NOTHING_KNOWN,
): boolean {
  const answer = known.get(filter);
  if (answer !== undefined) return answer;
  switch (filter.kind) {
    case 'constant':
      return filter.value;
    case 'and':
      return filter.terms.every((term) => matches(term, object, known));
    case 'or':
      return filter.terms.some((term) => matches(term, object, known));
    case 'not':
      return !matches(filter.term, object, known);
    case 'present':
      return valuesAt(filter.steps, object).some((value) => value !== '' && !isEmpty(value));
    case 'elements':
      return valuesAt(filter.steps, object).some(
        (element) => isObject(element) && matches(filter.filter, element),
      );
    case 'compare':
      return compareAny(filter, object);
  }
}

function compareAny(filter: BoundComparison, object: ScimObject): boolean {
  const only = filter.steps.length === 1 && !filter.steps[0].multiValued;
  // The common case, without intermediate lists: a scan calls this a hundred thousand times.
  if (only) return compare(filter, object[filter.steps[0].name] ?? null);
  return valuesOrNull(filter.steps, object).some((value) => compare(filter, value));
}

function compare(filter: BoundComparison, value: ScimValue | null): boolean {
  if (value === null) return filter.value === null ? filter.operator === 'eq' : filter.operator === 'ne';
  if (filter.value === null) return filter.operator === 'ne';
  return compareValues(filter.operator, comparable(value, filter.as), filter.value);
}

/** Compares two existing values, both already converted for the comparison. */
export function compareValues(operator: ComparisonOperator, value: Comparable, literal: Comparable): boolean {
  return OPERATORS[operator](value, literal);
}

export type Comparable = string | number | boolean;

const OPERATORS: Record<ComparisonOperator, (value: Comparable, literal: Comparable) => boolean> = {
  eq: (value, literal) => value === literal,
  ne: (value, literal) => value !== literal,
  co: (value, literal) => String(value).includes(String(literal)),
  sw: (value, literal) => String(value).startsWith(String(literal)),
  ew: (value, literal) => String(value).endsWith(String(literal)),
  gt: (value, literal) => order(value, literal) > 0,
  ge: (value, literal) => order(value, literal) >= 0,
  lt: (value, literal) => order(value, literal) < 0,
  le: (value, literal) => order(value, literal) <= 0,
};

function order(value: Comparable, literal: Comparable): number {
  return typeof value === 'string' ? compareText(value, String(literal)) : Number(value) - Number(literal);
}

function comparable(value: ScimValue, as: ComparisonKind): Comparable {
  switch (as) {
    case 'folded-text':
      return fold(value as string);
    case 'instant':
      // Instants are checked before they are stored.
      return parseDateTime(value as string) ?? Number.NaN;
    case 'exact-text':
    case 'number':
    case 'boolean':
      return value as Comparable;
  }
}

/** All values at the end of the steps, without the missing ones. */
function valuesAt(steps: Steps, object: ScimObject): ScimValue[] {
  return valuesOrNull(steps, object).filter((value) => value !== null);
}

/** Like `valuesAt`, with a null for each missing value, and one null if the attribute has no value at all. */
function valuesOrNull(steps: Steps, object: ScimObject): (ScimValue | null)[] {
  let values: (ScimValue | null)[] = [object];
  for (const step of steps) {
    values = values.flatMap((value) => {
      const part = isObject(value) ? value[step.name] : undefined;
      return part === undefined || (Array.isArray(part) && part.length === 0) ? [null] : part;
    });
  }
  return values;
}
