import type { ScimClient } from '../support/scim-client';
import type { TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { sendExactly } from './support/exact-request';
import { expectList, expectOneSentence, expectScimError } from './support/expectations';
import { group, newName, user } from './support/samples';
import { serverOfThisFile } from './support/server';
import { CORE_USER, NOBODY, PATCH_OP } from './support/urns';

const JSON_TYPE = { 'Content-Type': 'application/scim+json' };
/** Revocation, expiry and mode take effect within a second. */
const SOON_MS = 3_000;

describe('bad input', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;
  let scim: ScimClient;

  beforeAll(async () => {
    integration = await server.freshIntegration();
    ({ scim } = integration);
  });

  function send(target: string, headers: Record<string, string>, body?: string) {
    return sendExactly(server.scimify.url, {
      method: body === undefined ? 'GET' : 'POST',
      target,
      headers,
      body,
    });
  }

  describe('of the key', () => {
    let answers: string | undefined;

    it.each<[what: string, headers: () => Record<string, string>, id?: string]>([
      ['none', () => ({})],
      ['an empty one', () => ({ Authorization: '' })],
      ['a scheme alone', () => ({ Authorization: 'Bearer' })],
      ['a scheme and a space', () => ({ Authorization: 'Bearer ' })],
      ['a wrong one', () => ({ Authorization: 'Bearer wrong' })],
      ['a bare wrong one', () => ({ Authorization: 'wrong' })],
      ['another scheme', () => ({ Authorization: `Basic ${integration.scimKey}` })],
      [
        'Basic with the key as password',
        () => ({ Authorization: `Basic ${Buffer.from(`x:${integration.scimKey}`).toString('base64')}` }),
      ],
      ['two words', () => ({ Authorization: `Bearer ${integration.scimKey} x` })],
      ['a shorter one', () => ({ Authorization: `Bearer ${integration.scimKey.slice(0, -1)}` })],
      ['a longer one', () => ({ Authorization: `Bearer ${integration.scimKey}x` })],
      ['another case', () => ({ Authorization: `Bearer ${integration.scimKey.toUpperCase()}` })],
      ['a very long one', () => ({ Authorization: `Bearer ${'x'.repeat(8_000)}` })],
      ['a header of another name', () => ({ 'X-Api-Key': integration.scimKey })],
      ['a cookie', () => ({ Cookie: `access_token=${integration.scimKey}` })],
      [
        'the right one at an unknown integration',
        () => ({ Authorization: `Bearer ${integration.scimKey}` }),
        NOBODY,
      ],
      ['the right one at what is no id', () => ({ Authorization: `Bearer ${integration.scimKey}` }), 'x'],
    ])('%s is 401, and all of them alike', async (_what, headers, id = integration.id) => {
      const answer = await send(`/scim/v2/${id}/Users`, headers());
      expectScimError(answer, 401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
      answers ??= JSON.stringify(answer.body);
      expect(JSON.stringify(answer.body)).toBe(answers);
    });

    it('is taken from the header alone, not from query or body', async () => {
      const key = integration.scimKey;
      for (const query of [`access_token=${key}`, `token=${key}`, `authorization=Bearer%20${key}`]) {
        expectScimError(await send(`/scim/v2/${integration.id}/Users?${query}`, {}), 401);
      }
      expectScimError(
        await send(
          `/scim/v2/${integration.id}/Users`,
          JSON_TYPE,
          JSON.stringify({ ...user(), access_token: key }),
        ),
        401,
      );
      const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
      expectScimError(await send(`/scim/v2/${integration.id}/Users`, form, `access_token=${key}`), 401);
      const wrong = { Authorization: 'Bearer wrong' };
      expectScimError(await send(`/scim/v2/${integration.id}/Users?access_token=${key}`, wrong), 401);
    });

    it('in the query beside the right one is ignored', async () => {
      expectList(await scim.get('/Users?access_token=wrong'));
      const { status, body } = await scim.post('/Users', user({ access_token: 'wrong' }));
      expect(status).toBe(201);
      expect(body).not.toHaveProperty('access_token');
    });

    it.each(['Bearer {key}', 'bearer {key}', 'BEARER {key}', 'Bearer   {key}', '{key}', ' {key} '])(
      'written as "%s" opens',
      async (written) => {
        const Authorization = written.replace('{key}', integration.scimKey);
        expect((await send(`/scim/v2/${integration.id}/Users`, { Authorization })).status).toBe(200);
      },
    );

    it('of an admin does not open SCIM, nor a SCIM key the admin API', async () => {
      const admin = await server.scimify.admin.post(`/tenants/${integration.tenantId}/admin-keys`, {
        name: 'Admin',
        role: 'admin',
      });
      const Authorization = `Bearer ${admin.body.token}`;
      expectScimError(await send(`/scim/v2/${integration.id}/Users`, { Authorization }), 401);
      const other = await sendExactly(server.scimify.url, {
        method: 'GET',
        target: `/api/v1/integrations/${integration.id}`,
        headers: { Authorization: `Bearer ${integration.scimKey}` },
      });
      expect(other.status).toBe(401);
    });

    it('that is revoked is 401 within a second, while another goes on', async () => {
      const made = await server.scimify.admin.post(`/integrations/${integration.id}/scim-keys`, {
        name: 'Second',
      });
      const second = server.scimify.scimWith(integration.id, made.body.token);
      expect((await second.get('/Users?count=0')).status).toBe(200);
      expect((await server.scimify.admin.delete(`/scim-keys/${made.body.id}`)).status).toBe(204);
      const answer = await waitFor(
        'the key to be refused',
        () => second.get('/Users?count=0'),
        ({ status }) => status === 401,
        SOON_MS,
      );
      expectScimError(answer, 401);
      expect((await scim.get('/Users?count=0')).status).toBe(200);
    });

    it('that expires is 401 from then on', async () => {
      const made = await server.scimify.admin.post(`/integrations/${integration.id}/scim-keys`, {
        name: 'Short-lived',
        expiresAt: new Date(Date.now() + 3_000).toISOString(),
      });
      expect(made.status).toBe(201);
      const short = server.scimify.scimWith(integration.id, made.body.token);
      expect((await short.get('/Users?count=0')).status).toBe(200);
      const answer = await waitFor(
        'the key to expire',
        () => short.get('/Users?count=0'),
        ({ status }) => status === 401,
        3_000 + SOON_MS,
      );
      expectScimError(answer, 401);
    });
  });

  describe('of the integration', () => {
    it('disabled is 403 with a SCIM error that says so, after the key was checked', async () => {
      const other = await server.freshIntegration();
      const id = await other.scim.createUser(newName());
      expect((await server.scimify.admin.post(`/integrations/${other.id}/disable`)).status).toBe(200);
      const answer = await waitFor(
        'the integration to be disabled',
        () => other.scim.get('/Users'),
        ({ status }) => status !== 200,
        SOON_MS,
      );
      expectScimError(answer, 403);
      expect(answer.body.detail).toMatch(/disabled/);
      expectScimError(await other.scim.post('/Users', user()), 403);
      expectScimError(await other.scim.setActive(id, false), 403);
      expectScimError(await other.scim.get('/ServiceProviderConfig'), 403);
      expectScimError(await server.scimify.scimWith(other.id, 'wrong').get('/Users'), 401);

      expect((await server.scimify.admin.post(`/integrations/${other.id}/pause`)).status).toBe(200);
      await waitFor(
        'the integration to answer again',
        () => other.scim.get('/Users'),
        ({ status }) => status === 200,
        SOON_MS,
      );
      expect((await other.scim.get(`/Users/${id}`)).body.active).toBe(true);
    });

    it('paused answers as usual', async () => {
      const other = await server.freshIntegration();
      const { body } = await server.scimify.admin.get(`/integrations/${other.id}`);
      expect(body.mode).toBe('paused');
      const id = await other.scim.createUser(newName());
      const groupId = await other.scim.createGroup('Paused', [id]);
      expect((await other.scim.renameGroup(groupId, 'Paused 2')).status).toBe(204);
      expect((await other.scim.delete(`/Groups/${groupId}`)).status).toBe(204);
    });
  });

  describe('of text', () => {
    it.each([
      ['U+0000', '\\u0000'],
      ['a high surrogate alone', '\\ud800'],
      ['a low surrogate alone', '\\udfff'],
      ['two in the wrong order', '\\udc00\\ud800'],
    ])('%s is 400 invalidValue wherever it stands', async (_what, escape) => {
      const id = await scim.createUser(newName());
      const groupId = await scim.createGroup(`Text ${id}`);
      const bad = (json: object) => JSON.stringify(json).replaceAll('BAD', escape);
      const patch = (operation: object) => bad({ schemas: [PATCH_OP], Operations: [operation] });
      const answers = [
        await scim.post('/Users', bad(user({ userName: 'xBADx' }))),
        await scim.post('/Users', bad(user({ displayName: 'BAD' }))),
        await scim.post('/Users', bad(user({ externalId: 'BAD' }))),
        await scim.post('/Users', bad(user({ name: { givenName: 'BAD' } }))),
        await scim.post('/Users', bad(user({ emails: [{ value: 'a@b', type: 'BAD' }] }))),
        await scim.post('/Users', bad(user({ password: 'BAD' }))),
        await scim.post('/Users', bad(user({ unknown: 'BAD' }))),
        await scim.post('/Users', bad(user({ BAD: 'x' }))),
        await scim.post('/Users', bad(user({ schemas: [CORE_USER, 'urn:BAD'] }))),
        await scim.post('/Groups', bad(group({ displayName: 'BAD' }))),
        await scim.post('/Groups', bad(group({ members: [{ value: 'BAD' }] }))),
        await scim.put(`/Users/${id}`, bad(user({ title: 'BAD' }))),
        await scim.put(`/Groups/${groupId}`, bad(group({ displayName: 'BAD' }))),
        await scim.patch(`/Users/${id}`, patch({ op: 'replace', path: 'title', value: 'BAD' })),
        await scim.patch(`/Users/${id}`, patch({ op: 'replace', value: { title: 'BAD' } })),
        await scim.patch(
          `/Groups/${groupId}`,
          patch({ op: 'add', path: 'members', value: [{ value: 'BAD' }] }),
        ),
      ];
      for (const answer of answers) expectScimError(answer, 400, 'invalidValue');
    });

    it('U+0000 in the address is no server error', async () => {
      for (const path of [
        '/Users?filter=userName%20eq%20%22%00%22',
        '/Users?sortBy=%00',
        '/Users?cursor=%00',
        '/Users/%00',
        '/Users?attributes=%00',
        '/Users?%00=1',
      ]) {
        const answer = await scim.get(path);
        if (answer.status !== 200) expectScimError(answer, answer.status, answer.body.scimType);
        expect(answer.status).toBeLessThan(500);
      }
    });

    it.each([
      ['userName', (value: string) => ['/Users', user({ userName: value })], 256],
      ['externalId', (value: string) => ['/Users', user({ externalId: value })], 256],
      ['an e-mail', (value: string) => ['/Users', user({ emails: [{ value }] })], 256],
      ['displayName', (value: string) => ['/Users', user({ displayName: value })], 256],
      ['displayName of a group', (value: string) => ['/Groups', group({ displayName: value })], 256],
      ['title', (value: string) => ['/Users', user({ title: value })], 8_192],
    ] as [string, (value: string) => [string, object], number][])(
      '%s that is too long is 400 invalidValue, and of the longest is taken',
      async (_what, body, longest) => {
        const [, sample] = body('x');
        const unique = `${longest}${newName()}`;
        for (const filler of ['x', 'é', '\u{1F680}', 'İ']) {
          const [path, tooLong] = body(filler.repeat(longest + 1));
          const answer = await scim.post(path, tooLong);
          expectScimError(answer, 400, 'invalidValue');
          expect(answer.body.detail.length).toBeLessThan(300);
        }
        const [path, fits] = body(unique.padEnd(longest, 'x'));
        expect((await scim.post(path, fits)).status).toBe(201);
        expect(sample).toBeDefined();
      },
    );

    it('too many values of an attribute are 400, not a row of any size', async () => {
      const emails = Array.from({ length: 5_000 }, (_, n) => ({ value: `m${n}@example.com` }));
      expectScimError(await scim.post('/Users', user({ emails })), 400, 'invalidValue');
    });
  });

  describe('of size', () => {
    it('a user of more than a megabyte is 413, and named so', async () => {
      const answer = await scim.post('/Users', user({ title: 'x'.repeat(1024 * 1024) }));
      expectScimError(answer, 413);
    });

    it('a group of two megabytes is read: whole lists are pushed', async () => {
      const members = Array.from({ length: 30_000 }, (_, n) => ({
        value: NOBODY,
        display: `m${n} ${'x'.repeat(50)}`,
      }));
      const body = JSON.stringify(group({ members }));
      expect(body.length).toBeGreaterThan(2 * 1024 * 1024);
      expectScimError(await scim.post('/Groups', body), 400, 'invalidValue');
    });

    it('a group of more than 32 megabytes is 413', async () => {
      const members = `[${Array(900_000).fill(`{"value":"${NOBODY}"}`).join(',')}]`;
      const body = `{"schemas":[],"displayName":"x","members":${members}}`;
      expect(body.length).toBeGreaterThan(32 * 1024 * 1024);
      // The server may close before it has read the whole body.
      const answer = await scim.post('/Groups', body).catch((error: unknown) => error as Error);
      if (!(answer instanceof Error)) expectScimError(answer, 413);
      expect((await scim.get('/Users?count=0')).status).toBe(200);
    });

    it('a body that is nested very deep is refused, or ignored where it is unknown', async () => {
      const lists = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
      const objects = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
      const nested = (name: string, deep: string) =>
        `${JSON.stringify(user()).slice(0, -1)},"${name}":${deep}}`;
      for (const deep of [lists, objects]) {
        expect([201, 400]).toContain((await scim.post('/Users', nested('unknown', deep))).status);
      }
      for (const [name, deep] of [
        ['name', lists],
        ['emails', lists],
        ['title', objects],
        ['active', objects],
      ] as const) {
        expectScimError(await scim.post('/Users', nested(name, deep)), 400, 'invalidValue');
      }
    });
  });

  describe('of refusals', () => {
    it('echoes no password, however it is wrong', async () => {
      const id = await scim.createUser(newName());
      const secret = 'S3cr3t-Passw0rd';
      const answers = [
        await scim.post('/Users', user({ userName: '', password: secret })),
        await scim.post('/Users', user({ password: [secret, secret] })),
        await scim.post('/Users', user({ password: { value: secret } })),
        await scim.post('/Users', `{"password":"${secret}",`),
        await scim.post('/Users', `{"password":"${secret}\\u0000"}`),
        await scim.post('/Users', user({ password: secret, PASSWORD: secret })),
        await scim.patchOperations(`/Users/${id}`, {
          op: 'replace',
          path: 'password',
          value: { value: secret },
        }),
        await scim.patchOperations(`/Users/${id}`, { op: secret, path: 'password', value: secret }),
        await scim.patchOperations(`/Users/${id}`, {
          op: 'replace',
          value: { password: [secret], active: 'maybe' },
        }),
        await scim.patchOperations(`/Users/${id}`, { op: 'remove', value: { password: secret } }),
      ];
      for (const [index, answer] of answers.entries()) {
        expect(answer.status).toBe(400);
        expectOneSentence(answer.body.detail);
        // The value of "op" is no password, and may be quoted.
        if (index !== 7) expect(JSON.stringify(answer.body)).not.toContain(secret);
      }
    });

    it('leave no half-done write behind', async () => {
      const { body: before } = await scim.post('/Groups', group({ displayName: 'Whole or nothing' }));
      const id = await scim.createUser(newName());
      await scim.patchOperations(
        `/Groups/${before.id}`,
        { op: 'add', path: 'members', value: [{ value: id }] },
        { op: 'replace', path: 'displayName', value: 'Half-done' },
        { op: 'replace', path: 'externalId', value: { not: 'text' } },
      );
      expect((await scim.get(`/Groups/${before.id}`)).body).toEqual(before);
    });
  });
});
