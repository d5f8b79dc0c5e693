import { parseAttributePath } from '../schema/attribute-path';
import { type ScimResource, type ScimValue, isObject } from '../schema/json';
import { USER_SCHEMA } from '../schema/user.schema';

/** Characters of JSON. A longer value does not help to identify a user, so it is left out. */
const VALUE_LENGTH = 1_000;

/**
 * The attributes of a user that the target needs to find its own user.
 *
 * @param paths attribute paths of RFC 7644 §3.10, spelled as in /Schemas
 * @returns JSON of an object with these paths as names, without missing values; null if there are no paths
 */
export function attributesForTarget(resource: ScimResource, paths: readonly string[]): string | null {
  if (paths.length === 0) return null;
  const entries = paths.flatMap((path): [string, ScimValue][] => {
    const value = valueAt(resource, path);
    return value === undefined || JSON.stringify(value).length > VALUE_LENGTH ? [] : [[path, value]];
  });
  return JSON.stringify(Object.fromEntries(entries));
}

function valueAt(resource: ScimResource, path: string): ScimValue | undefined {
  const parsed = parseAttributePath(path);
  if (parsed === null) throw new Error(`"${path}" is not an attribute path`);
  const { urn, name, sub } = parsed;
  const holder = urn === null || urn === USER_SCHEMA.id ? resource : resource[urn];
  const value = isObject(holder) ? holder[name] : undefined;
  if (sub === null || value === undefined) return value;
  if (!Array.isArray(value)) return isObject(value) ? value[sub] : undefined;
  return value.flatMap((one) => (isObject(one) ? (one[sub] ?? []) : []));
}
