import type { BulkOperation } from '../messages/bulk';
import { ScimError, quoted } from '../messages/scim-error';
import { isObject } from '../schema/json';

const REFERENCE = /^bulkId:(.+)$/;
const QUOTED_REFERENCE = /"(bulkId:[^"]+)"/g;

/** Names whose values may be references to other resources. Under another name, the same text is only text. */
const REFERRING = new Set(['value', 'manager', '$ref', 'path']);

/** Names are case-insensitive, and may be paths: `manager`, `urn:…:User:Manager`, `manager.value`. */
function mayRefer(name: string): boolean {
  return REFERRING.has(name.slice(Math.max(name.lastIndexOf('.'), name.lastIndexOf(':')) + 1).toLowerCase());
}

/** The bulkId, if the whole text is a reference. */
export function referenceIn(text: string | null): string | undefined {
  return REFERENCE.exec(text ?? '')?.[1];
}

/** The bulkIds that the data of an operation refers to. */
export function* referencesIn(data: BulkOperation['data'], name = 'path'): Generator<string> {
  if (typeof data === 'string') {
    if (!mayRefer(name)) return;
    const bulkId = referenceIn(data);
    if (bulkId !== undefined) yield bulkId;
    // A path like `members[value eq "bulkId:ada"]`.
    else for (const match of data.matchAll(QUOTED_REFERENCE)) yield match[1]!.slice('bulkId:'.length);
  } else if (Array.isArray(data)) {
    for (const element of data) yield* referencesIn(element, name);
  } else if (isObject(data)) {
    for (const [key, part] of Object.entries(data)) yield* referencesIn(part, key);
  }
}

/** @throws ScimError 409 if the resource was not created */
export function resolveReference(created: ReadonlyMap<string, string>, text: string): string {
  const bulkId = referenceIn(text);
  if (bulkId === undefined) return text;
  const id = created.get(bulkId);
  if (id !== undefined) return id;
  throw new ScimError(
    409,
    undefined,
    `No operation of this request created the resource with bulkId ${quoted(bulkId)}.`,
  );
}

/** Replaces references in the data with ids. @throws ScimError 409 if a resource was not created */
export function resolveReferences(
  created: ReadonlyMap<string, string>,
  data: unknown,
  name = 'path',
): unknown {
  if (typeof data === 'string') {
    if (!mayRefer(name)) return data;
    return resolveReference(created, data).replace(
      QUOTED_REFERENCE,
      (_, reference: string) => `"${resolveReference(created, reference)}"`,
    );
  }
  if (Array.isArray(data)) return data.map((element) => resolveReferences(created, element, name));
  if (!isObject(data)) return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, part]) => [key, resolveReferences(created, part, key)]),
  );
}

/** Removes the references to these bulkIds from a resource; undefined if the data itself is such a reference. */
export function withoutReferences(bulkIds: ReadonlySet<string>, data: unknown, name = 'path'): unknown {
  if (typeof data === 'string') return refersTo(bulkIds, data, name) ? undefined : data;
  if (Array.isArray(data)) {
    return data
      .map((element: unknown) => withoutReferences(bulkIds, element, name))
      .filter((element) => element !== undefined);
  }
  if (!isObject(data)) return data;
  return Object.fromEntries(
    Object.entries(data)
      .map(([key, part]) => [key, withoutReferences(bulkIds, part, key)] as const)
      .filter(([, part]) => part !== undefined),
  );
}

/** The complete attributes of a resource that refer to one of these bulkIds. */
export function attributesReferring(bulkIds: ReadonlySet<string>, data: unknown): Record<string, unknown> {
  if (!isObject(data)) return {};
  return Object.fromEntries(Object.entries(data).filter(([key, part]) => refersTo(bulkIds, part, key)));
}

function refersTo(bulkIds: ReadonlySet<string>, data: unknown, name: string): boolean {
  for (const bulkId of referencesIn(data, name)) if (bulkIds.has(bulkId)) return true;
  return false;
}
