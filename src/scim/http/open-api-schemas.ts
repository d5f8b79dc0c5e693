import { type Schema, type SchemaObject, schemaRef } from '../../open-api/types';
import { FILTER_LIMITS } from '../filter/parser';
import { BULK_LIMITS } from '../messages/bulk';
import { PAGE_SIZE } from '../messages/search-request';
import { SCIM_TYPES } from '../messages/scim-error';
import { MESSAGE_URNS } from '../messages/urns';
import type { Attribute } from '../schema/attribute';
import { GROUP, type ResourceType, USER } from '../schema/registry';
import { EXAMPLE_BASE, GROUP_ID, RETURNED, USER_ID } from './open-api-examples';

/** In a request or in a response. */
type Use = 'sent' | 'returned';

/** All SCIM bodies. Resources are derived from the schemas that `/Schemas` publishes. */
export function scimSchemas(): Record<string, SchemaObject> {
  return {
    ScimUser: returnedResource(USER),
    ScimUserInput: sentResource(USER),
    ScimGroup: returnedResource(GROUP),
    ScimGroupInput: sentResource(GROUP),
    ScimUserList: listOf(schemaRef('ScimUser')),
    ScimGroupList: listOf(schemaRef('ScimGroup')),
    ScimResourceList: listOf({ anyOf: [schemaRef('ScimUser'), schemaRef('ScimGroup')] }),
    ScimSchemaList: listOf(schemaRef('ScimSchema')),
    ScimResourceTypeList: listOf(schemaRef('ScimResourceType')),
    ...MESSAGES,
    ...DISCOVERY,
  };
}

/** `attributes` and `excludedAttributes` can leave out every attribute that is not `returned: always`. */
function returnedResource(type: ResourceType): SchemaObject {
  const attributes = type.root.subAttributes.filter(({ returned }) => returned !== 'never');
  return {
    type: 'object',
    description: `A ${type.name} in a response. Attributes without a value are left out.`,
    required: ['schemas', 'id'],
    properties: propertiesOf(attributes, 'returned'),
    examples: [RETURNED[type.name]],
  };
}

/** Names are case-insensitive, and unknown attributes are ignored (RFC 7643 §2.1, RFC 7644 §3.3). */
function sentResource(type: ResourceType): SchemaObject {
  const attributes = type.root.subAttributes.filter(({ mutability }) => mutability !== 'readOnly');
  return {
    type: 'object',
    description: `A ${type.name} in a request. Unknown and read-only attributes are ignored.`,
    // `schemas` is optional: the endpoint tells the type. Attributes with a default are optional too.
    required: type.schema.attributes
      .filter(({ required, defaultValue }) => required && defaultValue === undefined)
      .map(({ name }) => name),
    properties: propertiesOf(attributes, 'sent'),
    additionalProperties: true,
  };
}

function propertiesOf(attributes: readonly Attribute[], use: Use): Record<string, Schema> {
  return Object.fromEntries(attributes.map((attribute) => [attribute.name, schemaOf(attribute, use)]));
}

function schemaOf(attribute: Attribute, use: Use): SchemaObject {
  const { description, multiValued } = attribute;
  const one: SchemaObject =
    attribute.type === 'complex' ? complexSchema(attribute, use) : simpleSchema(attribute, use);
  return multiValued ? { type: 'array', description, items: one } : { ...one, description };
}

function complexSchema({ subAttributes }: Attribute, use: Use): SchemaObject {
  const used =
    use === 'returned' ? subAttributes : subAttributes.filter((sub) => sub.mutability !== 'readOnly');
  const required = use === 'returned' ? [] : used.filter((sub) => sub.required).map(({ name }) => name);
  return {
    type: 'object',
    ...(required.length > 0 ? { required } : {}),
    properties: propertiesOf(used, use),
    ...(use === 'sent' ? { additionalProperties: true } : {}),
  };
}

