import type { OpenAPIObject } from '@nestjs/swagger';
import { type Schema, operationsOf } from './types';

/**
 * Gives each body an example that says no more than has to be said, unless its controller gives examples. Swagger UI begins
 * with it, so whoever executes an operation as it stands there asks for nothing that they did not write themselves; without
 * an example it would make up a value for every field, and be it the first of an enum or the least of a range.
 */
export function giveSampleBodies(document: OpenAPIObject): void {
  const { schemas = {} } = document.components ?? {};
  for (const { operation } of operationsOf(document)) {
    const { requestBody } = operation;
    if (!requestBody || !('content' in requestBody)) continue;
    for (const media of Object.values(requestBody.content)) {
      if (media.schema && !media.examples) media.example = sampleOf(media.schema, schemas);
    }
  }
}

function sampleOf(schema: Schema, schemas: Record<string, Schema>): unknown {
  if ('$ref' in schema) {
    const name = schema.$ref.split('/').at(-1)!;
    return sampleOf(schemas[name]!, schemas);
  }
  const required = schema.required ?? [];
  return Object.fromEntries(required.map((name) => [name, exampleOf(name, schema.properties?.[name])]));
}

function exampleOf(name: string, property: Schema | undefined): unknown {
  const { examples, default: byDefault } = (property ?? {}) as { examples?: unknown[]; default?: unknown };
  const example = examples?.[0] ?? byDefault;
  if (example === undefined) throw new Error(`Give an example that does no harm to the required ${name}`);
  return example;
}
