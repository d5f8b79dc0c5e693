import type { ScimClient } from '../../support/scim-client';
import { PUBLIC_URL, type TestIntegration } from '../../support/scimify';
import { expectList, expectScimError, type Resource } from '../support/expectations';
import { serverOfThisFile } from '../support/server';
import { CORE_GROUP, CORE_USER, ENTERPRISE } from '../support/urns';

const CONFIG = 'urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig';
const RESOURCE_TYPE = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType';
const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Schema';

/**
 * RFC 7643 §8.7.1, without what the RFC leaves open. Each line is an attribute and what differs from the default.
 */
const DECLARED: [schema: string, path: string, characteristics: Resource][] = [
  [CORE_USER, 'userName', { required: true, uniqueness: 'server' }],
  [CORE_USER, 'name', { type: 'complex' }],
  ...['formatted', 'familyName', 'givenName', 'middleName', 'honorificPrefix', 'honorificSuffix'].map(
    (sub): [string, string, Resource] => [CORE_USER, `name.${sub}`, {}],
  ),
  ...['displayName', 'nickName', 'title', 'userType', 'preferredLanguage', 'locale', 'timezone'].map(
    (name): [string, string, Resource] => [CORE_USER, name, {}],
  ),
  [CORE_USER, 'profileUrl', { type: 'reference', referenceTypes: ['external'] }],
  [CORE_USER, 'active', { type: 'boolean', required: true }],
  [CORE_USER, 'password', { mutability: 'writeOnly', returned: 'never' }],
  ...['emails', 'phoneNumbers', 'ims', 'photos', 'entitlements', 'roles', 'x509Certificates'].flatMap(
    (name): [string, string, Resource][] => [
      [CORE_USER, name, { type: 'complex', multiValued: true }],
      [CORE_USER, `${name}.display`, {}],
      [CORE_USER, `${name}.type`, {}],
      [CORE_USER, `${name}.primary`, { type: 'boolean' }],
    ],
  ),
  [CORE_USER, 'emails.value', {}],
  [CORE_USER, 'photos.value', { type: 'reference', referenceTypes: ['external'] }],
  [CORE_USER, 'x509Certificates.value', { type: 'binary' }],
  [CORE_USER, 'addresses', { type: 'complex', multiValued: true }],
  ...['formatted', 'streetAddress', 'locality', 'region', 'postalCode', 'country', 'type'].map(
    (sub): [string, string, Resource] => [CORE_USER, `addresses.${sub}`, {}],
  ),
  [CORE_USER, 'groups', { type: 'complex', multiValued: true, mutability: 'readOnly' }],
  [CORE_USER, 'groups.value', { mutability: 'readOnly' }],
  [CORE_USER, 'groups.$ref', { type: 'reference', mutability: 'readOnly' }],
  [CORE_USER, 'groups.display', { mutability: 'readOnly' }],
  [CORE_USER, 'groups.type', { mutability: 'readOnly' }],
  ...['employeeNumber', 'costCenter', 'organization', 'division', 'department'].map(
    (name): [string, string, Resource] => [ENTERPRISE, name, {}],
  ),
  [ENTERPRISE, 'manager', { type: 'complex' }],
  [ENTERPRISE, 'manager.value', {}],
  [ENTERPRISE, 'manager.$ref', { type: 'reference', referenceTypes: ['User'] }],
  [ENTERPRISE, 'manager.displayName', { mutability: 'readOnly' }],
  [CORE_GROUP, 'displayName', { required: true, uniqueness: 'server' }],
  [CORE_GROUP, 'members', { type: 'complex', multiValued: true }],
  [CORE_GROUP, 'members.value', { mutability: 'immutable' }],
  [CORE_GROUP, 'members.$ref', { type: 'reference', mutability: 'immutable', referenceTypes: ['User'] }],
  [CORE_GROUP, 'members.type', { mutability: 'immutable', canonicalValues: ['User'] }],
];
const DEFAULTS = { type: 'string', multiValued: false, mutability: 'readWrite', returned: 'default' };