function simpleSchema(attribute: Attribute, use: Use): SchemaObject {
  const { type, canonicalValues, maxLength } = attribute;
  switch (type) {
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return { type: 'integer' };
    case 'decimal':
      return { type: 'number' };
    case 'dateTime':
      return { type: 'string', format: 'date-time' };
    case 'string':
    case 'reference':
    case 'binary':
    case 'complex':
      return {
        type: 'string',
        ...(use === 'sent' ? { maxLength } : {}),
        // Canonical values are suggestions (RFC 7643 §7).
        ...(canonicalValues.length > 0 ? { examples: [...canonicalValues] } : {}),
      };
  }
}

function listOf(resource: Schema): SchemaObject {
  return {
    type: 'object',
    description: 'A ListResponse (RFC 7644 §3.4.2, RFC 9865 §2).',
    required: ['schemas', 'itemsPerPage', 'Resources'],
    properties: {
      schemas: message('listResponse'),
      totalResults: { type: 'integer', minimum: 0, description: 'Number of resources on all pages' },
      startIndex: { type: 'integer', minimum: 1, description: 'Only with index pagination' },
      itemsPerPage: {
        type: 'integer',
        minimum: 0,
        maximum: PAGE_SIZE.max,
        description: 'Number of resources on this page',
      },
      nextCursor: {
        type: 'string',
        description: 'Only with cursor pagination; absent on the last page',
      },
      previousCursor: { type: 'string' },
      Resources: { type: 'array', items: resource },
    },
  };
}

function message(name: keyof typeof MESSAGE_URNS): SchemaObject {
  return urns(MESSAGE_URNS[name]);
}

function urns(urn: string): SchemaObject {
  return { type: 'array', minItems: 1, maxItems: 1, items: { type: 'string', enum: [urn] } };
}

const CORE = 'urn:ietf:params:scim:schemas:core:2.0';
const ANY: SchemaObject = { description: 'Any JSON value' };

