import { attribute } from './attribute';

/** RFC 7643 §3: every resource has these attributes. They belong to no schema, so `/Schemas` does not list them. */

/** Before the attributes of the core schema, in canonical order. */
export const LEADING_ATTRIBUTES = [
  attribute('schemas', 'URNs of the schemas that the resource uses.', {
    type: 'reference',
    referenceTypes: ['uri'],
    multiValued: true,
    required: true,
    caseExact: true,
    returned: 'always',
  }),
  attribute('id', 'Identifier issued by the service provider.', {
    caseExact: true,
    mutability: 'readOnly',
    returned: 'always',
    uniqueness: 'server',
  }),
  attribute('externalId', 'Identifier issued by the client.', {
    caseExact: true,
    maxLength: 256,
    blankIsUnassigned: true,
  }),
] as const;

/** After all other attributes. */
export const TRAILING_ATTRIBUTES = [
  attribute('meta', 'Metadata kept by the service provider.', {
    type: 'complex',
    mutability: 'readOnly',
    subAttributes: [
      attribute('resourceType', 'Name of the resource type.', { caseExact: true, mutability: 'readOnly' }),
      attribute('created', 'When the resource was created.', { type: 'dateTime', mutability: 'readOnly' }),
      attribute('lastModified', 'When the resource last changed.', {
        type: 'dateTime',
        mutability: 'readOnly',
      }),
      attribute('location', 'URI of the resource.', {
        type: 'reference',
        referenceTypes: ['uri'],
        caseExact: true,
        mutability: 'readOnly',
      }),
      attribute('version', 'Version of the resource, equal to its ETag.', {
        caseExact: true,
        mutability: 'readOnly',
      }),
    ],
  }),
] as const;
