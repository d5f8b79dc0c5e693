import { matches } from '../filter/evaluate';
import type { ValueFilter } from '../filter/ast';
import { ScimError } from '../messages/scim-error';
import type { Attribute } from '../schema/attribute';
import { isEmpty, isObject, isUnassigned, sameValue } from '../schema/json';
import type { ScimObject, ScimResource, ScimValue } from '../schema/json';
import { checkImmutable, completed } from '../schema/read-resource';
import { asObject, checkLength, namedSubAttributes, readSingle, readValue } from '../schema/read-value';
import type { ResourceType } from '../schema/registry';
import type { Assignment, PatchOperation, Removal } from './patch-request';
import type { Selection } from './path';

/**
 * Changes of multi-valued attributes in one PATCH, plus comparisons in the filters of its paths. The members of a
 * group are not counted here. Each change visits every value while the row is locked.
 */
export const MOST_LIST_CHANGES = 100;

export interface PatchResult {
  resource: ScimResource;
  /** False if no attribute changes. Then nothing is written and lastModified stays (RFC 7644 §3.5.2.1). */
  changed: boolean;
}

/**
 * Applies the operations in order, each on the result of the previous one (RFC 7644 §3.5.2). The given resource
 * does not change, so a failed operation has no effect. The result is canonical and as valid as after a PUT.
 *
 * @throws ScimError 400 invalidValue, mutability, noTarget; 413 for too many changes
 */
export function applyPatch(
  type: ResourceType,
  resource: ScimResource,
  operations: readonly PatchOperation[],
): PatchResult {
  const changes = operations
    .filter(({ target }) => target.attribute.multiValued || target.selection !== null)
    .reduce((sum, { target }) => sum + comparisonsIn(target.selection), 0);
  if (changes > MOST_LIST_CHANGES) {
    throw ScimError.tooLarge(
      `The PATCH changes or compares values of multi-valued attributes ${changes} times, but at most ${MOST_LIST_CHANGES} times are allowed; split it into several requests.`,
    );
  }
  let current: ScimObject = resource;
  for (const operation of operations) current = applyOperation(current, operation);
  checkImmutable(type.root, resource, current);
  const result = completed(type, current);
  return { resource: result, changed: !sameValue(completed(type, resource), result) };
}

function comparisonsIn(selection: Selection | null): number {
  const count = (filter: ValueFilter): number => {
    if (filter.kind === 'not') return count(filter.term);
    return filter.kind === 'and' || filter.kind === 'or'
      ? filter.terms.reduce((sum, term) => sum + count(term), 0)
      : 1;
  };
  return selection === null ? 1 : count(selection.written);
}

function applyOperation(resource: ScimObject, operation: PatchOperation): ScimObject {
  const { steps, attribute, sub } = operation.target;
  const touched = sub === null ? steps : [...steps, sub];
  if (touched.some((step) => step.mutability === 'readOnly')) {
    if (operation.op !== 'remove' && operation.implicit) return resource;
    throw ScimError.mutability(`"${touched.at(-1)!.path}" is read-only; leave it out of the request.`);
  }
  return changeAt(resource, steps, (value) =>
    attribute.multiValued ? changeList(value, operation) : changeSingle(attribute, value, operation),
  );
}

type Change = (value: ScimValue | undefined) => ScimValue | undefined;

/** A copy of the object with a change of the attribute at the end of the steps. */
function changeAt(object: ScimObject, [step, ...rest]: readonly Attribute[], change: Change): ScimObject {
  const before = object[step!.name];
  if (rest.length === 0) return withValue(object, step!, change(before));
  const inner = isObject(before) ? before : {};
  return withValue(object, step!, withoutStaleReference(step!, inner, changeAt(inner, rest, change)));
}

/** A writeOnly value (the password) was checked when it was read. It is never stored. */
function withValue(object: ScimObject, attribute: Attribute, value: ScimValue | undefined): ScimObject {
  if (attribute.mutability === 'writeOnly') return object;
  const { [attribute.name]: _before, ...others } = object;
  return value === undefined || isEmpty(value) ? others : { ...others, [attribute.name]: value };
}