describe('RFC 7644 §4, discovery', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;
  let scim: ScimClient;
  let base: string;

  beforeAll(async () => {
    integration = await server.freshIntegration();
    ({ scim } = integration);
    base = `${PUBLIC_URL}/scim/v2/${integration.id}`;
  });

  const paths = [
    '/ServiceProviderConfig',
    '/ResourceTypes',
    '/ResourceTypes/User',
    '/Schemas',
    `/Schemas/${CORE_USER}`,
  ];

  it.each(paths)('%s is 200, has no nulls, and heeds no paging or sorting', async (path) => {
    const plain = await scim.get(path);
    expect(plain.status).toBe(200);
    expect(plain.headers.get('content-type')).toMatch(/^application\/scim\+json/);
    expect(JSON.stringify(plain.body)).not.toContain('null');
    const paged = await scim.get(
      `${path}?startIndex=2&count=1&sortBy=id&sortOrder=descending&cursor=&attributes=id`,
    );
    expect(paged.body).toEqual(plain.body);
  });

  it.each(paths)('%s refuses a filter with 403: it would not be heeded', async (path) => {
    expectScimError(await scim.get(`${path}?filter=id%20pr`), 403);
    expect((await scim.get(`${path}?filter=`)).status).toBe(200);
  });

  describe('ServiceProviderConfig (RFC 7643 §5)', () => {
    it('has every required attribute and tells the truth', async () => {
      const { body } = await scim.get('/ServiceProviderConfig');
      expect(body).toMatchObject({
        schemas: [CONFIG],
        patch: { supported: true },
        bulk: { supported: true, maxOperations: 1000, maxPayloadSize: expect.any(Number) },
        filter: { supported: true, maxResults: 200 },
        changePassword: { supported: false },
        sort: { supported: true },
        etag: { supported: true },
        meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
      });
      expect(body).not.toHaveProperty('id');
      for (const scheme of body.authenticationSchemes as Resource[]) {
        expect(scheme).toMatchObject({
          type: expect.stringMatching(/^(oauth|oauth2|oauthbearertoken|httpbasic|httpdigest)$/),
          name: expect.any(String),
          description: expect.any(String),
        });
      }
      expect(body.authenticationSchemes.length).toBeGreaterThan(0);
      expect(
        body.authenticationSchemes.filter(({ primary }: Resource) => primary === true).length,
      ).toBeLessThan(2);
    });

    it('announces cursors (RFC 9865 §5)', async () => {
      const { body } = await scim.get('/ServiceProviderConfig');
      expect(body.pagination).toMatchObject({
        cursor: true,
        index: true,
        defaultPaginationMethod: 'index',
        defaultPageSize: 100,
        maxPageSize: 200,
      });
    });
  });

  describe('ResourceTypes (RFC 7643 §6)', () => {
    it('are a list of User and Group, each to be had alone', async () => {
      const types = expectList(await scim.get('/ResourceTypes'), 2);
      expect(types.map(({ id }) => id as string).sort()).toEqual(['Group', 'User']);
      for (const type of types) {
        expect((await scim.get(`/ResourceTypes/${type.id}`)).body).toEqual(type);
        expect(type).toMatchObject({
          schemas: [RESOURCE_TYPE],
          name: type.id,
          endpoint: `/${type.id}s`,
          schema: `urn:ietf:params:scim:schemas:core:2.0:${type.id}`,
          meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${type.id}` },
        });
        expect((await scim.get(`${type.endpoint}?count=0`)).status).toBe(200);
      }
      const [userType] = types.filter(({ id }) => id === 'User');
      expect(userType!.schemaExtensions).toEqual([{ schema: ENTERPRISE, required: false }]);
    });

    it('name schemas that there are', async () => {
      for (const type of expectList(await scim.get('/ResourceTypes'))) {
        const urns = [
          type.schema,
          ...((type.schemaExtensions ?? []) as Resource[]).map(({ schema }) => schema as string),
        ];
        for (const urn of urns as string[]) expect((await scim.get(`/Schemas/${urn}`)).status).toBe(200);
      }
    });

    it('that are none are 404', async () => {
      for (const name of ['Device', 'Users', 'constructor', '__proto__']) {
        expectScimError(await scim.get(`/ResourceTypes/${name}`), 404);
      }
    });
  });

  describe('Schemas (RFC 7643 §7)', () => {
    it('are the three that are supported, each to be had alone, and no messages', async () => {
      const schemas = expectList(await scim.get('/Schemas'), 3);
      expect(schemas.map(({ id }) => id as string).sort()).toEqual(
        [CORE_GROUP, CORE_USER, ENTERPRISE].sort(),
      );
      for (const schema of schemas) {
        expect((await scim.get(`/Schemas/${schema.id}`)).body).toEqual(schema);
        expect(schema).toMatchObject({
          name: expect.any(String),
          description: expect.any(String),
          meta: { resourceType: 'Schema', location: `${base}/Schemas/${schema.id}` },
        });
        if (schema.schemas !== undefined) expect(schema.schemas).toEqual([SCHEMA]);
      }
    });

    it('declare every characteristic of every attribute', async () => {
      const check = (attribute: Resource): void => {
        expect(attribute).toMatchObject({
          name: expect.stringMatching(/^[A-Za-z$][\w$-]*$/),
          type: expect.stringMatching(/^(string|boolean|decimal|integer|dateTime|reference|binary|complex)$/),
          multiValued: expect.any(Boolean),
          description: expect.stringMatching(/./),
          required: expect.any(Boolean),
          mutability: expect.stringMatching(/^(readOnly|readWrite|immutable|writeOnly)$/),
          returned: expect.stringMatching(/^(always|never|default|request)$/),
        });
        if (attribute.type === 'string') expect(attribute.caseExact).toEqual(expect.any(Boolean));
        if (attribute.type === 'reference') expect(attribute.referenceTypes.length).toBeGreaterThan(0);
        if (attribute.uniqueness !== undefined)
          expect(attribute.uniqueness).toMatch(/^(none|server|global)$/);
        if (attribute.type === 'complex') expect(attribute.subAttributes.length).toBeGreaterThan(0);
        for (const sub of (attribute.subAttributes ?? []) as Resource[]) {
          expect(sub.type).not.toBe('complex');
          check(sub);
        }
      };
      for (const schema of expectList(await scim.get('/Schemas'))) {
        for (const attribute of schema.attributes as Resource[]) check(attribute);
      }
    });

    it.each(DECLARED)('%s declares %s as the RFC prints it', async (urn, path, characteristics) => {
      const { body } = await scim.get(`/Schemas/${urn}`);
      let attributes = body.attributes as Resource[];
      let found: Resource | undefined;
      for (const name of path.split('.')) {
        found = attributes.find((attribute) => attribute.name === name);
        attributes = (found?.subAttributes ?? []) as Resource[];
      }
      expect(found).toMatchObject({ ...DEFAULTS, ...characteristics });
    });

    it('do not declare what is common to all resources, or what is no attribute of ours', async () => {
      const { body } = await scim.get(`/Schemas/${CORE_USER}`);
      const names = body.attributes.map(({ name }: Resource) => name);
      const declared = DECLARED.filter(([urn, path]) => urn === CORE_USER && !path.includes('.')).map(
        ([, path]) => path,
      );
      expect([...names].sort()).toEqual([...new Set(declared)].sort());
    });

    it('that are none are 404', async () => {
      for (const urn of [
        'urn:example:x',
        'x',
        'urn:ietf:params:scim:api:messages:2.0:PatchOp',
        'constructor',
      ]) {
        expectScimError(await scim.get(`/Schemas/${urn}`), 404);
      }
    });
  });
});
