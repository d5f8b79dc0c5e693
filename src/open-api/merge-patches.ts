import type { OpenAPIObject } from '@nestjs/swagger';
import { type Method, type Operation, type Schema, operationsOf, schemaRef } from './types';

const MERGE_PATCH = 'application/merge-patch+json';

type Schemas = Record<string, Schema>;

/**
 * The body of each PATCH is a JSON merge patch (RFC 7396). Omitted fields stay as they are. So its schema must
 * have no defaults: a generated client would send them.
 */
export function describeMergePatches(document: OpenAPIObject): void {
  const schemas: Schemas = document.components?.schemas ?? {};
  const used = new Set(
    operationsOf(document).flatMap(({ method, operation }) =>
      partsOf(method, operation).flatMap((part) => namesIn(part, schemas)),
    ),
  );
  for (const { method, operation } of operationsOf(document)) {
    const { requestBody } = operation;
    if (method !== 'patch' || !requestBody || !('content' in requestBody)) continue;
    const media = requestBody.content['application/json'];
    if (!media?.schema) continue;
    const schema = withoutDefaults(media.schema, schemas, used);
    requestBody.content = { [MERGE_PATCH]: { ...media, schema }, 'application/json': { ...media, schema } };
  }
}

/** The parts of an operation that are not a merge patch. */
function partsOf(method: Method, { requestBody, ...rest }: Operation): unknown[] {
  return method === 'patch' ? [rest] : [requestBody, rest];
}

/** Names of the schemas that a part refers to, directly or indirectly. */
function namesIn(part: unknown, schemas: Schemas, found = new Set<string>()): string[] {
  for (const name of referencesIn(part)) {
    if (found.has(name)) continue;
    found.add(name);
    namesIn(schemas[name], schemas, found);
  }
  return [...found];
}

function referencesIn(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return [];
  const { $ref } = part as { $ref?: unknown };
  const own = typeof $ref === 'string' ? [nameOf($ref)] : [];
  return [...own, ...Object.values(part).flatMap(referencesIn)];
}

const nameOf = (reference: string): string => reference.split('/').at(-1)!;

/** @param used schemas that other parts also use: they keep their defaults, and the patch gets a copy without */
function withoutDefaults<T>(part: T, schemas: Schemas, used: ReadonlySet<string>): T {
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) return part.map((item: unknown) => withoutDefaults(item, schemas, used)) as T;
  const entries = Object.entries(part)
    .filter(([key]) => key !== 'default')
    .map(([key, value]: [string, unknown]) =>
      key === '$ref'
        ? [key, patchSchemaRef(nameOf(value as string), schemas, used)]
        : [key, withoutDefaults(value, schemas, used)],
    );
  return Object.fromEntries(entries) as T;
}

/** @returns the reference to the schema without defaults */
function patchSchemaRef(name: string, schemas: Schemas, used: ReadonlySet<string>): string {
  const containsDefault = [name, ...namesIn(schemas[name], schemas)].some((one) => hasDefault(schemas[one]));
  const patchName = containsDefault && used.has(name) ? `${name}Patch` : name;
  if (containsDefault) schemas[patchName] = withoutDefaults(schemas[name]!, schemas, used);
  return schemaRef(patchName).$ref;
}

function hasDefault(part: unknown): boolean {
  if (typeof part !== 'object' || part === null) return false;
  return 'default' in part || Object.values(part).some(hasDefault);
}
