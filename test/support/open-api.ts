import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface OpenApiOperation {
  /** In small letters. */
  method: string;
  path: string;
  operation: Record<string, any>;
}

/** From the root of the project: `npm run bench` runs what was built elsewhere. */
const OPEN_API_FILE = join(process.cwd(), 'docs/openapi.json');

/** The OpenAPI document as it is committed. */
export function openApiDocument(): Record<string, any> {
  return JSON.parse(readFileSync(OPEN_API_FILE, 'utf8')) as Record<string, any>;
}

/** Every operation of the committed document. */
export function openApiOperations(document = openApiDocument()): OpenApiOperation[] {
  const paths = Object.entries(document.paths as Record<string, Record<string, any>>);
  return paths.flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'parameters')
      .map(([method, operation]) => ({ method, path, operation: operation as Record<string, any> })),
  );
}
