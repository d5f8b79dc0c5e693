import type { FastifyInstance } from 'fastify';
import { sendExactly } from '../scim/support/exact-request';
import { openApiOperations } from '../support/open-api';
import { Scimify } from '../support/scimify';

/** Paths that are answered but are no operations of an OpenAPI document. */
const PAGES = [
  '/api/docs',
  '/api/docs/scim',
  '/api/docs/favicon-32x32.png',
  '/api/docs/swagger-ui-bundle.js',
  '/api/docs/swagger-ui-init.js',
  '/api/docs/swagger-ui.css',
  '/api/openapi.json',
  '/api/openapi-scim.json',
];
/** RFC 7644 §3.12: each path below an integration's address that is no endpoint is answered with a SCIM error. */
const CATCH_ALL = /^\/scim\/v2\/:integrationId(\/?\*|\/Me)?$/;

/** `GET /path` of every route, as the router has it. */
function routesOf(fastify: FastifyInstance): string[] {
  const routes: string[] = [];
  const above: string[] = [];
  for (const line of fastify.printRoutes({ commonPrefix: false }).split('\n')) {
    const match = /^((?:│ {3}| {4})*)[├└]── (.*?)(?: \(([A-Z, -]+)\))?$/.exec(line);
    if (!match) continue;
    const depth = match[1]!.length / 4;
    above.splice(depth, Infinity, match[2]!);
    for (const method of match[3]?.split(', ') ?? []) routes.push(`${method} ${above.join('')}`);
  }
  return routes;
}

describe('the addresses of Scimify', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start({ SCIMIFY_API_DOCS: 'true' });
  });

  afterAll(() => scimify.stop());

  it('are those of the OpenAPI documents, and a few pages', () => {
    const routes = routesOf(scimify.app.getHttpAdapter().getInstance());
    const documented = openApiOperations().map(
      ({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    );
    const known = new Set([...documented, 'GET /', ...PAGES.map((path) => `GET ${path}`)]);
    const others = routes.filter((route) => {
      const [method, path = ''] = route.split(' ');
      if (CATCH_ALL.test(path)) return false;
      return !known.has(method === 'HEAD' ? `GET ${path}` : route);
    });
    expect(others).toEqual([]);
    for (const route of known) expect(routes).toContain(route);
  });

  it.each([
    '/api/docs-json',
    '/api/docs-yaml',
    '/api/docs/index.html',
    '/api/docs/LICENSE',
    '/api/docs/package.json',
    '/api/openapi.yaml',
  ])('do not have %s among them', async (path) => {
    expect((await fetch(scimify.url + path)).status).toBe(404);
  });

  it.each([...PAGES, '/api/docs/', '/api/docs/scim/'])(
    'answer %s as it is, compressed, and as known',
    async (target) => {
      const plain = await sendExactly(scimify.url, { method: 'GET', target });
      expect([plain.status, plain.headers.get('content-encoding')]).toEqual([200, null]);
      expect(plain.headers.get('vary')).toBe('Accept-Encoding');
      const etag = plain.headers.get('etag')!;

      const response = await fetch(scimify.url + target, { headers: { 'Accept-Encoding': 'br, gzip' } });
      expect(response.headers.get('content-encoding')).toBe('gzip');
      expect(response.headers.get('etag')).toBe(etag);
      const whole = Buffer.from(await response.arrayBuffer());
      const refused = await fetch(scimify.url + target, { headers: { 'Accept-Encoding': 'gzip;q=0' } });
      expect(refused.headers.get('content-encoding')).toBeNull();
      expect(Buffer.from(await refused.arrayBuffer()).equals(whole)).toBe(true);

      const known = await fetch(scimify.url + target, { headers: { 'If-None-Match': `"x", ${etag}` } });
      expect([known.status, await known.text()]).toEqual([304, '']);
      const head = await fetch(scimify.url + target, { method: 'HEAD' });
      expect([head.status, await head.text()]).toEqual([200, '']);
    },
  );

  it('lead whoever asks for / to the API docs, also behind a proxy that puts something before', async () => {
    const answer = await fetch(`${scimify.url}/`, { redirect: 'manual' });
    expect(answer.status).toBe(302);
    const location = answer.headers.get('location')!;
    expect(new URL(location, 'https://scim.example.com/').pathname).toBe('/api/docs');
    expect(new URL(location, 'https://example.com/scimify/').pathname).toBe('/scimify/api/docs');
    const followed = await fetch(scimify.url);
    expect([followed.status, await followed.text()]).toEqual([200, expect.stringContaining('swagger-ui')]);
  });

  it.each(['/api/docs', '/api/docs/', '/api/docs/scim', '/api/docs/scim/'])(
    'have all that the page %s loads',
    async (path) => {
      const page = await (await fetch(scimify.url + path)).text();
      const addresses = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address!);
      const script = addresses.find((address) => address.endsWith('swagger-ui-init.js'))!;
      const document = /data-document="([^"]+)"/.exec(page)![1]!;
      addresses.push(new URL(document, new URL(script, scimify.url + path)).href);
      for (const address of addresses) {
        const { status } = await fetch(new URL(address, scimify.url + path));
        expect([address, status]).toEqual([address, 200]);
      }
      expect(document).toContain(path.includes('scim') ? 'openapi-scim.json' : 'openapi.json');
    },
  );

  it('do not have a browser keep the keys that are typed into the API docs', async () => {
    const script = await (await fetch(`${scimify.url}/api/docs/swagger-ui-init.js`)).text();
    expect(script).toContain('persistAuthorization: false');
  });
});

it('the API docs are nowhere when the operator switches them off, and / says so', async () => {
  const scimify = await Scimify.start({ SCIMIFY_API_DOCS: 'false' });
  try {
    for (const path of [...PAGES, '/api/docs/', '/api/docs/scim/']) {
      expect((await fetch(scimify.url + path)).status).toBe(404);
    }
    const answer = await fetch(`${scimify.url}/`, { redirect: 'manual' });
    expect(answer.status).toBe(404);
    expect(((await answer.json()) as { detail: string }).detail).toContain('SCIMIFY_API_DOCS=false');
    expect((await fetch(`${scimify.url}/health/live`)).status).toBe(200);
  } finally {
    await scimify.stop();
  }
});