const MESSAGES: Record<string, SchemaObject> = {
  ScimPatch: {
    type: 'object',
    description: 'A PatchOp (RFC 7644 §3.5.2). If one operation fails, none is applied.',
    required: ['Operations'],
    properties: {
      schemas: message('patchOp'),
      Operations: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          required: ['op'],
          properties: {
            op: { type: 'string', enum: ['add', 'replace', 'remove'], description: 'In upper or lower case' },
            path: {
              type: 'string',
              description: 'Without a path, each key of `value` is a path',
              examples: [`members[value eq "${USER_ID}"]`],
            },
            value: ANY,
          },
        },
      },
    },
  },
  ScimSearchRequest: {
    type: 'object',
    description: 'A SearchRequest (RFC 7644 §3.4.3): the parameters of a list, in a body.',
    properties: {
      schemas: message('searchRequest'),
      filter: {
        type: 'string',
        maxLength: FILTER_LIMITS.length,
        examples: ['userName eq "ada@example.com"'],
      },
      attributes: { type: 'array', items: { type: 'string' }, examples: [['userName', 'emails.value']] },
      excludedAttributes: { type: 'array', items: { type: 'string' }, examples: [['groups']] },
      sortBy: {
        type: 'string',
        description: 'Only at `/Users` and `/Groups`',
        examples: ['userName'],
      },
      sortOrder: { type: 'string', enum: ['ascending', 'descending'], default: 'ascending' },
      startIndex: { type: 'integer', default: 1 },
      count: {
        type: 'integer',
        default: PAGE_SIZE.default,
        description: `At most ${PAGE_SIZE.max}; a larger value counts as ${PAGE_SIZE.max}`,
      },
      cursor: { type: 'string', description: 'Empty for the first page of cursor pagination (RFC 9865)' },
    },
  },
  ScimBulkRequest: {
    type: 'object',
    description: 'A BulkRequest (RFC 7644 §3.7). Each operation is a separate transaction.',
    required: ['Operations'],
    properties: {
      schemas: message('bulkRequest'),
      failOnErrors: {
        type: 'integer',
        minimum: 1,
        description: 'The request stops after this many failed operations',
      },
      Operations: {
        type: 'array',
        minItems: 1,
        maxItems: BULK_LIMITS.maxOperations,
        items: {
          type: 'object',
          required: ['method', 'path'],
          properties: {
            method: { type: 'string', enum: ['POST', 'PUT', 'PATCH', 'DELETE'] },
            path: { type: 'string', examples: ['/Users', `/Groups/${GROUP_ID}`] },
            bulkId: {
              type: 'string',
              minLength: 1,
              description:
                'Required for POST. Other operations use `bulkId:{bulkId}` for the id of the created resource',
            },
            version: { type: 'string', minLength: 1, description: 'Like `If-Match`' },
            data: ANY,
          },
        },
      },
    },
  },
  ScimBulkResponse: {
    type: 'object',
    description: 'A BulkResponse. It has no entry for operations that did not run because of `failOnErrors`.',
    required: ['schemas', 'Operations'],
    properties: {
      schemas: message('bulkResponse'),
      Operations: {
        type: 'array',
        items: {
          type: 'object',
          required: ['status'],
          properties: {
            method: {
              type: 'string',
              description: 'The method of the operation, in capitals',
              examples: ['POST'],
            },
            bulkId: { type: 'string', description: 'Present if the operation has one' },
            version: { type: 'string', examples: ['W/"1"'] },
            location: { type: 'string', examples: [`${EXAMPLE_BASE}/Users/${USER_ID}`] },
            status: { type: 'string', pattern: '^[1-5][0-9]{2}$', examples: ['201'] },
            response: schemaRef('ScimError'),
          },
        },
      },
    },
  },
  ScimError: {
    type: 'object',
    description: 'An error (RFC 7644 §3.12).',
    required: ['schemas', 'status', 'detail'],
    properties: {
      schemas: message('error'),
      status: { type: 'string', pattern: '^[45][0-9]{2}$', description: 'The HTTP status' },
      scimType: {
        type: 'string',
        enum: [...SCIM_TYPES],
      },
      detail: {
        type: 'string',
        description: 'One sentence for an admin of the IdP: the cause, and what to do',
      },
    },
  },
};

const SUPPORTED: SchemaObject = {
  type: 'object',
  required: ['supported'],
  properties: { supported: { type: 'boolean' } },
};

const discoveryMeta = (resourceType: string): SchemaObject => ({
  type: 'object',
  required: ['resourceType', 'location'],
  properties: {
    resourceType: { type: 'string', enum: [resourceType] },
    location: { type: 'string', format: 'uri' },
  },
});

