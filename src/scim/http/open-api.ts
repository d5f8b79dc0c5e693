import {
  type Content,
  type DescribedDoor,
  type Header,
  type Operation,
  type Parameter,
  type PathItem,
  type Reference,
  type Response,
  type Responses,
  type Tag,
  schemaRef,
} from '../../open-api/types';
import { FILTER_LIMITS } from '../filter/parser';
import { PAGE_SIZE } from '../messages/search-request';
import { MESSAGE_URNS } from '../messages/urns';
import { GROUP, RESOURCE_TYPES, type ResourceType, SCHEMAS, USER } from '../schema/registry';
import { SAMPLES } from './open-api-examples';
import { scimSchemas } from './open-api-schemas';

/**
 * What SCIM says of itself in its OpenAPI document. Written by hand, because controllers take and answer whatever the
 * schemas of SCIM allow, of which the decorators know nothing.
 */
export function scimDocument(): DescribedDoor {
  return {
    about: {
      title: 'Scimify: SCIM 2.0',
      description:
        'What an identity provider (IdP) sends to `/scim/v2/{integrationId}`, with a SCIM key of that integration as bearer ' +
        'token: RFC 7643, RFC 7644 and RFC 9865. Each group becomes a team of the target.',
    },
    tags: TAGS,
    prefix: '/scim/',
    paths: {
      ...resourcePaths(USER, 'Users'),
      ...resourcePaths(GROUP, 'Groups'),
      ...servicePaths(),
    },
    components: {
      schemas: scimSchemas(),
      responses: errorResponses(),
      parameters: PARAMETERS,
      headers: HEADERS,
      securitySchemes: {
        scimKey: { type: 'http', scheme: 'bearer', description: 'A SCIM key of the integration' },
        bareScimKey: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: 'The bare SCIM key, without a scheme word, as Okta sends it in its mode HTTP Header',
        },
      },
    },
  };
}

const TAGS: readonly Tag[] = [
  { name: 'Users', description: 'People. Each is somebody of the target, who is found by e-mail address.' },
  { name: 'Groups', description: 'Each group becomes a team of the target.' },
  { name: 'Service', description: 'Discovery, search over all resources, bulk requests.' },
];

const BASE = '/scim/v2/{integrationId}';
const SECURITY: Operation['security'] = [{ scimKey: [] }, { bareScimKey: [] }];

type Extra = Partial<Operation> & { errors: readonly string[] };

/** An operation; whatever it is, a key, a mode and an outage can stand in its way. */
function operation(
  tag: string,
  operationId: string,
  summary: string,
  { errors, responses, ...more }: Extra,
): Operation {
  return {
    operationId,
    tags: [tag],
    summary,
    security: SECURITY,
    ...more,
    responses: {
      ...responses,
      ...Object.fromEntries(
        [...errors, '401', '403', '429', '500'].map((status) => [
          status,
          { $ref: `#/components/responses/${ERRORS[status]!.name}` },
        ]),
      ),
    },
  };
}

const parameterRef = (name: string): Reference => ({ $ref: `#/components/parameters/${name}` });
const headerRef = (name: string): Reference => ({ $ref: `#/components/headers/${name}` });

/** The answer is of the type that `Accept` prefers. */
const content = (schema: string): Content => ({
  'application/scim+json': { schema: schemaRef(schema) },
  'application/json': { schema: schemaRef(schema) },
});

/** @param example of what does no harm when it is sent as it stands */
const body = (schema: string, example: object) => ({
  required: true,
  content: Object.fromEntries(
    Object.entries(content(schema)).map(([type, media]) => [type, { ...media, example }]),
  ),
});
const answer = (description: string, schema: string): Response => ({
  description,
  content: content(schema),
});
const resourceAnswer = (description: string, schema: string): Response => ({
  ...answer(description, schema),
  headers: { ETag: headerRef('ScimETag'), Location: headerRef('ScimLocation') },
});

const BODY_ERRORS = ['400', '413', '415'] as const;
const PROJECTION = ['ScimAttributes', 'ScimExcludedAttributes'].map(parameterRef);

