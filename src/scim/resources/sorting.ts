import type { SqlOrder } from '../../directory/resource-page';
import { fold } from '../../directory/fold';
import type { FilterColumns } from '../filter/to-sql';
import type { SearchRequest } from '../messages/search-request';
import type { Attribute } from '../schema/attribute';
import { compareText } from '../schema/compare-text';
import { parseDateTime } from '../schema/date-time';
import { type ScimObject, type ScimValue, isObject } from '../schema/json';
import type { ResourceType } from '../schema/registry';

/** How a list is to be sorted (RFC 7644 §3.4.2.3): by a column, or by what is computed of each resource. */
export type Sorting =
  | { kind: 'none' }
  | { kind: 'sql'; order: SqlOrder }
  | {
      kind: 'memory';
      /** Top-level name of what is sorted by. */
      attribute: string;
      compare: (a: SortKey, b: SortKey) => number;
      keyOf: (resource: ScimObject) => SortKey;
    };

export type SortKey = string | number | null;

/** An attribute that is not known has no values, so it sorts nothing. */
export function sortingOf(
  type: ResourceType,
  columns: FilterColumns,
  { sortBy, sortOrder }: Pick<SearchRequest, 'sortBy' | 'sortOrder'>,
): Sorting {
  const resolution = sortBy === null ? null : type.resolve(sortBy);
  if (resolution?.kind !== 'attribute') return { kind: 'none' };
  const steps = withValue(resolution.steps);
  const descending = sortOrder === 'descending';
  const attribute = steps.at(-1)!;
  const column = columns[attribute.path.toLowerCase()];
  if (column && column.kind !== 'link') {
    return { kind: 'sql', order: { column: column.column, nullable: column.nullable, descending } };
  }
  return {
    kind: 'memory',
    attribute: steps[0]!.name,
    keyOf: (resource) => keyOf(steps, resource),
    compare: (a, b) => (descending ? -compareKeys(a, b) : compareKeys(a, b)),
  };
}

/** A complex attribute sorts by its `value`, as it is compared by it. */
function withValue(steps: readonly Attribute[]): readonly Attribute[] {
  const value = steps.at(-1)!.subAttribute.get('value');
  return value ? [...steps, value] : steps;
}

/** Of several values the primary one counts, else the first. */
function keyOf(steps: readonly Attribute[], resource: ScimObject): SortKey {
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

function compareKeys(a: SortKey, b: SortKey): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}
