import type { BulkOperation } from '../messages/bulk';
import { ScimError, quoted } from '../messages/scim-error';
import { isObject } from '../schema/json';

const REFERENCE = /^bulkId:(.+)$/;
const QUOTED_REFERENCE = /"(bulkId:[^"]+)"/g;

/** Where a reference to another resource may stand; the same text under any other name is just text. */
const REFERRING = new Set(['value', 'manager', '$ref', 'path']);

/** The bulkIds that an operation refers to. */
export function* referencesIn({ target, data }: Pick<BulkOperation, 'target' | 'data'>): Generator<string> {
  yield* references(target);
  yield* references(data);
}

function* references(data: unknown, name = 'path'): Generator<string> {
  if (typeof data === 'string') {
    if (!REFERRING.has(name)) return;
    const bulkId = REFERENCE.exec(data)?.[1];
    if (bulkId !== undefined) yield bulkId;
    // A path such as `members[value eq "bulkId:ada"]`.
    else for (const match of data.matchAll(QUOTED_REFERENCE)) yield match[1]!.slice('bulkId:'.length);
  } else if (Array.isArray(data)) {
    for (const element of data) yield* references(element, name);
  } else if (isObject(data)) {
    for (const [key, part] of Object.entries(data)) yield* references(part, key);
  }
}

/** @throws ScimError 409 for a reference to what was not created */
export function resolveReference(created: ReadonlyMap<string, string>, text: string): string {
  const bulkId = REFERENCE.exec(text)?.[1];
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
    if (!REFERRING.has(name)) return data;
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
