import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { INestApplication } from '@nestjs/common';
import { completeAdminOperation, completePublicOperation } from './admin-operations';
import { exemplify } from './examples';
import { modernise } from './json-schema';
import { describeMergePatches } from './merge-patches';
import { PROBLEM_SCHEMA, SHARED_ANSWERS } from './problem-answers';
import { TAGS } from './tags';
import { type Components, type DocumentPart, operationsOf } from './types';

const LICENSE = { name: 'MIT', identifier: 'MIT' };

/** Everything that Scimify answers to programs: what its controllers say, completed by rule, and the parts by hand. */
export function describeApplication(
  app: INestApplication,
  version: string,
  parts: readonly DocumentPart[],
): OpenAPIObject {
  const document = SwaggerModule.createDocument(app, info(version), { operationIdFactory: () => '' });
  modernise(document);
  exemplify(document.components?.schemas ?? {});
  document.tags = [...TAGS];
  const byHand = (path: string) => parts.some(({ prefix }) => path.startsWith(prefix));
  document.paths = Object.fromEntries(Object.entries(document.paths).filter(([path]) => !byHand(path)));
  for (const { path, method, operation } of operationsOf(document)) {
    if (path.startsWith('/api/')) completeAdminOperation(path, method, operation);
    else completePublicOperation(path, method, operation);
  }
  describeMergePatches(document);
  tellVersions(document);
  Object.assign(document.paths, ...parts.map(({ paths }) => paths));
  document.components = merged([
    document.components ?? {},
    OWN_COMPONENTS,
    ...parts.map((part) => part.components),
  ]);
  tellRequestIds(document);
  return document;
}

function info(version: string): Omit<OpenAPIObject, 'paths'> {
  const config = new DocumentBuilder()
    .setTitle('Scimify')
    .setDescription(
      'SCIM 2.0 groups become teams of PagerDuty.\n\n' +
        '- **Admin API** (`/api/v1`): an admin key as bearer token. Lists are paged by cursor; unknown fields are ' +
        'refused; errors are problem details (RFC 9457) whose `code` is stable.\n' +
        '- **SCIM** (`/scim/v2/{integrationId}`): the SCIM key of that integration; RFC 7643, RFC 7644 and RFC 9865.',
    )
    .setVersion(version)
    .addServer('/', 'This server')
    .addSecurity('adminKey', { type: 'http', scheme: 'bearer', description: 'An admin key' })
    .build();
  // The builder knows no `identifier`, which is of 3.1.
  return { ...config, info: { ...config.info, license: LICENSE } };
}

const OWN_COMPONENTS: Components = {
  schemas: { Problem: PROBLEM_SCHEMA },
  responses: SHARED_ANSWERS,
  headers: {
    RequestId: {
      description: 'Names the request in the log',
      required: true,
      schema: { type: 'string', format: 'uuid' },
    },
    ETag: {
      description: 'The version of the integration: send it as `If-Match` with a change',
      required: true,
      schema: { type: 'string', pattern: '^"\\d+"$', examples: ['"7"'] },
    },
  },
};

function merged(all: readonly Components[]): Components {
  const kinds = [...new Set(all.flatMap((components) => Object.keys(components)))] as (keyof Components)[];
  return Object.fromEntries(
    kinds.map((kind) => [kind, Object.assign({}, ...all.map((components) => components[kind])) as object]),
  );
}

/** As `VersionedAnswer` gives it: to what tells its revision. */
function tellVersions(document: OpenAPIObject): void {
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

/** Every answer has the header, whoever made it. */
function tellRequestIds(document: OpenAPIObject): void {
  const shared = Object.values(document.components?.responses ?? {});
  const own = operationsOf(document).flatMap(({ operation }) => Object.values(operation.responses));
  for (const response of [...shared, ...own]) {
    if (!response || '$ref' in response) continue;
    response.headers = { ...response.headers, 'X-Request-Id': { $ref: '#/components/headers/RequestId' } };
  }
}
