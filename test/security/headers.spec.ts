import { sendExactly } from '../scim/support/exact-request';
import type { Answer } from '../support/http';
import { Scimify, type TestIntegration } from '../support/scimify';

describe('every answer', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let userId: string;

  beforeAll(async () => {
    scimify = await Scimify.start({ SCIMIFY_API_DOCS: 'true' });
    integration = await scimify.createIntegration({ enable: false });
    userId = await integration.scim.createUser('ann.lee@example.com');
  });

  afterAll(() => scimify.stop());

  const send = (method: string, target: string, headers: Record<string, string> = {}) =>
    sendExactly(scimify.url, { method, target, headers: { Origin: 'https://evil.example', ...headers } });
  const withKey = () => ({ Authorization: `Bearer ${integration.scimKey}` });
  const scimPath = (path: string) => `/scim/v2/${integration.id}${path}`;

  const ANSWERS: [what: string, status: number, send: () => Promise<Answer>][] = [
    ['a SCIM resource', 200, () => send('GET', scimPath(`/Users/${userId}`), withKey())],
    ['a SCIM list', 200, () => send('GET', scimPath('/Users'), withKey())],
    ['a SCIM request without a key', 401, () => send('GET', scimPath('/Users'))],
    ['an unknown SCIM endpoint', 404, () => send('GET', scimPath('/Nothing'), withKey())],
    ['a method that SCIM does not take', 405, () => send('PUT', scimPath('/Users'), withKey())],
    ['an admin request without a key', 401, () => send('GET', '/api/v1/tenants')],
    ['an unknown admin route', 404, () => send('GET', '/api/v1/nothing')],
    ['a body that is no JSON', 400, () => integration.scim.post('/Users', '{')],
    ['the OpenAPI document', 200, () => send('GET', '/api/openapi.json')],
    ['an admin list', 200, () => scimify.admin.get('/tenants')],
    [
      'a deletion',
      204,
      async () => {
        const id = await integration.scim.createUser('bob.may@example.com');
        return integration.scim.delete(`/Users/${id}`);
      },
    ],
  ];

  it.each(ANSWERS)(
    'to %s (%s) is not sniffed, framed, stored, or sent on with its address',
    async (_, status, ask) => {
      const answer = await ask();
      expect(answer.status).toBe(status);
      const header = (name: string) => answer.headers.get(name);
      expect(header('x-content-type-options')).toBe('nosniff');
      expect(header('x-frame-options')).toBe('DENY');
      expect(header('referrer-policy')).toBe('no-referrer');
      expect(header('cache-control')).toBe('no-store');
      expect(header('strict-transport-security')).toMatch(/^max-age=31536000/);
      expect(header('content-security-policy')).toContain("default-src 'none'");
      expect(header('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(header('content-security-policy')).not.toMatch(/unsafe|https?:|\*/);
    },
  );

  it.each([...ANSWERS, ['the API docs', 200, () => send('GET', '/api/docs')] as (typeof ANSWERS)[number]])(
    'to %s (%s) is for no other site, and does not say what we run on',
    async (_, status, ask) => {
      const { headers, status: actual } = await ask();
      expect(actual).toBe(status);
      const names = [...headers.keys()];
      expect(names.filter((name) => /^access-control-|^x-powered-by$|^server$/.test(name))).toEqual([]);
    },
  );

  it('to a preflight of another site allows nothing', async () => {
    for (const target of ['/api/v1/tenants', scimPath('/Users')]) {
      const { headers } = await send('OPTIONS', target, {
        ...withKey(),
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization',
      });
      expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });

  it('to an address that cannot be decoded is neither sniffed nor stored', async () => {
    for (const target of ['/api/v1/%', scimPath('/Users/%ff')]) {
      const { status, headers } = await send('GET', target);
      expect(status).toBe(400);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  it('keeps its version: no-store does not stop a client from asking whether it changed', async () => {
    const { headers } = await integration.scim.get(`/Users/${userId}?attributes=userName`);
    const version = headers.get('etag')!;
    expect(version).toMatch(/^W\/"/);
    const again = await integration.scim.get(`/Users/${userId}?attributes=userName`, {
      'If-None-Match': version,
    });
    expect(again.status).toBe(304);
    expect(again.headers.get('etag')).toBe(version);
  });

  it('with the API docs lets Swagger UI run, from here alone', async () => {
    const page = await send('GET', '/api/docs');
    const policy = page.headers.get('content-security-policy')!;
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("style-src 'self' 'unsafe-inline'");
    const scripts = [...String(page.body).matchAll(/<script([^>]*)>([^<]*)/g)];
    expect(scripts.length).toBeGreaterThan(1);
    for (const [, attributes, code] of scripts) {
      expect(code!.trim()).toBe('');
      const { pathname, origin } = new URL(
        /src=["']([^"']+)/.exec(attributes!)![1]!,
        `${scimify.url}/api/docs`,
      );
      expect(origin).toBe(scimify.url);
      expect((await send('GET', pathname)).status).toBe(200);
    }
  });
});

describe('HTTPS for the future', () => {
  it('is demanded of nobody where the public address is plain HTTP', async () => {
    const scimify = await Scimify.start({ SCIMIFY_PUBLIC_URL: 'http://scim.internal:3000' });
    try {
      const { headers } = await scimify.admin.get('/tenants');
      expect(headers.get('strict-transport-security')).toBeNull();
      expect(headers.get('content-security-policy')).not.toContain('upgrade-insecure-requests');
      expect(headers.get('x-frame-options')).toBe('DENY');
    } finally {
      await scimify.stop();
    }
  });
});
