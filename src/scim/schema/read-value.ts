import { fold } from '../../directory/fold';
import { ScimError } from '../messages/scim-error';
import type { Attribute, AttributeType } from './attribute';
import { parseDateTime } from './date-time';
import { isObject, isUnassigned, type ScimObject, type ScimValue } from './json';

/**
 * Converts the JSON of a client to the canonical value of an attribute: declared names in declared order, string
 * booleans as booleans, single values of multi-valued attributes as lists, without readOnly and unknown
 * attributes.
 *
 * @returns undefined if the JSON means "unassigned" (RFC 7643 §2.5)
 * @throws ScimError 400 invalidValue
 */
export function readValue(attribute: Attribute, json: unknown): ScimValue | undefined {
  if (isUnassigned(json)) return undefined;
  if (attribute.blankIsUnassigned && typeof json === 'string' && json.trim() === '') return undefined;
  if (attribute.multiValued) return readList(attribute, Array.isArray(json) ? json : [json]);
  return readSingle(attribute, unwrapped(attribute, json));
}

/** One value of an attribute, multi-valued or not. @throws ScimError 400 invalidValue */
export function readSingle(attribute: Attribute, json: unknown): ScimValue | undefined {
  return READERS[attribute.type](attribute, json);
}

/** The raw values in an object by sub-attribute, without unknown and readOnly ones. */
export function namedSubAttributes(
  attribute: Attribute,
  json: Record<string, unknown>,
): Map<Attribute, unknown> {
  const named = new Map<Attribute, unknown>();
  for (const name of Object.keys(json)) {
    const sub = attribute.subAttribute.get(name.toLowerCase());
    if (sub === undefined || sub.mutability === 'readOnly') continue;
    if (named.has(sub)) throw ScimError.invalidValue(`"${sub.path}" is given twice; give it once.`);
    named.set(sub, json[name]);
  }
  return named;
}

/** The object form of a complex value. A bare string becomes its `value`, if the attribute allows that. */
export function asObject(attribute: Attribute, json: unknown): Record<string, unknown> | undefined {
  if (isObject(json)) return json;
  if (attribute.acceptsBareValue && typeof json === 'string') {
    // Entra removes a manager with an empty string.
    return json === '' ? undefined : { value: json };
  }
  throw wrongType(attribute, 'a JSON object');
}

/** At most one value may be the primary one (RFC 7643 §2.4). @throws ScimError 400 invalidValue */
export function checkList(attribute: Attribute, values: readonly ScimValue[]): void {
  checkLength(attribute, values);
  if (!attribute.subAttribute.has('primary')) return;
  if (values.filter((value) => isObject(value) && value.primary === true).length > 1) {
    throw ScimError.invalidValue(
      `"${attribute.path}" marks more than one value as primary; mark at most one.`,
    );
  }
}

/** @throws ScimError 400 invalidValue if a required sub-attribute has no value */
export function checkRequired(attribute: Attribute, value: ScimObject): void {
  for (const sub of attribute.subAttributes) {
    if (sub.required && sub.mutability !== 'readOnly' && value[sub.name] === undefined) {
      throw ScimError.invalidValue(`"${sub.path}" is required; send a value for it.`);
    }
  }
}

function readList(attribute: Attribute, list: readonly unknown[]): ScimValue[] | undefined {
  checkLength(attribute, list);
  const values: ScimValue[] = [];
  const seen = new Set<string>();
  for (const json of list) {
    if (json === null) throw ScimError.invalidValue(`"${attribute.path}" holds a null; leave it out.`);
    const value = readSingle(attribute, json);
    if (value === undefined) continue;
    // Identical values count once. The client wants values with the same (type, value) but other different parts.
    // A value without `primary` is not primary (RFC 7643 §2.4).
    const text = JSON.stringify(
      isObject(value) && value.primary === false ? { ...value, primary: undefined } : value,
    );
    if (seen.has(text)) continue;
    seen.add(text);
    values.push(value);
  }
  checkList(attribute, values);
  return values.length === 0 ? undefined : values;
}

/** Entra sends a manager as a list of one. */
function unwrapped(attribute: Attribute, json: unknown): unknown {
  return attribute.acceptsBareValue && Array.isArray(json) && json.length === 1 ? json[0] : json;
}

const READERS: Record<AttributeType, (attribute: Attribute, json: unknown) => ScimValue | undefined> = {
  string: readText,
  reference: readText,
  boolean: readBoolean,
  decimal: readNumber,
  integer: (attribute, json) => {
    if (!Number.isSafeInteger(json)) throw wrongType(attribute, 'a whole number');
    return readNumber(attribute, json);
  },
  dateTime: (attribute, json) => {
    const text = readText(attribute, json);
    if (parseDateTime(text) === null) {
      throw wrongType(attribute, 'a date and time like "2011-05-13T04:42:34Z"');
    }
    return text;
  },
  binary: (attribute, json) => {
    const text = readText(attribute, json);
    // Both alphabets of RFC 4648; certificates have line breaks. White space can match in only one place at a
    // time, so a wrong text takes linear time.
    if (!/^[A-Za-z0-9+/_\-\s]*(?:={1,2}\s*)?$/.test(text)) throw wrongType(attribute, 'base64');
    return text;
  },
  complex: readComplex,
};

function readText(attribute: Attribute, json: unknown): string {
  if (typeof json !== 'string') throw wrongType(attribute, 'a string');
  if (attribute.required && json.trim() === '') {
    throw ScimError.invalidValue(`"${attribute.path}" is required and may not be blank.`);
  }
  // Folding can make a text three times as long, and keys use the folded text.
  if (
    json.length > attribute.maxLength ||
    (json.length * 3 > attribute.maxLength && fold(json).length > attribute.maxLength)
  ) {
    throw ScimError.invalidValue(
      `"${attribute.path}" is longer than ${attribute.maxLength} characters; shorten it.`,
    );
  }
  const { refused } = attribute;
  if (refused !== undefined && fold(json) === fold(refused.value)) {
    throw ScimError.invalidValue(`"${attribute.path}" may not be "${refused.value}": ${refused.because}.`);
  }
  return json;
}

function readBoolean(attribute: Attribute, json: unknown): boolean {
  if (typeof json === 'boolean') return json;
  // Entra sends "True" and "False" by default.
  const text = typeof json === 'string' ? json.toLowerCase() : '';
  if (text !== 'true' && text !== 'false') throw wrongType(attribute, 'true or false');
  return text === 'true';
}

function readNumber(attribute: Attribute, json: unknown): number {
  if (typeof json !== 'number') throw wrongType(attribute, 'a number');
  return json;
}

function readComplex(attribute: Attribute, json: unknown): ScimObject | undefined {
  const object = asObject(attribute, json);
  if (object === undefined) return undefined;
  const named = namedSubAttributes(attribute, object);
  const value: ScimObject = {};
  for (const sub of attribute.subAttributes) {
    const read = readValue(sub, named.get(sub));
    if (read !== undefined && sub.mutability !== 'writeOnly') value[sub.name] = read;
  }
  checkRequired(attribute, value);
  return Object.keys(value).length === 0 ? undefined : value;
}

/** @throws ScimError 400 invalidValue */
export function checkLength({ path, maxValues }: Attribute, values: readonly unknown[]): void {
  if (values.length <= maxValues) return;
  throw ScimError.invalidValue(`"${path}" has more than ${maxValues} values; send fewer.`);
}

function wrongType(attribute: Attribute, expected: string): ScimError {
  return ScimError.invalidValue(`"${attribute.path}" must be ${expected}.`);
}
