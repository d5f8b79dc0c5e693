import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface OpenApiOperation {
  /** In small letters. */
  method: string;
  path: string;
  operation: Record<string, any>;
}

/** Of the admin API with health, and of SCIM. */
export const OPEN_API_FILES = ['openapi.json', 'openapi-scim.json'] as const;

/** One OpenAPI document as it is committed, from the root of the project: `npm run bench` runs what was built elsewhere. */
export function committedDocument(file: (typeof OPEN_API_FILES)[number]): Record<string, any> {
  return JSON.parse(readFileSync(join(process.cwd(), 'docs', file), 'utf8')) as Record<string, any>;
}

/** The committed documents in one: what the whole product promises. */
export function openApiDocument(): Record<string, any> {
  const documents = OPEN_API_FILES.map(committedDocument);
  const kinds = new Set(documents.flatMap(({ components }) => Object.keys(components)));
  const merged = (parts: object[]) => Object.assign({}, ...parts) as Record<string, any>;
  return {
    ...documents[0],
    paths: merged(documents.map(({ paths }) => paths)),
    components: Object.fromEntries(
      [...kinds].map((kind) => [kind, merged(documents.map(({ components }) => components[kind] ?? {}))]),
    ),
  };
}

/** Every operation of the committed documents. */
export function openApiOperations(document = openApiDocument()): OpenApiOperation[] {
  const paths = Object.entries(document.paths as Record<string, Record<string, any>>);
  return paths.flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'parameters')
      .map(([method, operation]) => ({ method, path, operation: operation as Record<string, any> })),
  );
}

/** The body with which Swagger UI begins; undefined where there is none. */
export function sampleBody({ requestBody }: Record<string, any>): any {
  const [media] = Object.values<Record<string, any>>(requestBody?.content ?? {});
  const [first] = Object.values<{ value: unknown }>(media?.examples ?? {});
  return first ? first.value : media?.example;
}
