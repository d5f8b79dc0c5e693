import type { FastifyInstance } from 'fastify';
import { sendExactly } from '../scim/support/exact-request';
import { openApiOperations } from '../support/open-api';
import { Scimify } from '../support/scimify';

/** What is answered without being an operation of the OpenAPI document. */
const PAGES = [
  '/api/docs',
  '/api/docs/favicon-32x32.png',
  '/api/docs/swagger-ui-bundle.js',
  '/api/docs/swagger-ui-init.js',
  '/api/docs/swagger-ui.css',
  '/api/openapi.json',
];
/** RFC 7644 §3.12: whatever is below an integration's address and no endpoint is answered with a SCIM error. */
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

  it('are those of the OpenAPI document, and a few pages', () => {
    const routes = routesOf(scimify.app.getHttpAdapter().getInstance());
    const documented = openApiOperations().map(
      ({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    );
    const known = new Set([...documented, ...PAGES.map((path) => `GET ${path}`)]);
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

  it.each([...PAGES, '/api/docs/'])('answer %s as it is, compressed, and as known', async (target) => {
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
  });

  it('do not have a browser keep the keys that are typed into the API docs', async () => {
    const script = await (await fetch(`${scimify.url}/api/docs/swagger-ui-init.js`)).text();
    expect(script).toContain('persistAuthorization: false');
  });
});

it('the API docs are nowhere when the operator switches them off', async () => {
  const scimify = await Scimify.start({ SCIMIFY_API_DOCS: 'false' });
  try {
    for (const path of [...PAGES, '/api/docs/']) {
      expect((await fetch(scimify.url + path)).status).toBe(404);
    }
    expect((await fetch(`${scimify.url}/health/live`)).status).toBe(200);
  } finally {
    await scimify.stop();
  }
});