function resourcePaths(type: ResourceType, tag: string): Record<string, PathItem> {
  const { name, endpoint } = type;
  const thing = name.toLowerCase();
  const [schema, input, list] = [`Scim${name}`, `Scim${name}Input`, `Scim${name}List`];
  const conditions = ['ScimIfMatch', 'ScimIfNoneMatch'].map(parameterRef);
  return {
    [`${BASE}${endpoint}`]: {
      parameters: [parameterRef('ScimIntegration')],
      get: operation(tag, `scimList${name}s`, `List ${thing}s`, {
        parameters: [
          ...['ScimFilter', 'ScimSortBy', 'ScimSortOrder', 'ScimStartIndex', 'ScimCount', 'ScimCursor'].map(
            parameterRef,
          ),
          ...PROJECTION,
        ],
        responses: { 200: answer(`The ${thing}s of this page`, list) },
        errors: ['400'],
      }),
      post: operation(tag, `scimCreate${name}`, `Create a ${thing}`, {
        description:
          type === USER
            ? 'A user that was deactivated before and has the same `userName`, and no other `externalId`, is revived under its old id.'
            : 'The target is not called: what becomes of the team is told by the admin API.',
        parameters: PROJECTION,
        requestBody: body(input, SAMPLES[name].created),
        responses: { 201: resourceAnswer(`The ${thing} as it is stored`, schema) },
        errors: [...BODY_ERRORS, '409', '503'],
      }),
    },
    [`${BASE}${endpoint}/.search`]: {
      parameters: [parameterRef('ScimIntegration')],
      post: operation(tag, `scimSearch${name}s`, `Search ${thing}s`, {
        requestBody: body('ScimSearchRequest', SAMPLES.search),
        responses: { 200: answer(`The ${thing}s of this page`, list) },
        errors: BODY_ERRORS,
      }),
    },
    [`${BASE}${endpoint}/{id}`]: {
      parameters: [parameterRef('ScimIntegration'), parameterRef('ScimId')],
      get: operation(tag, `scimGet${name}`, `Get a ${thing}`, {
        parameters: [parameterRef('ScimIfNoneMatch'), ...PROJECTION],
        responses: {
          200: resourceAnswer(`The ${thing}`, schema),
          304: {
            description: `The client has this version. Only where the answer would hold no ${type === USER ? '`groups`' : '`members`'}.`,
            headers: { ETag: headerRef('ScimETag') },
          },
        },
        errors: ['404'],
      }),
      put: operation(tag, `scimReplace${name}`, `Replace a ${thing}`, {
        description:
          type === USER
            ? 'Without `active` or `emails`, those stay as they are.'
            : 'Without `members`, they stay as they are; an explicit `[]` empties the group.',
        parameters: [...conditions, ...PROJECTION],
        requestBody: body(input, SAMPLES[name].replaced),
        responses: { 200: resourceAnswer(`The ${thing} as it is stored`, schema) },
        errors: [...BODY_ERRORS, '404', '409', '412'],
      }),
      patch: operation(tag, `scimModify${name}`, `Change parts of a ${thing}`, {
        parameters: [...conditions, ...PROJECTION],
        requestBody: body('ScimPatch', SAMPLES[name].modified),
        responses: patchAnswers(type, schema),
        errors: [...BODY_ERRORS, '404', '409', '412'],
      }),
      delete: operation(tag, `scimDelete${name}`, `Delete a ${thing}`, {
        parameters: conditions,
        responses: { 204: { description: `The ${thing} is gone` } },
        errors: ['404', '412'],
      }),
    },
  };
}

function patchAnswers(type: ResourceType, schema: string): Responses {
  if (type === USER) return { 200: resourceAnswer('The user as it is stored', schema) };
  return {
    200: resourceAnswer('The group, where the client asks for `attributes`', schema),
    204: {
      description: 'Done. No body of a hundred thousand members for one who was added.',
      headers: { ETag: headerRef('ScimETag') },
    },
  };
}

const SERVICE = 'Service';

