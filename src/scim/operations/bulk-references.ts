import type { BulkOperation } from '../messages/bulk';
import { ScimError, quoted } from '../messages/scim-error';
import { isObject } from '../schema/json';

const REFERENCE = /^bulkId:(.+)$/;
const QUOTED_REFERENCE = /"(bulkId:[^"]+)"/g;

/** Where a reference to another resource may stand; the same text under any other name is just text. */
const REFERRING = new Set(['value', 'manager', '$ref', 'path']);

/** Names are of any case, and may be paths: `manager`, `urn:…:User:Manager`, `manager.value`. */
function mayRefer(name: string): boolean {
  return REFERRING.has(name.slice(Math.max(name.lastIndexOf('.'), name.lastIndexOf(':')) + 1).toLowerCase());
}

/** The bulkId that a text as a whole refers to. */
export function referenceIn(text: string | null): string | undefined {
  return REFERENCE.exec(text ?? '')?.[1];
}

/** The bulkIds that the data of an operation refers to. */
export function* referencesIn(data: BulkOperation['data'], name = 'path'): Generator<string> {
  if (typeof data === 'string') {
    if (!mayRefer(name)) return;
    const bulkId = referenceIn(data);
    if (bulkId !== undefined) yield bulkId;
    // A path such as `members[value eq "bulkId:ada"]`.
    else for (const match of data.matchAll(QUOTED_REFERENCE)) yield match[1]!.slice('bulkId:'.length);
  } else if (Array.isArray(data)) {
    for (const element of data) yield* referencesIn(element, name);
  } else if (isObject(data)) {
    for (const [key, part] of Object.entries(data)) yield* referencesIn(part, key);
  }
}

/** @throws ScimError 409 for a reference to what was not created */
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

/** The data with ids in place of references. @throws ScimError 409 for a reference to what was not created */
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

/** A resource without its references to some bulkIds; undefined where the whole of the data is one. */
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

/** The attributes of a resource, whole, in which it refers to some bulkIds. */
export function attributesReferring(bulkIds: ReadonlySet<string>, data: unknown): Record<string, unknown> {
  if (!isObject(data)) return {};
  return Object.fromEntries(Object.entries(data).filter(([key, part]) => refersTo(bulkIds, part, key)));
}

function refersTo(bulkIds: ReadonlySet<string>, data: unknown, name: string): boolean {
  for (const bulkId of referencesIn(data, name)) if (bulkIds.has(bulkId)) return true;
  return false;
}
