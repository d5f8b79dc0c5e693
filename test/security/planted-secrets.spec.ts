import { existsSync, readFileSync } from 'node:fs';
import { DataSource } from 'typeorm';
import { readerOptions } from '../../src/database/data-source-options';
import { ENTITIES } from '../../src/entities';
import { HttpClient } from '../support/http';
import { GROUP_SCHEMA, PATCH_SCHEMA, type ScimClient, USER_SCHEMA } from '../support/scim-client';
import type { ScimifyProcess } from '../support/scimify-process';
import { waitFor } from '../support/wait';
import { ADMIN_KEY, Installation, adminOf, scimOf } from '../support/installation';
import { AnswerTap } from './support/answer-tap';

const BULK_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const SEARCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
const ENCRYPTION_KEY = Buffer.from('planted: the encryption key, 32.');
/** A part of every token that the simulator issues. */
const ACCESS_TOKEN = '+_0XSIMUL_';

describe('a secret that comes to the product by whatever way', () => {
  let installation: Installation;
  let scimify: ScimifyProcess;
  let admin: HttpClient;
  let tap: AnswerTap;
  let rows: Record<string, string[]>;
  /** Secrets that no output may contain, by their description. */
  const planted = new Map<string, string>();
  /** Secrets that one answer may contain, each once. */
  const tokens: string[] = [];

  const plant = (what: string, secret = `planted-${planted.size}-${what.replace(/\W+/g, '-')}`) => {
    planted.set(what, secret);
    return secret;
  };

  beforeAll(async () => {
    installation = await Installation.create();
    tap = new AnswerTap();
    scimify = await installation.start({
      SCIMIFY_ENCRYPTION_KEY: ENCRYPTION_KEY.toString('base64'),
      SCIMIFY_LOG_LEVEL: 'trace',
    });
    admin = adminOf(scimify);
    plant('admin key of the environment', ADMIN_KEY);
    plant('encryption key', ENCRYPTION_KEY.toString('base64'));
    plant('encryption key in hex', ENCRYPTION_KEY.toString('hex'));
    plant('encryption key in raw', ENCRYPTION_KEY.toString());
    plant('access token', ACCESS_TOKEN);
    await drive();
    await scimify.stop();
    rows = await everyRow();
  }, 120_000);

  afterAll(async () => {
    tap.remove();
    await installation.remove();
  });

  const shown = (id: string) => admin.get(`/integrations/${id}`);

  const create = async (tenantId: string, settings: object, secret: unknown, status = 201) => {
    const body = { provider: 'pagerduty', name: 'PagerDuty', settings, secret };
    const answer = await admin.post(`/tenants/${tenantId}/integrations`, body);
    expect(answer.status).toBe(status);
    return answer.body.id as string;
  };

  const keyOf = async (what: string, path: string, body: object) => {
    const { status, body: key } = await admin.post(path, body);
    expect(status).toBe(201);
    tokens.push(key.token);
    return { id: key.id as string, token: plant(what, key.token) };
  };

  /** The status does not matter, only what the answer contains. */
  const everyLook = async (id: string, tenantId: string) => {
    for (const path of [
      `/tenants/${tenantId}/integrations`,
      `/tenants/${tenantId}/audit-events`,
      `/tenants/${tenantId}/admin-keys`,
      '/admin-keys',
      '/audit-events',
      '/providers',
      ...['', '/scim-keys', '/groups', '/users', '/plan', '/overview', '/drift', '/refused-writes'].map(
        (list) => `/integrations/${id}${list}`,
      ),
      `/integrations/${id}/held-changes`,
    ]) {
      await admin.get(path);
    }
  };

  async function drive() {
    const { body: tenant } = await admin.post('/tenants', { name: 'Acme' });
    const oauth = await oauthIntegration(tenant.id);
    const apiKey = await apiKeyIntegration(tenant.id);
    await refusedCreations(tenant.id);
    await keysInWrongPlaces(tenant.id, oauth.id, oauth.scimKey);
    await passwords(oauth.scim);
    await secretsOfFailures(oauth.id, apiKey);
    for (const id of [oauth.id, apiKey]) await everyLook(id, tenant.id);
  }

  /** An integration that is tested, changed, rebound and used. */
  async function oauthIntegration(tenantId: string) {
    const { pagerDuty } = installation;
    const clientSecret = plant('client secret');
    const { clientId } = pagerDuty.addOAuthClient({ clientSecret });
    const settings = { authMethod: 'oauth', clientId, accountSubdomain: 'acme', accountRegion: 'us' };
    const id = await create(tenantId, settings, clientSecret);
    const { token: scimKey } = await keyOf('SCIM key', `/integrations/${id}/scim-keys`, { name: 'Okta' });
    const revoked = await keyOf('revoked SCIM key', `/integrations/${id}/scim-keys`, { name: 'Old' });
    expect((await admin.delete(`/scim-keys/${revoked.id}`)).status).toBe(204);
    expect((await scimOf(scimify, id, revoked.token).get('/Users')).status).toBe(401);
    expect((await admin.post(`/integrations/${id}/connection-test`)).body.ok).toBe(true);
    await admin.post(`/integrations/${id}/enable`);
    const scim = scimOf(scimify, id, scimKey);
    for (const name of ['ada', 'bob']) pagerDuty.addUser({ email: `${name}@example.com` });
    const members = await scim.createUsers(['ada@example.com', 'bob@example.com', 'eve@example.com']);
    await scim.createGroup('Platform', members);
    await waitFor(
      'the members',
      () => pagerDuty.team('Platform')?.members.length,
      (count) => count === 2,
    );

    const refused = plant('refused client secret');
    const change = (secret: string) => admin.put(`/integrations/${id}/secret`, { secret });
    expect((await change(refused)).status).toBe(422);
    pagerDuty.inject({
      path: '/oauth/token',
      status: 400,
      body: { error: 'invalid_request', error_description: `No such secret: ${refused} of ${clientId}` },
      times: 4,
    });
    expect((await change(refused)).status).toBe(422);
    pagerDuty.clearFaults();
    const changed = plant('changed client secret');
    pagerDuty.setClientSecret(clientId, changed);
    expect((await change(changed)).status).toBe(204);
    const rebound = plant('client secret of a rebind');
    pagerDuty.setClientSecret(clientId, rebound);
    expect((await admin.post(`/integrations/${id}/rebind`, { settings, secret: rebound })).status).toBe(200);
    await admin.post(`/integrations/${id}/enable`);
    await waitFor(
      'the account',
      () => shown(id),
      ({ body }) => body.connection.status === 'ok',
    );
    return { id, scim, scimKey };
  }

  async function apiKeyIntegration(tenantId: string) {
    const key = installation.pagerDuty.addApiKey({ key: plant('API key') });
    const id = await create(tenantId, { authMethod: 'api_key' }, key);
    expect((await admin.post(`/integrations/${id}/connection-test`)).body.ok).toBe(true);
    const wrong = await create(tenantId, { authMethod: 'api_key' }, plant('wrong API key'));
    expect((await admin.post(`/integrations/${wrong}/connection-test`)).body.ok).toBe(false);
    await admin.post(`/integrations/${wrong}/enable`);
    const { token } = await keyOf('SCIM key of a wrong one', `/integrations/${wrong}/scim-keys`, {
      name: 'K',
    });
    await scimOf(scimify, wrong, token).createGroup('Never');
    await waitFor(
      'the suspension',
      () => shown(wrong),
      ({ body }) => body.suspension !== null,
    );
    await everyLook(wrong, tenantId);
    return id;
  }

  async function refusedCreations(tenantId: string) {
    const settings = { authMethod: 'api_key' };
    await create(tenantId, settings, `${plant('first line of a secret')}\nsecond`, 400);
    await create(tenantId, settings, plant('endless secret').repeat(100), 400);
    await create(tenantId, settings, { nested: plant('nested secret') }, 400);
    await create(tenantId, { ...settings, clientSecret: plant('secret among settings') }, 'a-secret', 400);
    await create(tenantId, plant('secret for settings') as never, 'a-secret', 400);
    const path = `/tenants/${tenantId}/integrations`;
    for (const malformed of [
      `{"secret": "${plant('secret in malformed JSON')}", }`,
      `{"secret": ${plant('secret without quotes')}}`,
      `{"secret": "${plant('secret behind an end')}`,
      `{"secret": "a", "secret": "${plant('secret given twice')}"}`,
      `${plant('secret that is the whole body')}`,
    ]) {
      expect((await admin.post(path, malformed)).status).toBe(400);
    }
    const text = { 'Content-Type': 'text/plain' };
    expect((await admin.post(path, plant('secret as text'), text)).status).toBe(415);
    const unknown = {
      provider: 'pagerduty',
      name: 'x',
      settings,
      secret: 'a-secret',
      token: plant('unknown field'),
    };
    expect((await admin.post(path, unknown)).status).toBe(400);
  }

  async function keysInWrongPlaces(tenantId: string, integrationId: string, scimKey: string) {
    const { token: adminKey } = await keyOf('admin key', `/tenants/${tenantId}/admin-keys`, {
      name: 'Tooling',
      role: 'owner',
    });
    await keyOf('platform key', '/admin-keys', { name: 'Platform' });
    expect((await adminOf(scimify, adminKey).get(`/tenants/${tenantId}`)).status).toBe(200);
    const unknown = plant('admin key that is none', `scimify_admin_${'N0ne'.repeat(11)}`);
    for (const key of [adminKey, ADMIN_KEY, scimKey, unknown]) {
      const nobody = new HttpClient(`${scimify.url}/api/v1`, {});
      expect((await nobody.get(`/tenants?access_token=${key}`)).status).toBe(401);
      expect((await nobody.post('/tenants', { name: 'x', access_token: key })).status).toBe(401);
      for (const scheme of ['Basic', 'Token', '']) {
        await nobody.get('/tenants', { Authorization: `${scheme} ${key}`.trim() });
        await nobody.get('/tenants', { 'X-Api-Key': key, Cookie: `key=${key}` });
      }
      for (const path of [
        `/tenants?cursor=${key}`,
        `/tenants?${key}=1`,
        `/tenants/${key}`,
        `/integrations/${key}`,
        `/scim-keys/${key}`,
        `/nothing/${key}`,
        `/${key}`,
      ]) {
        expect((await admin.get(path)).status).toBeGreaterThanOrEqual(400);
      }
      expect((await admin.delete(`/scim-keys/${key}`)).status).toBe(404);
      expect((await admin.post('/tenants', { name: 'x', access_token: key })).status).toBe(400);
      for (const path of [`/scim/v2/${key}/Users`, `/scim/v2/${key}`, `/${key}`, `/api/docs/${key}`]) {
        await fetch(`${scimify.url}${path}`, { headers: { Authorization: `Bearer ${key}` } });
      }
      const scim = scimOf(scimify, integrationId, scimKey);
      for (const path of [
        `/Users?access_token=${key}`,
        `/Users/${key}`,
        `/Groups/${key}`,
        `/Schemas/${key}`,
        `/${key}`,
        `/Users?cursor=${key}`,
        `/Users?count=${key}`,
      ]) {
        await scim.get(path);
      }
      await scim.post('/Groups', { schemas: [GROUP_SCHEMA], displayName: 7, access_token: key });
      await scim.patchOperations(`/Users/${key}`, { op: 'replace', value: { active: false } });
      await scim.delete(`/Groups/${key}`);
      await scimOf(scimify, integrationId, `${key}x`).get('/Users');
    }
    const foreign = scimOf(scimify, integrationId, adminKey);
    expect((await foreign.get('/Users')).status).toBe(401);
  }

  async function passwords(scim: ScimClient) {
    const user = (name: string, password: unknown, more: object = {}) => ({
      schemas: [USER_SCHEMA],
      userName: name,
      password,
      ...more,
    });
    const created = await scim.post('/Users', user('carol@example.com', plant('password of a POST')));
    expect(created.status).toBe(201);
    const path = `/Users/${created.body.id}`;
    expect((await scim.put(path, user('carol@example.com', plant('password of a PUT')))).status).toBe(200);
    const patches: object[] = [
      { op: 'replace', path: 'password', value: plant('password of a PATCH') },
      { op: 'replace', value: { password: plant('password without a path') } },
      { op: 'add', path: `${USER_SCHEMA}:password`, value: plant('password by its whole name') },
      { op: 'Replace', path: 'PASSWORD', value: plant('password in capitals') },
    ];
    for (const patch of patches) expect((await scim.patchOperations(path, patch)).status).toBeLessThan(300);

    const refused = [
      () => scim.post('/Users', user('carol@example.com', plant('password of a conflict'))),
      () => scim.post('/Users', user('', plant('password without a name'))),
      () => scim.post('/Users', user('x@example.com', [plant('password in a list')])),
      () => scim.post('/Users', user('x@example.com', { value: plant('password in an object') })),
      () => scim.post('/Users', user('x@example.com', plant('password beside a wrong type'), { active: 7 })),
      () => scim.post('/Users', user('x@example.com', `${plant('password with U+0000')}\0`)),
      () => scim.put(path, user('', plant('password of a refused PUT'))),
      () => scim.patchOperations(path, { op: 'replace', path: 'password', value: [plant('patched list')] }),
      () =>
        scim.patchOperations(path, {
          op: 'replace',
          path: 'password',
          value: { a: plant('patched object') },
        }),
      () =>
        scim.patchOperations(path, {
          op: 'replace',
          path: `password[value eq "${plant('password in a path')}"]`,
          value: 'x',
        }),
      () => scim.post('/Users', `{"userName": "x", "password": "${plant('password in malformed JSON')}", }`),
      () => scim.post('/Users', `{"password": "a", "password": "${plant('password given twice')}"}`),
      () => scim.get(`/Users?filter=${encodeURIComponent(`password eq "${plant('password in a filter')}"`)}`),
      () =>
        scim.get(`/Users?filter=${encodeURIComponent(`password eq ${plant('bare password in a filter')}`)}`),
    ];
    for (const attempt of refused) expect((await attempt()).status).toBeLessThan(500);

    for (const attributes of ['password', 'userName,password']) {
      expect((await scim.get(`${path}?attributes=${attributes}`)).status).toBeLessThan(500);
    }
    await scim.post('/Users/.search', {
      schemas: [SEARCH_SCHEMA],
      filter: `password sw "${plant('password of a search')}"`,
    });
    const bulk = await scim.post('/Bulk', {
      schemas: [BULK_SCHEMA],
      Operations: [
        {
          method: 'POST',
          path: '/Users',
          bulkId: 'a',
          data: user('dan@example.com', plant('password of a Bulk')),
        },
        { method: 'POST', path: '/Users', bulkId: 'b', data: user('', plant('password refused in a Bulk')) },
        {
          method: 'PATCH',
          path,
          data: {
            schemas: [PATCH_SCHEMA],
            Operations: [{ op: 'replace', path: 'password', value: plant('password patched in a Bulk') }],
          },
        },
      ],
    });
    expect(bulk.status).toBe(200);
    expect((await scim.get(path)).status).toBe(200);
    expect((await scim.get('/Users')).status).toBe(200);
  }

  /** PagerDuty, or a proxy before it, repeats what it was sent. */
  async function secretsOfFailures(oauthId: string, apiKeyId: string) {
    const { pagerDuty } = installation;
    const key = planted.get('API key')!;
    await admin.post(`/integrations/${apiKeyId}/enable`);
    const { token } = await keyOf('second SCIM key', `/integrations/${apiKeyId}/scim-keys`, { name: 'Okta' });
    const scim = scimOf(scimify, apiKeyId, token);
    const echoes: [status: number, body: unknown, contentType?: string][] = [
      [400, { error: { message: `Refused: Token token=${key}`, code: 2001, errors: [key, { key: [key] }] } }],
      [403, { error: { message: `Access Denied to ${key}`, code: 2010 } }],
      [422, { error: [`${'x'.repeat(490)} ${key}`] }],
      [500, `<html>Authorization: Token token=${key}</html>`],
      [200, `not JSON: ${key}`, 'application/json'],
      [401, { error: { message: `Unknown key ${key}` } }],
    ];
    for (const [index, [status, body, contentType]] of echoes.entries()) {
      const fault = pagerDuty.inject({ status, body, ...(contentType ? { contentType } : {}) });
      await scim.createGroup(`Refused ${index}`);
      await waitFor(
        'the failure',
        async () => {
          // The reason that stopped it last time may have been recorded only now.
          await admin.post(`/integrations/${apiKeyId}/sync`);
          return fault.hits();
        },
        (hits) => hits > 0,
      );
      await admin.post(`/integrations/${apiKeyId}/connection-test`);
      await admin.get(`/integrations/${apiKeyId}/plan`);
      await admin.get(`/integrations/${apiKeyId}/groups`);
      await shown(apiKeyId);
      pagerDuty.clearFaults();
      await admin.post(`/integrations/${apiKeyId}/sync`);
    }
    pagerDuty.removeKey(key);
    await admin.post(`/integrations/${apiKeyId}/connection-test`);
    pagerDuty.inject({ path: '/oauth/token', drop: true });
    expect((await admin.post(`/integrations/${oauthId}/connection-test`)).body.ok).toBe(false);
    pagerDuty.clearFaults();
  }

  async function everyRow(): Promise<Record<string, string[]>> {
    const options = readerOptions(installation.database.settings, ENTITIES);
    const reader = await new DataSource(options).initialize();
    try {
      const tables: Record<string, string[]> = {};
      for (const { tableName } of reader.entityMetadatas) {
        const found: object[] = await reader.query(`SELECT * FROM ${tableName}`);
        tables[tableName] = found.map((row) => JSON.stringify(row));
      }
      return tables;
    } finally {
      await reader.destroy();
    }
  }

  /** The planted secrets that a text contains, as they are or as HTTP and JSON encode them. */
  const found = (text: string, except?: string) =>
    [...planted]
      .filter(([, secret]) => secret !== except)
      .filter(([, secret]) => {
        const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -1);
        return [secret, encodeURIComponent(secret), base64].some((form) => text.includes(form));
      })
      .map(([what]) => what);

  it('is in no line of the log, at its most talkative', () => {
    const lines = scimify.printed.split('\n');
    expect(lines.length).toBeGreaterThan(200);
    expect(scimify.printed).toContain('"path":"/scim/v2/');
    expect(lines.filter((line) => found(line).length > 0)).toEqual([]);
  });

  it('is in no answer but the one that shows a new key', () => {
    const { answers } = tap;
    expect(answers.length).toBeGreaterThan(200);
    const telling = answers.filter(({ text }) => found(text).length > 0);
    const wrongly = telling.filter(({ creates }) => !creates);
    expect(wrongly.map(({ asked, text }) => [asked, found(text), text.slice(text.indexOf('\n'))])).toEqual(
      [],
    );
    for (const { text } of telling) {
      const token = (JSON.parse(text.slice(text.indexOf('\n') + 1)) as { token: string }).token;
      expect(tokens).toContain(token);
      expect(text.split(token)).toHaveLength(2);
      expect(found(text, token)).toEqual([]);
    }
    expect(telling).toHaveLength(tokens.length);
  });

  it('is in no row of any table', () => {
    for (const table of [
      'integration',
      'scim_key',
      'admin_key',
      'scim_user',
      'audit_event',
      'refused_write',
    ]) {
      expect([table, rows[table]!.length]).not.toEqual([table, 0]);
    }
    const telling = Object.entries(rows).flatMap(([table, lines]) =>
      lines.filter((line) => found(line).length > 0).map((line) => `${table}: ${line}`),
    );
    expect(telling).toEqual([]);
  });

  it('is nowhere else in the file of the database', () => {
    const { settings } = installation.database;
    if (settings.kind !== 'sqlite') return;
    const bytes = [settings.path, `${settings.path}-wal`]
      .filter((path) => existsSync(path))
      .map((path) => readFileSync(path).toString('latin1'))
      .join('');
    expect(bytes).toContain('carol@example.com');
    expect(found(bytes)).toEqual([]);
  });
});