/** For a single-valued attribute, add and replace both replace the old value. */
function changeSingle(
  attribute: Attribute,
  before: ScimValue | undefined,
  operation: PatchOperation,
): ScimValue | undefined {
  if (operation.op === 'remove') return removeSingle(attribute, before, operation);
  const json = operation.value;
  const after =
    attribute.type === 'complex' && isObject(json)
      ? merged(attribute, isObject(before) ? before : {}, json)
      : readValue(attribute, json);
  if (after !== undefined) return after;
  return attribute.defaultValue === undefined ? unassigned(attribute) : before;
}

function removeSingle(
  attribute: Attribute,
  before: ScimValue | undefined,
  { target: { selection, sub } }: Removal,
): ScimValue | undefined {
  if (selection !== null) {
    if (!isObject(before) || !matches(selection.filter, before)) return before;
    if (sub !== null)
      return withoutStaleReference(attribute, before, withValue(before, sub, unassigned(sub)));
  }
  return unassigned(attribute);
}

/** RFC 7644 §3.5.2.1 and §3.5.2.3: only the named sub-attributes of a complex value change. */
function merged(attribute: Attribute, before: ScimObject, json: Record<string, unknown>): ScimObject {
  let after = before;
  for (const [sub, value] of namedSubAttributes(attribute, json)) {
    after = withValue(after, sub, readValue(sub, value) ?? unassigned(sub));
  }
  return withoutStaleReference(attribute, before, after);
}

/** `$ref` is the address of `value`: a new `value` without a new `$ref` removes the old one. */
function withoutStaleReference(attribute: Attribute, before: ScimObject, after: ScimObject): ScimObject {
  const stale = attribute.subAttribute.get('$ref');
  if (stale === undefined || before.value === after.value || before.$ref !== after.$ref) return after;
  return withValue(after, stale, undefined);
}

/** RFC 7644 §3.5.2.2. @throws ScimError 400 mutability for a required attribute */
function unassigned(attribute: Attribute): undefined {
  if (!attribute.required) return undefined;
  throw ScimError.mutability(`"${attribute.path}" is required and cannot be removed; replace it instead.`);
}

function changeList(before: ScimValue | undefined, operation: PatchOperation): ScimValue[] | undefined {
  const values = (before ?? []) as ScimValue[];
  const after = operation.op === 'remove' ? removeFrom(values, operation) : assignTo(values, operation);
  // Checked after each operation, because the next one visits every value.
  checkLength(operation.target.attribute, after);
  return after.length === 0 && values.length > 0 ? unassigned(operation.target.attribute) : after;
}

function removeFrom(values: ScimValue[], { target, value }: Removal): ScimValue[] {
  const { attribute, selection, sub } = target;
  if (selection === null && sub === null) {
    // Entra lists the values to remove. A value that we do not understand must not mean "remove everything".
    if (value === undefined) return [];
    const given: readonly unknown[] = Array.isArray(value) ? value : [value];
    checkLength(attribute, given);
    const named = new NamedValues(given.map((json) => namedParts(attribute, json)));
    return values.filter((element) => !named.has(element));
  }
  const chosen = choose(values, selection);
  if (sub === null) return values.filter((element) => !chosen.has(element));
  const after = values.map((element) =>
    chosen.has(element) ? withValue(element as ScimObject, sub, unassigned(sub)) : element,
  );
  return withMergedEntries(attribute, values, after);
}

function namedParts(attribute: Attribute, json: unknown): ScimValue {
  const parts = attribute.type === 'complex' ? partsOf(attribute, json) : readSingle(attribute, json);
  if (parts !== undefined && !isEmpty(parts)) return parts;
  throw ScimError.invalidValue(
    `A value to remove from "${attribute.path}" has no known attribute; send at least one attribute of it.`,
  );
}

