import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { INestApplication } from '@nestjs/common';
import { completeAdminOperation, completePublicOperation } from './admin-operations';
import { addExamples } from './examples';
import { DECORATORS_OPEN_API_VERSION, OPEN_API_VERSION, convertToOpenApi31 } from './json-schema';
import { describeMergePatches } from './merge-patches';
import { PROBLEM_SCHEMA, SHARED_ANSWERS } from './problem-answers';
import { addSampleBodies } from './sample-bodies';
import { TAGS } from './tags';
import { type About, type Components, type DescribedDoor, type Header, operationsOf } from './types';

const LICENSE = { name: 'MIT', identifier: 'MIT' };

/**
 * Describes the admin API and the health checks, from their controllers and the rules in this folder.
 *
 * @param elsewhere prefix of the paths that another document describes
 */
export function describeAdminApi(app: INestApplication, version: string, elsewhere: string): OpenAPIObject {
  const about = {
    title: 'Scimify: admin API',
    description:
      'Manages tenants and integrations, and shows the state of their groups. Send an admin key as bearer token. Lists use ' +
      'cursor pagination. Unknown fields are refused. Errors are problem details (RFC 9457) with a stable `code`.',
  };
  const config = {
    ...baseDocument(about, version),
    openapi: DECORATORS_OPEN_API_VERSION,
    components: {
      securitySchemes: { adminKey: { type: 'http', scheme: 'bearer', description: 'An admin key' } as const },
    },
  };
  const document = SwaggerModule.createDocument(app, config, { operationIdFactory: () => '' });
  convertToOpenApi31(document);
  addExamples(document.components?.schemas ?? {});
  document.tags = [...TAGS];
  document.paths = Object.fromEntries(
    Object.entries(document.paths).filter(([path]) => !path.startsWith(elsewhere)),
  );
  for (const { path, method, operation } of operationsOf(document)) {
    if (path.startsWith('/api/')) completeAdminOperation(path, method, operation);
    else completePublicOperation(path, method, operation);
  }
  addSampleBodies(document);
  describeMergePatches(document);
  documentETags(document);
  document.components = mergeComponents([document.components ?? {}, OWN_COMPONENTS]);
  documentRequestIds(document);
  return document;
}

/** Describes an API that brings its own paths and components. */
export function describeDoor(door: DescribedDoor, version: string): OpenAPIObject {
  const { about, tags, paths, components } = door;
  const document = { ...baseDocument(about, version), tags: [...tags], paths, components };
  documentRequestIds(document);
  return document;
}

/** The fields that both documents share. */
function baseDocument(about: About, version: string): Pick<OpenAPIObject, 'openapi' | 'info' | 'servers'> {
  return {
    openapi: OPEN_API_VERSION,
    info: { ...about, version, license: LICENSE },
    servers: [{ url: '/', description: 'This server' }],
  };
}

const OWN_COMPONENTS: Components = {
  schemas: { Problem: PROBLEM_SCHEMA },
  responses: SHARED_ANSWERS,
  headers: {
    ETag: {
      description: 'The version of the integration. Send it as `If-Match` with a change',
      required: true,
      schema: { type: 'string', pattern: '^"\\d+"$', examples: ['"7"'] },
    },
  },
};

function mergeComponents(all: readonly Components[]): Components {
  const kinds = [...new Set(all.flatMap((components) => Object.keys(components)))] as (keyof Components)[];
  return Object.fromEntries(
    kinds.map((kind) => [kind, Object.assign({}, ...all.map((components) => components[kind])) as object]),
  );
}

/** Documents the `ETag` that `VersionedAnswer` adds to each response with a `revision`. */
function documentETags(document: OpenAPIObject): void {
  const { schemas = {} } = document.components ?? {};
  for (const { operation } of operationsOf(document)) {
    for (const response of Object.values(operation.responses)) {
      if (!response || !('content' in response)) continue;
      const schema = response.content?.['application/json']?.schema;
      const shown = schema && '$ref' in schema ? schemas[schema.$ref.split('/').at(-1)!] : schema;
      if (!shown || !('properties' in shown) || !shown.properties?.revision) continue;
      response.headers = { ...response.headers, ETag: { $ref: '#/components/headers/ETag' } };
    }
  }
}

const REQUEST_ID: Header = {
  description: 'Id of the request in the log',
  required: true,
  schema: { type: 'string', format: 'uuid' },
};

/** Every response has this header, also an error of the framework. */
function documentRequestIds(document: OpenAPIObject): void {
  document.components = mergeComponents([document.components ?? {}, { headers: { RequestId: REQUEST_ID } }]);
  const shared = Object.values(document.components.responses ?? {});
  const own = operationsOf(document).flatMap(({ operation }) => Object.values(operation.responses));
  for (const response of [...shared, ...own]) {
    if (!response || '$ref' in response) continue;
    response.headers = { ...response.headers, 'X-Request-Id': { $ref: '#/components/headers/RequestId' } };
  }
}
