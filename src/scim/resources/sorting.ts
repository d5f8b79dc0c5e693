import { BY_ID, type KeyOrder, type Place } from '../../directory/key-slice';
import { fold } from '../../directory/fold';
import type { FilterColumns } from '../filter/columns';
import type { SearchRequest } from '../messages/search-request';
import type { Attribute } from '../schema/attribute';
import { compareText } from '../schema/compare-text';
import { parseDateTime } from '../schema/date-time';
import { type ScimObject, type ScimValue, isObject } from '../schema/json';
import type { ResourceType } from '../schema/registry';

/**
 * How a list is sorted (RFC 7644 §3.4.2.3): by an indexed column, or by a key that is computed for each resource. In
 * ascending order, resources without a value come last. Descending order is the exact reverse.
 */
export type Sorting =
  | { kind: 'index'; order: KeyOrder }
  | {
      kind: 'computed';
      descending: boolean;
      /** Top-level name of the sort attribute. */
      attribute: string;
      keyOf: (resource: ScimObject) => Place['key'];
    };

/** An unknown attribute has no values, so the order is by id. */
export function sortingOf(
  type: ResourceType,
  columns: FilterColumns,
  { sortBy, sortOrder }: Pick<SearchRequest, 'sortBy' | 'sortOrder'>,
): Sorting {
  const resolution = sortBy === null ? null : type.resolve(sortBy);
  if (resolution?.kind !== 'attribute') return { kind: 'index', order: BY_ID };
  const steps = withValue(resolution.steps);
  const descending = sortOrder === 'descending';
  const attribute = steps.at(-1)!;
  const column = columns[attribute.path.toLowerCase()];
  if (column && column.kind !== 'link' && column.kind !== 'boolean') {
    return { kind: 'index', order: { column: column.column, nullable: column.nullable, descending } };
  }
  return {
    kind: 'computed',
    descending,
    attribute: steps[0]!.name,
    keyOf: (resource) => keyOf(steps, resource),
  };
}

/** A complex attribute sorts by its `value`, as in a filter. */
function withValue(steps: readonly Attribute[]): readonly Attribute[] {
  const value = steps.at(-1)!.subAttribute.get('value');
  return value ? [...steps, value] : steps;
}

/** If there are several values, the primary one counts, else the first. */
function keyOf(steps: readonly Attribute[], resource: ScimObject): Place['key'] {
  let value: ScimValue | undefined = resource;
  for (const step of steps) {
    if (Array.isArray(value)) value = value.find((one) => isObject(one) && one.primary === true) ?? value[0];
    value = isObject(value) ? value[step.name] : undefined;
  }
  if (Array.isArray(value)) value = value[0];
  const attribute = steps.at(-1)!;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value !== 'string') return null;
  if (attribute.type === 'dateTime') return parseDateTime(value);
  return attribute.caseExact ? value : fold(value);
}

/** @returns a number below 0 if the left one comes first */
export function comparePlaces(descending: boolean): (left: Place, right: Place) => number {
  const ascending = (left: Place, right: Place) =>
    compareKeys(left.key, right.key) || (left.id < right.id ? -1 : left.id > right.id ? 1 : 0);
  return descending ? (left, right) => ascending(right, left) : ascending;
}

function compareKeys(a: Place['key'], b: Place['key']): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}
