import { MOST_COMBINING_MARKS, isStorable, isStreamSafe } from '../../database/storable-text';
import { ScimError } from '../messages/scim-error';

/** A resource or a complex value. It has keys only for existing values, never `null` or `[]` (RFC 7643 §2.5). */
export interface ScimObject {
  [name: string]: ScimValue;
}

export type ScimValue = string | number | boolean | ScimObject | ScimValue[];

/** A whole resource: `schemas`, common and core attributes by name, extension attributes under their URN. */
export type ScimResource = ScimObject;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 7643 §2.5: absent, null and the empty array are one state. */
export function isUnassigned(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

/** Whether a canonical value is empty. Empty values are dropped. */
export function isEmpty(value: ScimValue): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** Canonical values have a fixed order of keys, so equal values have equal texts. */
export function sameValue(left: ScimValue | undefined, right: ScimValue | undefined): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}

/** Values between two points where other requests may run. */
const STEP = 200;

/**
 * Refuses a body if any string or name cannot be stored or is expensive to compare, even in an ignored part. Walks
 * without recursion, because a body of a megabyte can be nested half a million levels deep.
 *
 * @throws ScimError 400 invalidValue
 */
export function* checkTexts(body: unknown): Generator<void, void> {
  const pending: unknown[] = [body];
  for (let count = 1; pending.length > 0; count++) {
    if (count % STEP === 0) yield;
    const value = pending.pop();
    if (typeof value === 'string') refuseText(value);
    else if (Array.isArray(value)) for (const element of value) pending.push(element);
    else if (isObject(value)) {
      for (const name of Object.keys(value)) {
        refuseText(name);
        pending.push(value[name]);
      }
    }
  }
}

function refuseText(text: string): void {
  if (!isStorable(text)) {
    throw ScimError.invalidValue(
      'The request holds a character that cannot be stored (U+0000 or half of a surrogate pair); remove it and send the request again.',
    );
  }
  if (!isStreamSafe(text)) {
    throw ScimError.invalidValue(
      `The request holds a text with more than ${MOST_COMBINING_MARKS} combining marks in a row; shorten it and send the request again.`,
    );
  }
}