function partsOf(attribute: Attribute, json: unknown): ScimObject | undefined {
  const object = asObject(attribute, json);
  return object === undefined ? undefined : merged(attribute, {}, object);
}

/** Values that are named by some of their parts. One look-up per set of part names, not per value. */
class NamedValues {
  private readonly simple = new Set<ScimValue>();
  private readonly byParts = new Map<string, { names: string[]; values: Set<string> }>();

  constructor(named: readonly ScimValue[]) {
    for (const parts of named) {
      if (!isObject(parts)) {
        this.simple.add(parts);
        continue;
      }
      const names = Object.keys(parts).sort();
      const shape = this.byParts.get(names.join()) ?? { names, values: new Set<string>() };
      shape.values.add(partsAsText(parts, names));
      this.byParts.set(names.join(), shape);
    }
  }

  has(element: ScimValue): boolean {
    if (!isObject(element)) return this.simple.has(element);
    return [...this.byParts.values()].some(({ names, values }) => values.has(partsAsText(element, names)));
  }
}

function partsAsText(value: ScimObject, names: readonly string[]): string {
  return JSON.stringify(names.map((name) => value[name]));
}

function assignTo(values: ScimValue[], operation: Assignment): ScimValue[] {
  const { target, op, value, createsTarget } = operation;
  const { attribute, selection, sub } = target;
  if (selection === null && sub === null) {
    const given = (readValue(attribute, value) ?? []) as ScimValue[];
    return op === 'replace' ? given : append(attribute, values, given);
  }

  const chosen = choose(values, selection);
  if (chosen.size === 0) {
    if (selection !== null && !createsTarget) {
      throw ScimError.noTarget(
        `No value of "${attribute.path}" matches the filter in the path; add it first.`,
      );
    }
    if (isUnassigned(value)) return values;
    const made = changedElement(impliedBy(attribute, selection), operation);
    return made === undefined ? values : append(attribute, values, [made]);
  }
  // RFC 7644 §3.5.2.3: replace keeps no old part of the values that a filter selects.
  const fromScratch = op === 'replace' && sub === null;
  const changed = new Set<ScimValue>();
  const after = values.flatMap((element) => {
    if (!chosen.has(element)) return [element];
    const result = changedElement(fromScratch ? {} : (element as ScimObject), operation);
    if (result === undefined) return op === 'add' ? [element] : [];
    changed.add(result);
    return [result];
  });
  return withMergedEntries(attribute, values, withOnePrimary(after, changed));
}

/** One value of a list after an add or a replace; undefined if the operation assigns no value. */
function changedElement(element: ScimObject, { target, value }: Assignment): ScimObject | undefined {
  const { attribute, sub } = target;
  if (sub !== null) {
    const after = withValue(element, sub, readValue(sub, value) ?? unassigned(sub));
    return withoutStaleReference(attribute, element, after);
  }
  const json: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  const object = isUnassigned(json) ? undefined : asObject(attribute, json);
  return object === undefined ? undefined : merged(attribute, element, object);
}

function choose(values: readonly ScimValue[], selection: Selection | null): Set<ScimValue> {
  if (selection === null) return new Set(values);
  return new Set(values.filter((element) => matches(selection.filter, element as ScimObject)));
}

/**
 * The parts that a new value needs to match the filter: `phoneNumbers[type eq "mobile"].value` creates a value of
 * that type.
 *
 * @throws ScimError 400 noTarget if the filter has anything else than `eq` comparisons joined by `and`
 */
