import type { OpenAPIObject } from '@nestjs/swagger';
import { type Schema, operationsOf } from './types';

/**
 * Gives each body without examples an example with only the required fields. Swagger UI starts with it, so an
 * unedited request does nothing unexpected. Without an example Swagger UI fills every field, for example with the
 * first value of an enum or the minimum of a range.
 */
export function addSampleBodies(document: OpenAPIObject): void {
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
  if (example === undefined) throw new Error(`The required field ${name} needs a harmless example`);
  return example;
}
