import { sendExactly } from '../scim/support/exact-request';
import { HttpClient } from '../support/http';
import { Scimify, type TestIntegration } from '../support/scimify';

const NOBODY = '00000000-0000-7000-8000-000000000000';

describe('the admin API', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ enable: false });
  });

  afterAll(() => scimify.stop());

  const create = (body: object) => scimify.admin.post(`/tenants/${integration.tenantId}/integrations`, body);
  const valid = {
    provider: 'pagerduty',
    name: 'PagerDuty',
    settings: { authMethod: 'oauth', clientId: 'id', accountSubdomain: 'acme', accountRegion: 'us' },
    secret: 'a-secret',
  };

  it.each([
    ['no key', {}],
    ['a wrong key', { Authorization: 'Bearer scimify_admin_wrong' }],
    ['a key in another scheme', { Authorization: 'Basic c2NpbWlmeQ==' }],
    ['a bare key', { Authorization: 'test-admin-key-0123456789-0123456789' }],
  ])('answers 401 problem details to %s', async (_, headers) => {
    const answer = await new HttpClient(`${scimify.url}/api/v1`, headers as Record<string, string>).get(
      '/tenants',
    );
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({
      status: 401,
      code: 'unauthenticated',
      requestId: expect.any(String),
    });
  });

  it('does not take a key from the query, nor a SCIM key', async () => {
    const anonymous = new HttpClient(`${scimify.url}/api/v1`, {});
    expect((await anonymous.get('/tenants?access_token=test-admin-key-0123456789-0123456789')).status).toBe(
      401,
    );
    const withScimKey = new HttpClient(`${scimify.url}/api/v1`, {
      Authorization: `Bearer ${integration.scimKey}`,
    });
    expect((await withScimKey.get('/tenants')).status).toBe(401);
  });

  it('names every wrong field of a body', async () => {
    const answer = await create({ provider: 7, name: '', settings: 'none', colour: 'red' });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid_request', title: 'Bad Request' });
    const fields = new Set(answer.body.errors.map(({ field }: { field: string }) => field));
    expect([...fields].sort()).toEqual(['colour', 'name', 'provider', 'secret', 'settings']);
  });

  it.each([
    ['an unknown provider', { ...valid, provider: 'teams' }, ['provider']],
    [
      'settings that the provider does not accept',
      {
        ...valid,
        settings: { authMethod: 'oauth', clientId: '', accountSubdomain: 'acme corp', accountRegion: 'mars' },
      },
      ['settings.accountRegion', 'settings.accountSubdomain', 'settings.clientId'],
    ],
    ['an unknown setting', { ...valid, settings: { ...valid.settings, colour: 'red' } }, ['settings.colour']],
    ['a secret with a line break', { ...valid, secret: 'hush-hush\ndef' }, ['secret']],
    ['an unknown policy', { ...valid, policies: { existingTeams: 'steal' } }, ['policies.existingTeams']],
    ['a list in place of policies', { ...valid, policies: [{ onGroupDelete: 'leave' }] }, ['policies']],
    ['an empty list in place of policies', { ...valid, policies: [] }, ['policies']],
    [
      'a list in place of a guard',
      { ...valid, policies: { guard: [{ teamPercent: 7 }] } },
      ['policies.guard'],
    ],
    ['an empty list in place of a guard', { ...valid, policies: { guard: [] } }, ['policies.guard']],
    ['U+0000 in a name', { ...valid, name: 'a\0b' }, ['name']],
    ['a field that every object has', { ...valid, toString: 'x' }, ['toString']],
    ['a policy that every object has', { ...valid, policies: { constructor: 1 } }, ['policies.constructor']],
  ])('refuses %s and says which field', async (_, body, fields) => {
    const answer = await create(body);
    expect(answer.status).toBe(400);
    expect([...new Set(answer.body.errors.map(({ field }: { field: string }) => field))].sort()).toEqual(
      fields,
    );
    expect(JSON.stringify(answer.body)).not.toContain('hush-hush');
  });

  it.each([
    ['malformed JSON', 'POST', '/tenants', '{"name":', 400],
    ['a JSON key that poisons prototypes', 'POST', '/tenants', '{"name":"a","__proto__":{"x":1}}', 400],
    ['an unknown route', 'GET', '/nothing', undefined, 404],
    ['a tenant that is not there', 'GET', `/tenants/${NOBODY}`, undefined, 404],
    ['an id that is no UUID', 'GET', '/integrations/..%00', undefined, 404],
    ['an integration that is not there', 'POST', `/integrations/${NOBODY}/enable`, undefined, 404],
    ['a SCIM key that is not there', 'DELETE', `/scim-keys/${NOBODY}`, undefined, 404],
    ['a limit of 0', 'GET', '/tenants?limit=0', undefined, 400],
    ['a limit of 201', 'GET', '/tenants?limit=201', undefined, 400],
    ['a cursor of another list', 'GET', '/tenants?cursor=abc', undefined, 400],
    ['an unknown query parameter', 'GET', '/tenants?colour=red', undefined, 400],
    ['a query parameter that every object has', 'GET', '/tenants?hasOwnProperty=x', undefined, 400],
    ['a query parameter that poisons prototypes', 'GET', '/tenants?__proto__=x', undefined, 400],
  ])('answers %s with problem details', async (_, method, path, body, status) => {
    const answer = await scimify.admin.send(method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ status, code: expect.any(String), detail: expect.any(String) });
    expect(JSON.stringify(answer.body)).not.toMatch(/at .*\.js:/);
  });

  it.each([
    ['cannot be decoded', '/api/v1/tenants/%zz', 400],
    ['holds an id of any length', `/api/v1/tenants/${'a'.repeat(400)}`, 401],
    ['leads nowhere', '/nowhere', 404],
  ])('answers an address that %s under the id of the request too', async (_, target, status) => {
    const answer = await sendExactly(scimify.url, { method: 'GET', target });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.body.requestId).toBe(answer.headers.get('x-request-id'));
  });

  it('pages its lists to the end, in the order of creation', async () => {
    const names = ['one', 'two', 'three', 'four', 'five'];
    for (const name of names) await scimify.createTenant(name);
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await scimify.admin.get(`/tenants?limit=2${cursor && `&cursor=${cursor}`}`);
      expect(body.items.length).toBeLessThanOrEqual(2);
      seen.push(...body.items.map(({ name }: { name: string }) => name));
      if (body.nextCursor === null) break;
      cursor = body.nextCursor;
    }
    expect(seen).toEqual(['Acme', ...names]);
  });

  it('never shows a secret again, and a token only once', async () => {
    const created = await create({ ...valid, secret: 'planted-secret-1234' });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ mode: 'paused', connection: { status: 'unknown' }, account: null });
    const shown = await scimify.admin.get(`/integrations/${created.body.id}`);
    expect(JSON.stringify([created.body, shown.body])).not.toContain('planted-secret');
    const key = await scimify.admin.post(`/integrations/${created.body.id}/scim-keys`, { name: 'Okta' });
    expect(key.body.token).toMatch(/^scimify_scim_[\w-]{43}$/);
    const keys = await scimify.admin.get(`/integrations/${created.body.id}/scim-keys`);
    expect(JSON.stringify(keys.body)).not.toContain(key.body.token);
    expect(keys.body.items[0]).toMatchObject({ prefix: key.body.prefix, revokedAt: null });
  });
});