function servicePaths(): Record<string, PathItem> {
  const discovery = (operationId: string, summary: string, schema: string, errors: string[] = []) =>
    operation(SERVICE, operationId, summary, {
      description: 'Filtering is refused with 403 (RFC 7644 §4).',
      responses: { 200: answer('As asked', schema) },
      errors,
    });
  const integration = [parameterRef('ScimIntegration')];
  const named = (name: string, description: string, values: string[]): Parameter => ({
    name,
    in: 'path',
    required: true,
    description,
    schema: { type: 'string', examples: values },
  });
  return {
    [`${BASE}/.search`]: {
      parameters: integration,
      post: operation(SERVICE, 'scimSearch', 'Search users and groups at once', {
        requestBody: body('ScimSearchRequest', SAMPLES.search),
        responses: { 200: answer('The resources of this page', 'ScimResourceList') },
        errors: BODY_ERRORS,
      }),
    },
    [`${BASE}/Bulk`]: {
      parameters: integration,
      post: operation(SERVICE, 'scimBulk', 'Write many resources in one request', {
        requestBody: body('ScimBulkRequest', SAMPLES.bulk),
        responses: { 200: answer('What became of each operation', 'ScimBulkResponse') },
        errors: BODY_ERRORS,
      }),
    },
    [`${BASE}/ServiceProviderConfig`]: {
      parameters: integration,
      get: discovery('scimGetServiceProviderConfig', 'Tell what is supported', 'ScimServiceProviderConfig'),
    },
    [`${BASE}/ResourceTypes`]: {
      parameters: integration,
      get: discovery('scimListResourceTypes', 'List the kinds of resources', 'ScimResourceTypeList'),
    },
    [`${BASE}/ResourceTypes/{name}`]: {
      parameters: [
        ...integration,
        named(
          'name',
          'Name of the kind of resource',
          RESOURCE_TYPES.map(({ name }) => name),
        ),
      ],
      get: discovery('scimGetResourceType', 'Get a kind of resource', 'ScimResourceType', ['404']),
    },
    [`${BASE}/Schemas`]: {
      parameters: integration,
      get: discovery('scimListSchemas', 'List the schemas', 'ScimSchemaList'),
    },
    [`${BASE}/Schemas/{urn}`]: {
      parameters: [
        ...integration,
        named(
          'urn',
          'URN of the schema',
          SCHEMAS.map(({ id }) => id),
        ),
      ],
      get: discovery('scimGetSchema', 'Get a schema', 'ScimSchema', ['404']),
    },
    [`${BASE}/Me`]: {
      parameters: integration,
      ...Object.fromEntries(
        (['get', 'post', 'put', 'patch', 'delete'] as const).map((method) => [
          method,
          operation(SERVICE, `scim${method[0]!.toUpperCase()}${method.slice(1)}Me`, 'Not supported', {
            description: "An integration's key is nobody's account (RFC 7644 §3.11).",
            errors: ['501'],
          }),
        ]),
      ),
    },
  };
}

const ATTRIBUTE_LIST = { type: 'array', items: { type: 'string' } } as const;

const PARAMETERS: Record<string, Parameter> = {
  ScimIntegration: {
    name: 'integrationId',
    in: 'path',
    required: true,
    description: 'Id of the integration; `scimBaseUrl` of the integration ends with it',
    schema: { type: 'string', format: 'uuid' },
  },
  ScimId: {
    name: 'id',
    in: 'path',
    required: true,
    description: 'Id of the resource',
    schema: { type: 'string', format: 'uuid' },
  },
  ScimFilter: {
    name: 'filter',
    in: 'query',
    description: 'RFC 7644 §3.4.2.2, as in `displayName eq "Platform"`',
    schema: { type: 'string', maxLength: FILTER_LIMITS.length },
  },
  ScimSortBy: { name: 'sortBy', in: 'query', description: 'An attribute path', schema: { type: 'string' } },
  ScimSortOrder: {
    name: 'sortOrder',
    in: 'query',
    schema: { type: 'string', enum: ['ascending', 'descending'], default: 'ascending' },
  },
  ScimStartIndex: {
    name: 'startIndex',
    in: 'query',
    description: 'Position of the first resource of the page, from 1 on; less counts as 1',
    schema: { type: 'integer', default: 1 },
  },
  ScimCount: {
    name: 'count',
    in: 'query',
    description: `Resources on a page; more than ${PAGE_SIZE.max} counts as that, less than 0 as 0`,
    schema: { type: 'integer', default: PAGE_SIZE.default },
  },
  ScimCursor: {
    name: 'cursor',
    in: 'query',
    description:
      '`nextCursor` of the page before, or empty for the first page of a walk by cursor (RFC 9865)',
    allowEmptyValue: true,
    schema: { type: 'string' },
  },
  ScimAttributes: {
    name: 'attributes',
    in: 'query',
    description: 'Attributes that the answer shall hold',
    style: 'form',
    explode: false,
    schema: ATTRIBUTE_LIST,
  },
  ScimExcludedAttributes: {
    name: 'excludedAttributes',
    in: 'query',
    description: 'Attributes that the answer need not hold',
    style: 'form',
    explode: false,
    schema: ATTRIBUTE_LIST,
  },
  ScimIfMatch: {
    name: 'If-Match',
    in: 'header',
    description:
      'Versions of which the resource must be one, as its `ETag` tells them; `*` for any. No resource has the version of ' +
      'the example, so nothing is overwritten by mistake.',
    schema: { type: 'string' },
    example: 'W/"0"',
  },
  ScimIfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: 'Versions that the client has, or that a write is not to change, as in `W/"2"`; `*` for any',
    schema: { type: 'string' },
  },
};

