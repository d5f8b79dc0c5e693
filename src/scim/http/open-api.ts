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
 * The OpenAPI document of the SCIM API. It is written by hand: the SCIM schemas define the bodies, and the
 * decorators do not know these schemas.
 */
export function scimDocument(): DescribedDoor {
  return {
    about: {
      title: 'Scimify: SCIM 2.0',
      description:
        'The API for an identity provider (IdP): RFC 7643, RFC 7644 and RFC 9865. The IdP sends requests to ' +
        '`/scim/v2/{integrationId}`, with a SCIM key of that integration as bearer token. Each group becomes a team of the target.',
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
          description:
            'The SCIM key alone, without the word Bearer, as Okta sends it in its mode HTTP Header',
        },
      },
    },
  };
}

const TAGS: readonly Tag[] = [
  {
    name: 'Users',
    description: 'Users of the IdP. Scimify finds the matching user of the target by e-mail address.',
  },
  { name: 'Groups', description: 'Each group becomes a team of the target.' },
  { name: 'Service', description: 'Discovery, search over all resources, bulk requests.' },
];

const BASE = '/scim/v2/{integrationId}';
const SECURITY: Operation['security'] = [{ scimKey: [] }, { bareScimKey: [] }];

type Extra = Partial<Operation> & { errors: readonly string[] };

/** Adds the errors that every operation can return: 401, 403, 429 and 500. */
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

/** `Accept` decides the media type of the response. */
const content = (schema: string): Content => ({
  'application/scim+json': { schema: schemaRef(schema) },
  'application/json': { schema: schemaRef(schema) },
});

/** @param example a body that does no harm when a reader sends it unchanged */
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
            ? 'If a deactivated user has the same `userName` and no different `externalId`, Scimify reactivates it under its old id.'
            : 'Scimify does not call the target in this request. The admin API shows the state of the team.',
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
            description: `The client already has this version. Only if the response does not contain ${type === USER ? '`groups`' : '`members`'}.`,
            headers: { ETag: headerRef('ScimETag') },
          },
        },
        errors: ['404'],
      }),
      put: operation(tag, `scimReplace${name}`, `Replace a ${thing}`, {
        description:
          type === USER
            ? 'If the body has no `active` or no `emails`, the user keeps the stored value.'
            : 'If the body has no `members`, the group keeps its members. An explicit `[]` empties the group.',
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
        responses: { 204: { description: `The ${thing} is deleted` } },
        errors: ['404', '412'],
      }),
    },
  };
}

function patchAnswers(type: ResourceType, schema: string): Responses {
  if (type === USER) return { 200: resourceAnswer('The user as it is stored', schema) };
  return {
    200: resourceAnswer('The group, if the client asks for `attributes`', schema),
    204: {
      description:
        'The group is changed. There is no body, because a group can have a hundred thousand members.',
      headers: { ETag: headerRef('ScimETag') },
    },
  };
}

const SERVICE = 'Service';

