import type { OpenAPIObject } from '@nestjs/swagger';
import { type Schema, operationsOf } from './types';

/** The version of all documents. */
export const OPEN_API_VERSION = '3.1.0';

/** The version that the decorators of `@nestjs/swagger` produce. */
export const DECORATORS_OPEN_API_VERSION = '3.0.0';

/** Converts a document to OpenAPI 3.1: its schemas are JSON Schema, those of 3.0 are a special dialect. */
export function convertToOpenApi31(document: OpenAPIObject): void {
  document.openapi = OPEN_API_VERSION;
  const { schemas = {} } = document.components ?? {};
  for (const [name, schema] of Object.entries(schemas)) schemas[name] = convertSchema(schema);
  for (const { operation } of operationsOf(document)) {
    for (const parameter of operation.parameters ?? []) {
      if ('schema' in parameter && parameter.schema) parameter.schema = convertSchema(parameter.schema);
    }
    for (const part of [operation.requestBody, ...Object.values(operation.responses)]) {
      if (!part || !('content' in part)) continue;
      for (const media of Object.values(part.content ?? {})) {
        if (media.schema) media.schema = convertSchema(media.schema);
      }
    }
  }
}

function convertSchema(schema: Schema): Schema {
  if ('$ref' in schema) return schema;
  const { nullable = false, allOf, type, ...modern } = schema;
  if ('example' in modern) {
    modern.examples = [modern.example];
    delete modern.example;
  }
  if (schema.properties) {
    modern.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, convertSchema(property)]),
    );
  }
  if (schema.items) modern.items = convertSchema(schema.items);
  if (typeof schema.additionalProperties === 'object') {
    modern.additionalProperties = convertSchema(schema.additionalProperties);
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