function impliedBy(attribute: Attribute, selection: Selection | null): ScimObject {
  if (selection === null) return {};
  const implied: ScimObject = {};
  const pending: ValueFilter[] = [selection.written];
  while (pending.length > 0) {
    const filter = pending.pop()!;
    if (filter.kind === 'and') {
      pending.push(...filter.terms);
      continue;
    }
    const sub =
      filter.kind === 'compare' ? attribute.subAttribute.get(filter.path.name.toLowerCase()) : undefined;
    const value =
      sub === undefined || filter.kind !== 'compare' || filter.operator !== 'eq' ? null : filter.value;
    if (sub === undefined || value === null) {
      throw ScimError.noTarget(
        `No value of "${attribute.path}" matches the filter in the path, and the filter does not say what to add.`,
      );
    }
    implied[sub.name] = readValue(sub, value)!;
  }
  return implied;
}

/** RFC 7644 §3.5.2.1: an existing value is not added again. If value and type are equal, it gets the other parts. */
function append(
  attribute: Attribute,
  values: readonly ScimValue[],
  given: readonly ScimValue[],
): ScimValue[] {
  const after = [...values];
  // If several values are the same entry, the first one counts.
  const places = new Map<string, number>();
  for (const [place, value] of values.entries()) {
    const key = entryKey(attribute, value);
    if (!places.has(key)) places.set(key, place);
  }
  const changed = new Set<ScimValue>();
  for (const value of given) {
    const key = entryKey(attribute, value);
    const place = places.get(key) ?? after.length;
    places.set(key, place);
    const present = after[place];
    const entry =
      present === undefined || !isObject(value) ? value : { ...(present as ScimObject), ...value };
    after[place] = entry;
    const wasMadePrimary = present !== undefined && changed.has(present);
    if (wasMadePrimary || (isObject(value) && value.primary === true)) changed.add(entry);
  }
  return withMergedEntries(attribute, values, withOnePrimary(after, changed));
}

/** Equal keys mean the same entry: equal value and type or, without a value, no difference except `primary`. */
function entryKey(attribute: Attribute, value: ScimValue): string {
  if (!isObject(value)) return JSON.stringify(value);
  if (attribute.subAttribute.has('value') && value.value !== undefined) {
    return JSON.stringify(['entry', value.value, value.type]);
  }
  // In the order of the schema, because a changed part may have moved to the end.
  const subs = attribute.subAttributes.filter(({ name }) => name !== 'primary');
  return partsAsText(
    value,
    subs.map(({ name }) => name),
  );
}

/** RFC 7644 §3.5.2: a new primary value makes the others not primary. */
function withOnePrimary(values: ScimValue[], changed: ReadonlySet<ScimValue>): ScimValue[] {
  if (!values.some((value) => changed.has(value) && isObject(value) && value.primary === true)) return values;
  return values.map((value) =>
    isObject(value) && value.primary === true && !changed.has(value) ? { ...value, primary: false } : value,
  );
}

/**
 * Merges two entries that an operation made the same, at the place of the first (RFC 7643 §2.4). Entries that were
 * already the same, and that the operation did not touch, stay: the client wanted them.
 */
function withMergedEntries(
  attribute: Attribute,
  before: readonly ScimValue[],
  after: readonly ScimValue[],
): ScimValue[] {
  const untouched = new Set(before);
  const touched = new Set<string>();
  const keys = after.map((value) => entryKey(attribute, value));
  for (const [place, value] of after.entries()) if (!untouched.has(value)) touched.add(keys[place]!);
  const result: ScimValue[] = [];
  const places = new Map<string, number>();
  for (const [index, value] of after.entries()) {
    const key = keys[index]!;
    const place = touched.has(key) ? places.get(key) : undefined;
    if (place === undefined) {
      places.set(key, result.length);
      result.push(value);
    } else {
      const former = result[place]!;
      result[place] = untouched.has(value) ? mergedEntry(value, former) : mergedEntry(former, value);
    }
  }
  return result;
}

/** @param set the entry that the client has just set; it wins where they differ */
function mergedEntry(former: ScimValue, set: ScimValue): ScimValue {
  if (!isObject(former) || !isObject(set)) return former;
  const isPrimary = former.primary === true || set.primary === true;
  return { ...former, ...set, ...(isPrimary ? { primary: true } : {}) };
}