const HEADERS: Record<string, Header> = {
  ScimETag: {
    description: 'Version of the resource, equal to `meta.version`',
    required: true,
    schema: { type: 'string', pattern: '^W/"[0-9]+"$' },
    example: 'W/"2"',
  },
  ScimLocation: {
    description: 'Address of the resource, equal to `meta.location`',
    required: true,
    schema: { type: 'string', format: 'uri' },
  },
};

interface ErrorAnswer {
  name: string;
  description: string;
  scimType?: string;
  detail: string;
  headers?: Record<string, Header>;
}

const RETRY_AFTER: Record<string, Header> = {
  'Retry-After': {
    required: true,
    description: 'Whole seconds: Okta understands nothing else',
    schema: { type: 'integer', minimum: 1 },
  },
};

const ERRORS: Record<string, ErrorAnswer> = {
  400: {
    name: 'ScimInvalid',
    description:
      'The request is not understood or not acceptable; nothing was changed. `scimType` says in what way.',
    scimType: 'invalidValue',
    detail: '"userName" is required; send a value for it.',
  },
  401: {
    name: 'ScimUnauthenticated',
    description:
      'Unknown integration, or no key, a wrong, expired or revoked one, or that of another integration.',
    detail: 'The SCIM key is not valid for this URL; copy both anew from Scimify into the identity provider.',
    headers: { 'WWW-Authenticate': { required: true, schema: { type: 'string', enum: ['Bearer'] } } },
  },
  403: {
    name: 'ScimForbidden',
    description: 'An admin disabled the integration, or a discovery endpoint was asked to filter.',
    detail:
      'This integration is disabled in Scimify: changes are not accepted until an admin enables or pauses it.',
  },
  404: {
    name: 'ScimNotFound',
    description: 'There is no such resource in this integration.',
    detail: 'There is no such SCIM endpoint.',
  },
  409: {
    name: 'ScimConflict',
    description: 'Another resource has this name or external id already.',
    scimType: 'uniqueness',
    detail: 'Another user already has this userName.',
  },
  412: {
    name: 'ScimPreconditionFailed',
    description: 'The resource has none of the versions of `If-Match`, or one of `If-None-Match`.',
    detail: 'The resource has changed since it was read; read it again.',
  },
  413: {
    name: 'ScimTooLarge',
    description: 'The body is larger than 1 MiB (groups: 32 MiB), or a bulk request has too many operations.',
    detail: 'The request body is larger than 1048576 bytes; send less at a time.',
  },
  415: {
    name: 'ScimUnsupportedMediaType',
    description: 'The body is no JSON.',
    detail: 'Send the body as application/scim+json or application/json.',
  },
  429: {
    name: 'ScimTooManyRequests',
    description:
      'Too many requests, or Scimify is busy for a moment. Nothing was changed; Okta repeats it by itself.',
    detail: 'Scimify is busy and changed nothing; send the request again.',
    headers: RETRY_AFTER,
  },
  500: {
    name: 'ScimInternalError',
    description: 'A defect of Scimify.',
    detail: 'Scimify failed to handle this request; its log tells more.',
  },
  501: {
    name: 'ScimNotImplemented',
    description: 'Not supported.',
    detail: 'The endpoint /Me is not supported; address the user by its id.',
  },
  503: {
    name: 'ScimUnavailable',
    description: 'The database did not confirm the creation: the resource may exist.',
    detail: 'Scimify could not confirm the change; send the request again.',
    headers: RETRY_AFTER,
  },
};

function errorResponses(): Record<string, Response> {
  return Object.fromEntries(
    Object.entries(ERRORS).map(([status, { name, description, scimType, detail, headers }]) => {
      const example = {
        schemas: [MESSAGE_URNS.error],
        status,
        ...(scimType === undefined ? {} : { scimType }),
        detail,
      };
      return [
        name,
        {
          description,
          ...(headers ? { headers } : {}),
          content: {
            'application/scim+json': { schema: schemaRef('ScimError'), example },
            'application/json': { schema: schemaRef('ScimError'), example },
          },
        },
      ];
    }),
  );
}
