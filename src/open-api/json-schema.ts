import type { OpenAPIObject } from '@nestjs/swagger';
import { type Schema, operationsOf } from './types';

/** The version of all documents. */
export const OPEN_API = '3.1.0';

/** The version that the decorators of `@nestjs/swagger` produce. */
export const DECORATED = '3.0.0';

/** Converts a document to OpenAPI 3.1: its schemas are JSON Schema, those of 3.0 are a special dialect. */
export function modernise(document: OpenAPIObject): void {
  document.openapi = OPEN_API;
  const { schemas = {} } = document.components ?? {};
  for (const [name, schema] of Object.entries(schemas)) schemas[name] = modernised(schema);
  for (const { operation } of operationsOf(document)) {
    for (const parameter of operation.parameters ?? []) {
      if ('schema' in parameter && parameter.schema) parameter.schema = modernised(parameter.schema);
    }
    for (const part of [operation.requestBody, ...Object.values(operation.responses)]) {
      if (!part || !('content' in part)) continue;
      for (const media of Object.values(part.content ?? {})) {
        if (media.schema) media.schema = modernised(media.schema);
      }
    }
  }
}

function modernised(schema: Schema): Schema {
  if ('$ref' in schema) return schema;
  const { nullable = false, allOf, type, ...modern } = schema;
  if ('example' in modern) {
    modern.examples = [modern.example];
    delete modern.example;
  }
  if (schema.properties) {
    modern.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, modernised(property)]),
    );
  }
  if (schema.items) modern.items = modernised(schema.items);
  if (typeof schema.additionalProperties === 'object') {
    modern.additionalProperties = modernised(schema.additionalProperties);
  }
  const [reference] = allOf ?? [];
  if (reference) {
    // The decorators wrap a reference in `allOf` to add fields. In 3.1 they can stand next to the reference.
    return nullable ? { ...modern, anyOf: [reference, { type: 'null' }] } : { ...reference, ...modern };
  }
  if (type === undefined) return modern;
  // Otherwise generated clients get an object type that accepts no field.
  if (type === 'object' && !schema.properties) modern.additionalProperties ??= true;
  // All numbers of the admin API are integers.
  const types = [type].flat().map((one) => (one === 'number' ? 'integer' : one));
  if (nullable) types.push('null');
  if (nullable && modern.enum) modern.enum = [...(modern.enum as unknown[]), null];
  return { type: types.length === 1 ? types[0]! : types, ...modern };
}
