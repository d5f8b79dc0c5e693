import { openApiDocument, openApiOperations } from '../support/open-api';
import { Scimify, type TestIntegration } from '../support/scimify';

const NO_TIMES = Object.entries({
  'a date alone': ['2020-01-01'],
  'a time without a zone': ['2020-01-01T10:00:00', '2020-01-01T10:00', '2020-01-01T10'],
  'another notation of ISO 8601': ['20200101', '20301231', '2020-W01', '2020-001', '20200101T100000Z'],
  'a time without seconds': ['2020-01-01T10:00Z'],
  'a day that there is not': ['2023-02-29T00:00:00Z', '2020-13-01T00:00:00Z'],
  'an hour that there is not': ['2020-01-01T24:00:00Z', '2020-01-01T10:60:00Z', '2020-01-01T10:00:00+24:00'],
  'a year that there is not in UTC': ['9999-12-31T23:59:59-23:59', '0000-01-01T00:00:00+00:01'],
  'what is none': ['', 'yesterday', '0', '1577836800000'],
}).flatMap(([kind, times]) => times.map((time) => [kind, time] as const));

const DOCUMENT = openApiDocument();
const OPERATIONS = openApiOperations(DOCUMENT).filter(({ path }) => path.startsWith('/api/v1/'));

describe('what the admin API takes for a time and for a text', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key', enable: false });
  });

  afterAll(() => scimify.stop());

  /** With well-formed ids: the resources need not exist. */
  const standing = (path: string) =>
    path
      .replace('/api/v1', '')
      .replace('{tenantId}', integration.tenantId)
      .replaceAll(/\{\w+\}/g, integration.id);

  it.each(NO_TIMES)('takes %s for no time: %s', async (_, time) => {
    const lists = [`/tenants/${integration.tenantId}/audit-events`, '/audit-events'];
    for (const path of lists.flatMap((list) => [list, `${list}/export`])) {
      for (const field of ['since', 'until']) {
        const { status, body } = await scimify.admin.get(`${path}?${field}=${encodeURIComponent(time)}`);
        expect({ path, status, errors: body.errors }).toMatchObject({ status: 400, errors: [{ field }] });
      }
    }
    const key = { name: 'Okta', expiresAt: time };
    for (const path of [`/integrations/${integration.id}/scim-keys`, '/admin-keys']) {
      expect(await scimify.admin.post(path, key)).toMatchObject({
        status: 400,
        body: { errors: [{ field: 'expiresAt' }] },
      });
    }
  });

  it.each(['Z', 'z', '+02:00', '-23:59', '.5Z', '.123456Z'])(
    'takes a time that ends in %s for what it says',
    async (end) => {
      const path = `/tenants/${integration.tenantId}/audit-events`;
      const time = encodeURIComponent(`2999-12-31T10:00:00${end}`);
      expect((await scimify.admin.get(`${path}?since=${time}`)).body.items).toEqual([]);
      expect((await scimify.admin.get(`${path}?until=${time}`)).body.items).not.toEqual([]);
      const expiresAt = `2999-12-31T10:00:00${end}`;
      const made = await scimify.admin.post('/admin-keys', { name: 'Okta', expiresAt });
      expect(made.body.expiresAt).toBe(new Date(expiresAt.toUpperCase()).toISOString());
    },
  );

  const queries = OPERATIONS.flatMap(({ method, path, operation }) =>
    ((operation.parameters ?? []) as any[])
      .filter(({ in: place, schema }) => place === 'query' && schema.type === 'string')
      .map(({ name }) => [method.toUpperCase(), path, name as string] as const),
  );

  it.each(queries)('refuses U+0000 in the query: %s %s?%s=', async (method, path, field) => {
    for (const value of ['%00', 'a%00', '%00a', `a&${field}=%00`]) {
      const answer = await scimify.admin.send(method, `${standing(path)}?${field}=${value}`);
      expect({ value, status: answer.status }).toEqual({ value, status: 400 });
      expect(answer.body.errors[0].field.split('.')[0]).toBe(field);
    }
  });

  it('refuses half of a surrogate pair in a name', async () => {
    const answer = await scimify.admin.post('/tenants', '{"name":"a\\ud83d"}');
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toMatchObject([{ field: 'name' }]);
  });

  const characters = (count: number) => '⚠️'.repeat(count / 2);
  const bodies = OPERATIONS.flatMap(({ method, path, operation }) => {
    const { $ref = '' } = operation.requestBody?.content['application/json'].schema ?? {};
    const { properties = {} } = DOCUMENT.components.schemas[$ref.split('/').at(-1)] ?? {};
    return (
      Object.entries(properties as Record<string, any>)
        // A secret cannot contain such characters.
        .filter(([, { maxLength, writeOnly }]) => maxLength !== undefined && !writeOnly)
        .map(([field, { maxLength }]) => [method.toUpperCase(), path, field, maxLength as number] as const)
    );
  });

  it.each(bodies)(
    'counts the characters as the database does: %s %s, %s',
    async (method, path, field, most) => {
      const errorsWith = async (length: number): Promise<string[]> => {
        const { status, body } = await scimify.admin.send(method, standing(path), {
          [field]: characters(length),
        });
        expect(status).toBeLessThan(500);
        return (body.errors ?? []).map((error: { field: string }) => error.field);
      };
      expect(await errorsWith(most)).not.toContain(field);
      expect(await errorsWith(most + 2)).toContain(field);
      expect(await errorsWith(most * 2)).toContain(field);
    },
  );

  it('keeps a name that is as long as it may be', async () => {
    for (const name of [characters(200), '👩🏽‍🚒'.repeat(50), '字'.repeat(200)]) {
      const tenant = await scimify.admin.post('/tenants', { name });
      expect(tenant).toMatchObject({ status: 201, body: { name } });
      expect((await scimify.admin.get(`/tenants/${tenant.body.id}`)).body.name).toBe(name);
    }
  });
});