function servicePaths(): Record<string, PathItem> {
  const discovery = (operationId: string, summary: string, schema: string, errors: string[] = []) =>
    operation(SERVICE, operationId, summary, {
      description: 'A request with `filter` gets 403 (RFC 7644 §4).',
      responses: { 200: answer('The requested data', schema) },
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
      post: operation(SERVICE, 'scimSearch', 'Search users and groups together', {
        requestBody: body('ScimSearchRequest', SAMPLES.search),
        responses: { 200: answer('The resources of this page', 'ScimResourceList') },
        errors: BODY_ERRORS,
      }),
    },
    [`${BASE}/Bulk`]: {
      parameters: integration,
      post: operation(SERVICE, 'scimBulk', 'Write many resources in one request', {
        requestBody: body('ScimBulkRequest', SAMPLES.bulk),
        responses: { 200: answer('The result of each operation', 'ScimBulkResponse') },
        errors: BODY_ERRORS,
      }),
    },
    [`${BASE}/ServiceProviderConfig`]: {
      parameters: integration,
      get: discovery(
        'scimGetServiceProviderConfig',
        'Get the supported features',
        'ScimServiceProviderConfig',
      ),
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
            description: 'A SCIM key belongs to an integration, not to a user (RFC 7644 §3.11).',
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
    description: 'Id of the integration: the last part of its `scimBaseUrl`',
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
    description: 'RFC 7644 §3.4.2.2, for example `displayName eq "Platform"`',
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
    description: 'Position of the first resource on the page, from 1; a smaller value counts as 1',
    schema: { type: 'integer', default: 1 },
  },
  ScimCount: {
    name: 'count',
    in: 'query',
    description: `Resources per page; a value above ${PAGE_SIZE.max} counts as ${PAGE_SIZE.max}, a negative value as 0`,
    schema: { type: 'integer', default: PAGE_SIZE.default },
  },
  ScimCursor: {
    name: 'cursor',
    in: 'query',
    description:
      '`nextCursor` of the previous page, or empty for the first page of cursor pagination (RFC 9865)',
    allowEmptyValue: true,
    schema: { type: 'string' },
  },
  ScimAttributes: {
    name: 'attributes',
    in: 'query',
    description: 'Attributes to return',
    style: 'form',
    explode: false,
    schema: ATTRIBUTE_LIST,
  },
  ScimExcludedAttributes: {
    name: 'excludedAttributes',
    in: 'query',
    description: 'Attributes to leave out',
    style: 'form',
    explode: false,
    schema: ATTRIBUTE_LIST,
  },
  ScimIfMatch: {
    name: 'If-Match',
    in: 'header',
    description:
      'Versions that the resource may have, as in its `ETag`; `*` means any version. No resource has the version in the ' +
      'example, so a test request overwrites nothing.',
    schema: { type: 'string' },
    example: 'W/"0"',
  },
  ScimIfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description:
      'Versions that the client already has, or that a write must not change, for example `W/"2"`; `*` means any version',
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
    description: 'Whole seconds, because Okta understands no other form',
    schema: { type: 'integer', minimum: 1 },
  },
};

const ERRORS: Record<string, ErrorAnswer> = {
  400: {
    name: 'ScimInvalid',
    description: 'The request is not valid. Scimify changed nothing. `scimType` tells the kind of error.',
    scimType: 'invalidValue',
    detail: '"userName" is required; send a value for it.',
  },
  401: {
    name: 'ScimUnauthenticated',
    description:
      'The integration is unknown, or the key is missing, wrong, expired, revoked or of another integration.',
    detail:
      'The SCIM key is not valid for this URL; copy the URL and the key from Scimify into the identity provider again.',
    headers: { 'WWW-Authenticate': { required: true, schema: { type: 'string', enum: ['Bearer'] } } },
  },
  403: {
    name: 'ScimForbidden',
    description:
      'An admin disabled the integration, a quota is used up, or a request to a discovery endpoint has a filter.',
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
    description: 'Another resource already has this name or external id.',
    scimType: 'uniqueness',
    detail: 'Another user already has this userName.',
  },
  412: {
    name: 'ScimPreconditionFailed',
    description: 'The version of the resource is not in `If-Match`, or it is in `If-None-Match`.',
    detail: 'The resource has changed since it was read; read it again.',
  },
  413: {
    name: 'ScimTooLarge',
    description: 'The body is larger than 1 MiB (groups: 32 MiB), or a bulk request has too many operations.',
    detail: 'The request body is larger than 1048576 bytes; send less at a time.',
  },
  415: {
    name: 'ScimUnsupportedMediaType',
    description: 'The body is not JSON.',
    detail: 'Send the body as application/scim+json or application/json.',
  },
  429: {
    name: 'ScimTooManyRequests',
    description:
      'Too many requests, or Scimify is busy for a moment. Scimify changed nothing, or cannot tell whether a PUT, PATCH or DELETE took effect, which may be repeated. Okta repeats the request automatically.',
    detail: 'Scimify is busy and changed nothing; send the request again.',
    headers: RETRY_AFTER,
  },
  500: {
    name: 'ScimInternalError',
    description: 'A bug in Scimify.',
    detail: 'Scimify failed to handle this request; its log tells more.',
  },
  501: {
    name: 'ScimNotImplemented',
    description: 'Not supported.',
    detail: 'The endpoint /Me is not supported; address the user by its id.',
  },
  503: {
    name: 'ScimUnavailable',
    description: 'The database did not confirm the creation, so the resource may exist.',
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
