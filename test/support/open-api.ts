import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface OpenApiOperation {
  /** In lower case. */
  method: string;
  path: string;
  operation: Record<string, any>;
}

/** The documents of the admin API (with health) and of SCIM. */
export const OPEN_API_FILES = ['openapi.json', 'openapi-scim.json'] as const;

/** One committed OpenAPI document. It is read from the project root, because `npm run bench` runs from a build directory. */
export function committedDocument(file: (typeof OPEN_API_FILES)[number]): Record<string, any> {
  return JSON.parse(readFileSync(join(process.cwd(), 'docs', file), 'utf8')) as Record<string, any>;
}

/** Both committed documents, merged into one. */
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

/** All operations of the committed documents. */
export function openApiOperations(document = openApiDocument()): OpenApiOperation[] {
  const paths = Object.entries(document.paths as Record<string, Record<string, any>>);
  return paths.flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'parameters')
      .map(([method, operation]) => ({ method, path, operation: operation as Record<string, any> })),
  );
}

/** The example body that Swagger UI shows; undefined if there is none. */
export function sampleBody({ requestBody }: Record<string, any>): any {
  const [media] = Object.values<Record<string, any>>(requestBody?.content ?? {});
  const [first] = Object.values<{ value: unknown }>(media?.examples ?? {});
  return first ? first.value : media?.example;
}
