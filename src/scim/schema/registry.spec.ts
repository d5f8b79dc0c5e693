import type { Attribute } from './attribute';
import { parseAttributePath } from './attribute-path';
import {
  describeResourceType,
  describeSchema,
  GROUP,
  RESOURCE_TYPES,
  SCHEMAS,
  USER,
  type ResourceType,
} from './registry';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
const BASE = 'https://scim.example/scim/v2/i';

describe('an attribute path', () => {
  it.each([
    ['User', 'userName', 'userName'],
    ['User', 'USERNAME', 'userName'],
    ['User', 'name.FAMILYNAME', 'name.familyName'],
    ['User', 'externalId', 'externalId'],
    ['User', 'meta.location', 'meta.location'],
    ['User', `${CORE}:name.familyName`, 'name.familyName'],
    ['User', `${CORE.toUpperCase()}:id`, 'id'],
    ['User', ENTERPRISE, ENTERPRISE],
    ['User', `${ENTERPRISE}:manager.value`, `${ENTERPRISE}:manager.value`],
    [
      'User',
      `urn:ietf:params:scim:schemas:extension:enterprise:2.0User:department`,
      `${ENTERPRISE}:department`,
    ],
    ['User', 'urn:scim:schemas:core:2.0:userName', 'userName'],
    ['Group', 'members.$ref', 'members.$ref'],
  ])('of a %s is found: %s', (type, text, path) => {
    expect(resolve(type, text)).toBe(path);
  });

  it.each([
    ['User', 'shoeSize', 'unknown-attribute'],
    ['User', 'name.nonsense', 'unknown-attribute'],
    ['User', 'userName.value', 'unknown-attribute'],
    ['User', 'department', 'unknown-attribute'],
    ['User', `${ENTERPRISE}:userName`, 'unknown-attribute'],
    ['User', 'urn:ietf:params:scim:schemas:core:2.0:Group:members', 'unknown-attribute'],
    ['Group', `${ENTERPRISE}:department`, 'unknown-attribute'],
    ['User', 'urn:example:2.0:Car:wheels', 'unknown-schema'],
    ['User', CORE, 'resource'],
  ])('of a %s is not: %s', (type, text, kind) => {
    expect(resolve(type, text)).toBe(kind);
  });

  it.each(['', 'a.b.c', '.a', 'a.', '1a', 'a b', 'urn:', 'urn:x', 'a:b', 'urn:ietf:2.0'])(
    '%j is none',
    (text) => {
      expect(parseAttributePath(text)).toBeNull();
    },
  );
});

describe('discovery', () => {
  it('shows three schemas and two types, no common attribute and none of our own characteristics', () => {
    expect(SCHEMAS.map((schema) => schema.name)).toEqual(['User', 'EnterpriseUser', 'Group']);
    for (const schema of SCHEMAS) {
      const described = describeSchema(schema, BASE);
      expect(described).toMatchObject({
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
        id: schema.id,
        meta: { resourceType: 'Schema', location: `${BASE}/Schemas/${schema.id}` },
      });
      const text = JSON.stringify(described);
      expect(text).not.toContain('maxLength');
      expect(text).not.toContain('null');
      const names = schema.attributes.map((attribute) => attribute.name);
      expect(names).not.toEqual(expect.arrayContaining(['id']));
    }
  });

  it('shows each characteristic of RFC 7643 §7 that the type of an attribute has', () => {
    const [userName, name] = describeSchema(SCHEMAS[0]!, BASE).attributes as [
      object,
      { subAttributes: object[] },
    ];
    expect(userName).toEqual({
      name: 'userName',
      type: 'string',
      multiValued: false,
      description: expect.any(String) as string,
      required: true,
      caseExact: false,
      mutability: 'readWrite',
      returned: 'default',
      uniqueness: 'server',
    });
    expect(name.subAttributes).toHaveLength(6);
    const [, members] = describeSchema(SCHEMAS[2]!, BASE).attributes as [object, { subAttributes: object[] }];
    expect(members.subAttributes[1]).toMatchObject({
      name: '$ref',
      type: 'reference',
      referenceTypes: ['User'],
    });
    expect(members.subAttributes[2]).toMatchObject({ name: 'type', canonicalValues: ['User'] });
  });

  it('shows the password as write-only and never returned', () => {
    const attributes = describeSchema(USER.schema, BASE).attributes as { name: string }[];
    expect(attributes.find(({ name }) => name === 'password')).toMatchObject({
      mutability: 'writeOnly',
      returned: 'never',
    });
  });

  it('shows where the resources are', () => {
    expect(RESOURCE_TYPES.map((type) => describeResourceType(type, BASE))).toMatchObject([
      {
        id: 'User',
        endpoint: '/Users',
        schema: CORE,
        schemaExtensions: [{ schema: ENTERPRISE, required: false }],
      },
      {
        id: 'Group',
        endpoint: '/Groups',
        schemaExtensions: [],
        meta: { location: `${BASE}/ResourceTypes/Group` },
      },
    ]);
  });
});

const TYPES: Record<string, ResourceType> = { User: USER, Group: GROUP };

/** The canonical path of the found attribute, or the kind of failure. */
function resolve(type: string, text: string): string {
  const resolution = TYPES[type]!.resolve(parseAttributePath(text)!);
  return resolution.kind === 'attribute' ? (resolution.steps.at(-1) as Attribute).path : resolution.kind;
}
