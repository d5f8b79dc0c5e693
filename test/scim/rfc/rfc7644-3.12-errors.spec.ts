import { codesOf, read, rowsBelow } from '../../docs/documents';
import type { ScimClient } from '../../support/scim-client';
import type { TestIntegration } from '../../support/scimify';
import { sendExactly } from '../support/exact-request';
import { expectScimError } from '../support/expectations';
import { group, newName, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { CORE_USER, ERROR, NOBODY } from '../support/urns';

describe('RFC 7644 §3.12, errors', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;
  let scim: ScimClient;
  let userId: string;
  let groupId: string;

  beforeAll(async () => {
    integration = await server.freshIntegration();
    ({ scim } = integration);
    userId = await scim.createUser(newName());
    groupId = await scim.createGroup('Errors');
  });

  it('have schemas, a status that is a string, a keyword and a detail, and nothing else', async () => {
    const { body } = await scim.post('/Users', user({ userName: '' }));
    expect(body).toStrictEqual({
      schemas: [ERROR],
      status: '400',
      scimType: 'invalidValue',
      detail: expect.any(String),
    });
  });

  it.each([
    '/',
    '/Nonsense',
    '/users/x/y',
    `/Users/${NOBODY}/emails`,
    '/Groups/x/members',
    '/Schemas/x/y',
    '/Bulk/x',
    '/ServiceProviderConfig/x',
    '/v1/Users',
    '/ServiceProviderConfigs',
    '/favicon.ico',
  ])('for the unknown endpoint %s are 404', async (path) => {
    const answer = await scim.get(path);
    expectScimError(answer, 404);
  });

  it('for another method than the document lists are 405 and say which it takes, at each of its endpoints', async () => {
    const parts: Record<string, () => string> = {
      '/Users/{id}': () => userId,
      '/Groups/{id}': () => groupId,
      '/Schemas/{urn}': () => CORE_USER,
      '/ResourceTypes/{name}': () => 'User',
    };
    const endpoints = rowsBelow(read('docs/scim.md'), /^## Endpoints/).flatMap(([paths, methods]) =>
      codesOf(paths!.split(', ').map((path) => [path])).map((path) => [path, methods!] as const),
    );
    expect(endpoints).toHaveLength(14);
    for (const [endpoint, written] of endpoints) {
      const path = endpoint.replace(/\{\w+\}/, () => parts[endpoint]!());
      const methods = codesOf(written.split(', ').map((method) => [method]));
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        const body = ['GET', 'DELETE'].includes(method) ? undefined : {};
        if (endpoint === '/Me') {
          expectScimError(await scim.send(method, path, body), 501);
        } else if (!methods.includes(method)) {
          const answer = await scim.send(method, path, body);
          expectScimError(answer, 405);
          expect({ path, method, allow: answer.headers.get('allow') }).toEqual({
            ...{ path, method, allow: methods.join(', ') },
          });
        } else if (method === 'GET') expect((await scim.get(path)).status).toBe(200);
      }
    }
    expect((await scim.get(`/Users/${userId}`)).status).toBe(200);
  });

  it.each(['TRACE', 'LINK', 'PROPFIND', 'COPY'])(
    'for the odd method %s are no 5xx and no success',
    async (method) => {
      const { status } = await sendExactly(server.scimify.url, {
        method,
        target: `/scim/v2/${integration.id}/Users`,
        headers: { Authorization: `Bearer ${integration.scimKey}` },
      });
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(502);
      expect(status).not.toBe(500);
    },
  );

  it('for HEAD and OPTIONS are none, or SCIM’s', async () => {
    for (const method of ['HEAD', 'OPTIONS']) {
      const { status } = await scim.send(method, `/Users/${userId}`);
      expect([200, 204, 404, 405]).toContain(status);
    }
  });

  it.each([
    ['a name that is taken', 409, 'uniqueness', () => scim.post('/Groups', group({ displayName: 'errors' }))],
    ['a missing name', 400, 'invalidValue', () => scim.post('/Groups', group({ displayName: null }))],
    ['a filter that is none', 400, 'invalidFilter', () => scim.get('/Users?filter=x')],
    ['a body that is no JSON', 400, 'invalidSyntax', () => scim.post('/Users', '{')],
    [
      'a path that is none',
      400,
      'invalidPath',
      () => scim.patchOperations(`/Users/${userId}`, { op: 'replace', path: 'x', value: 1 }),
    ],
    [
      'a path without a target',
      400,
      'noTarget',
      () => scim.patchOperations(`/Users/${userId}`, { op: 'remove' }),
    ],
    [
      'a read-only attribute',
      400,
      'mutability',
      () => scim.patchOperations(`/Users/${userId}`, { op: 'remove', path: 'id' }),
    ],
    ['nobody', 404, undefined, () => scim.get(`/Users/${NOBODY}`)],
    ['a stale version', 412, undefined, () => scim.delete(`/Users/${userId}`, { 'If-Match': 'W/"stale"' })],
  ] as const)('for %s are %s with the keyword %s', async (_what, status, scimType, send) => {
    expectScimError(await send(), status, scimType);
  });

  it('echo at most 100 characters of what a client sent, escaped', async () => {
    const long = `evil\u0007\u2028<script>"${'x'.repeat(1_000)}`;
    const answers = [
      await scim.get(`/Users?filter=${encodeURIComponent(`userName ${'z'.repeat(1_000)} "x"`)}`),
      await scim.get(`/Users?sortBy=${encodeURIComponent(long)}`),
      await scim.get(`/Users?sortBy=userName&sortOrder=${encodeURIComponent(long)}`),
      await scim.patchOperations(`/Users/${userId}`, {
        op: 'replace',
        path: `x${'y'.repeat(1_000)}`,
        value: 1,
      }),
      await scim.patchOperations(`/Users/${userId}`, { op: long, path: 'title', value: 1 }),
      await scim.patchOperations(`/Groups/${groupId}`, {
        op: 'add',
        path: 'members',
        value: [{ value: 'm'.repeat(200) }],
      }),
    ];
    for (const answer of answers) {
      expectScimError(answer, 400, answer.body.scimType);
      expect(answer.body.detail.length).toBeLessThan(400);
      expect(answer.body.detail).not.toMatch(/x{101}|y{101}|z{101}|m{101}|[\u0007\u2028]/);
    }
  });

  it('do not tell of our insides, whatever the address', async () => {
    for (const target of [
      '/scim/v2',
      '/scim/v2/',
      '/scim',
      `/scim/v2/${integration.id}/%`,
      `/scim/v2/${integration.id}/Users/%ff`,
    ]) {
      const answer = await sendExactly(server.scimify.url, {
        method: 'GET',
        target,
        headers: { Authorization: `Bearer ${integration.scimKey}` },
      });
      expect([400, 401, 404]).toContain(answer.status);
      expectScimError(answer, answer.status, answer.body.scimType);
    }
  });
});