const DISCOVERY: Record<string, SchemaObject> = {
  ScimServiceProviderConfig: {
    type: 'object',
    description: 'What this service provider can do (RFC 7643 §5, RFC 9865 §3).',
    required: [
      'schemas',
      'patch',
      'bulk',
      'filter',
      'changePassword',
      'sort',
      'etag',
      'pagination',
      'authenticationSchemes',
      'meta',
    ],
    properties: {
      schemas: urns(`${CORE}:ServiceProviderConfig`),
      patch: SUPPORTED,
      bulk: {
        type: 'object',
        required: ['supported', 'maxOperations', 'maxPayloadSize'],
        properties: {
          supported: { type: 'boolean' },
          maxOperations: { type: 'integer', examples: [BULK_LIMITS.maxOperations] },
          maxPayloadSize: { type: 'integer', examples: [BULK_LIMITS.maxPayloadSize] },
        },
      },
      filter: {
        type: 'object',
        required: ['supported', 'maxResults'],
        properties: {
          supported: { type: 'boolean' },
          maxResults: { type: 'integer', examples: [PAGE_SIZE.max] },
        },
      },
      changePassword: SUPPORTED,
      sort: SUPPORTED,
      etag: SUPPORTED,
      pagination: {
        type: 'object',
        required: ['cursor', 'index', 'defaultPaginationMethod', 'defaultPageSize', 'maxPageSize'],
        properties: {
          cursor: { type: 'boolean' },
          index: { type: 'boolean' },
          defaultPaginationMethod: { type: 'string', enum: ['index'] },
          defaultPageSize: { type: 'integer', examples: [PAGE_SIZE.default] },
          maxPageSize: { type: 'integer', examples: [PAGE_SIZE.max] },
        },
      },
      authenticationSchemes: {
        type: 'array',
        items: {
          type: 'object',
          required: ['type', 'name', 'description', 'specUri', 'primary'],
          properties: {
            type: { type: 'string', enum: ['oauthbearertoken'] },
            name: { type: 'string', examples: ['SCIM key'] },
            description: { type: 'string', examples: ['The SCIM key of this integration as a bearer token'] },
            specUri: { type: 'string', format: 'uri' },
            primary: { type: 'boolean' },
          },
        },
      },
      meta: discoveryMeta('ServiceProviderConfig'),
    },
  },
  ScimResourceType: {
    type: 'object',
    description: 'A kind of resource (RFC 7643 §6).',
    required: ['schemas', 'id', 'name', 'endpoint', 'description', 'schema', 'schemaExtensions', 'meta'],
    properties: {
      schemas: urns(`${CORE}:ResourceType`),
      id: { type: 'string', enum: ['User', 'Group'] },
      name: { type: 'string', enum: ['User', 'Group'] },
      endpoint: { type: 'string', enum: ['/Users', '/Groups'] },
      description: { type: 'string', examples: ['User Account'] },
      schema: { type: 'string', examples: [USER.schema.id] },
      schemaExtensions: {
        type: 'array',
        items: {
          type: 'object',
          required: ['schema', 'required'],
          properties: {
            schema: { type: 'string', examples: [USER.extensionSchemas[0]!.id] },
            required: { type: 'boolean' },
          },
        },
      },
      meta: discoveryMeta('ResourceType'),
    },
  },
  ScimSchema: {
    type: 'object',
    description: 'A schema with its attributes (RFC 7643 §7).',
    required: ['schemas', 'id', 'name', 'description', 'attributes', 'meta'],
    properties: {
      schemas: urns(`${CORE}:Schema`),
      id: { type: 'string', examples: [USER.schema.id] },
      name: { type: 'string', examples: ['User'] },
      description: { type: 'string', examples: ['User Account'] },
      attributes: { type: 'array', items: schemaRef('ScimAttribute') },
      meta: discoveryMeta('Schema'),
    },
  },
  ScimAttribute: {
    type: 'object',
    required: ['name', 'type', 'multiValued', 'description', 'required', 'mutability', 'returned'],
    properties: {
      name: { type: 'string', examples: ['userName'] },
      type: {
        type: 'string',
        enum: ['string', 'boolean', 'decimal', 'integer', 'dateTime', 'reference', 'binary', 'complex'],
      },
      multiValued: { type: 'boolean' },
      description: { type: 'string', examples: ['The name of the user, suitable for display.'] },
      required: { type: 'boolean' },
      caseExact: { type: 'boolean' },
      canonicalValues: { type: 'array', items: { type: 'string' }, examples: [['work', 'home', 'other']] },
      mutability: { type: 'string', enum: ['readOnly', 'readWrite', 'immutable', 'writeOnly'] },
      returned: { type: 'string', enum: ['always', 'never', 'default', 'request'] },
      uniqueness: { type: 'string', enum: ['none', 'server', 'global'] },
      referenceTypes: { type: 'array', items: { type: 'string' }, examples: [['external']] },
      subAttributes: { type: 'array', items: schemaRef('ScimAttribute') },
    },
  },
};
