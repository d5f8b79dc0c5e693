import { atOnce } from '../../event-loop/slice';
import { ScimError } from '../messages/scim-error';
import type { Attribute } from './attribute';
import { isEmpty, isObject, checkTexts, sameValue } from './json';
import type { ScimObject, ScimResource, ScimValue } from './json';
import { checkList, checkRequired, readValue } from './read-value';
import type { ResourceType } from './registry';

export interface ReadResource {
  resource: ScimResource;
  /**
   * Canonical names of the top-level attributes and extension URNs in the body, `[]` included. Absent and null
   * ones are not in the set. So `members: []` (empty the group) differs from no members (keep them).
   */
  given: ReadonlySet<string>;
}

/**
 * The body of a POST as a canonical resource: `schemas` derived, defaults filled in, readOnly and unknown attributes
 * ignored, `password` checked and dropped. The server adds `id` and `meta` later.
 *
 * @throws ScimError 400 invalidSyntax (no JSON object) or invalidValue
 */
export function readResource(type: ResourceType, body: unknown): ReadResource {
  const { values, given } = readBody(type, body);
  return { resource: completed(type, values), given };
}

/**
 * Applies the body of a PUT to the stored resource (RFC 7644 §3.5.1). readOnly attributes stay. `active`, `emails` and
 * `members` stay if they are absent or null. Everything else comes from the body.
 *
 * @throws ScimError 400 as `readResource`, and mutability if an immutable attribute differs
 */
export function readReplacement(type: ResourceType, body: unknown, stored: ScimResource): ReadResource {
  const { values, given } = readBody(type, body);
  for (const attribute of type.root.subAttributes) {
    const stays =
      attribute.mutability === 'readOnly' || (attribute.keptWhenOmitted && !given.has(attribute.name));
    const kept = stored[attribute.name];
    if (stays && kept !== undefined) values[attribute.name] = kept;
  }
  checkImmutable(type.root, stored, values);
  return { resource: completed(type, values), given };
}

/**
 * The canonical form of a resource from values that were read one by one: order, `schemas`, defaults.
 *
 * @throws ScimError 400 invalidValue if a required value is missing or a list breaks its rules
 */
export function completed(type: ResourceType, values: ScimObject): ScimResource {
  const filled: ScimObject = { ...values, schemas: [type.schema.id] };
  for (const attribute of type.root.subAttributes) {
    if (attribute.defaultValue !== undefined) filled[attribute.name] ??= attribute.defaultValue;
  }
  const resource = ordered(type.root, filled) as ScimObject;
  resource.schemas = [
    type.schema.id,
    ...type.extensionSchemas.map(({ id }) => id).filter((id) => id in resource),
  ];
  checkRequired(type.root, resource);
  return resource;
}

/** @throws ScimError 400 mutability if an immutable attribute had a value and now has another (RFC 7644 §3.5.1) */
export function checkImmutable(container: Attribute, before: ScimObject, after: ScimObject): void {
  for (const attribute of container.subAttributes) {
    const old = before[attribute.name];
    const now = after[attribute.name];
    if (old === undefined) continue;
    if (attribute.mutability === 'immutable' && !sameValue(old, now)) {
      throw ScimError.mutability(`"${attribute.path}" cannot be changed once it is set.`);
    }
    if (isObject(old) && isObject(now)) checkImmutable(attribute, old, now);
  }
}

function readBody(type: ResourceType, body: unknown): { values: ScimObject; given: Set<string> } {
  if (!isObject(body))
    throw ScimError.invalidSyntax(`The request body must be a JSON object: a ${type.name}.`);
  // The body of a resource is small: the members of a group, which may be many, are read separately.
  atOnce(checkTexts(body));
  const values: ScimObject = {};
  const given = new Set<string>();
  for (const name of Object.keys(body)) {
    const attribute = type.topLevel(name);
    const json = body[name];
    if (attribute === undefined || attribute.mutability === 'readOnly') continue;
    if (json === undefined || json === null) continue;
    if (given.has(attribute.name)) {
      throw ScimError.invalidValue(`"${attribute.path}" is given twice; give it once.`);
    }
    given.add(attribute.name);
    const value = readValue(attribute, json);
    if (value !== undefined && attribute.mutability !== 'writeOnly') values[attribute.name] = value;
  }
  checkSchemas(type, values.schemas);
  return { values, given };
}

/**
 * `schemas` must name the schema of the resource (RFC 7643 §3) unless it is absent. An older URN is enough:
 * OneLogin sends only pre-IETF URNs. Other URNs are ignored: Entra and Google add their own.
 */
function checkSchemas(type: ResourceType, schemas: ScimValue | undefined): void {
  if (!Array.isArray(schemas) || schemas.some((urn) => type.containerOf(urn as string) === type.root)) return;
  throw ScimError.invalidValue(
    `"schemas" does not name the schema of a ${type.name}; send ["${type.schema.id}"], or leave it out.`,
  );
}

function ordered(attribute: Attribute, value: ScimValue): ScimValue {
  if (Array.isArray(value)) {
    checkList(attribute, value);
    return value.map((element) => ordered(attribute, element)).filter((element) => !isEmpty(element));
  }
  if (attribute.type !== 'complex' || typeof value !== 'object') return value;
  const result: ScimObject = {};
  for (const sub of attribute.subAttributes) {
    const part = value[sub.name];
    if (part === undefined) continue;
    const inOrder = ordered(sub, part);
    if (!isEmpty(inOrder)) result[sub.name] = inOrder;
  }
  return result;
}
