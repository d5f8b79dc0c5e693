import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { CredentialTrials } from '../../src/integrations/connection-test/credential-trials';
import { CHECKS, REMEDIES } from '../../src/pagerduty/diagnosis-checks';
import { makeToken } from '../../src/security/token';
import { AdminKey, type AdminRole } from '../../src/tenants/admin-keys/admin-key.entity';
import type { NewApiKey } from '../../simulator/simulator';
import { HttpClient } from '../support/http';
import { type NewTestIntegration, Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

const NOBODY = '00000000-0000-7000-8000-000000000000';

describe('the connection test', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });
  afterAll(() => scimify.stop());
  beforeEach(() => {
    scimify.pagerDuty.reset();
    scimify.pagerDuty.setAbility('teams', true);
    scimify.pagerDuty.addUser({ email: 'owner@acme.example', role: 'owner' });
  });

  const test = (id: string) => scimify.admin.post(`/integrations/${id}/connection-test`);
  const integrationNow = async (id: string) => (await scimify.admin.get(`/integrations/${id}`)).body;
  const putSecret = (id: string, secret: unknown) =>
    scimify.admin.put(`/integrations/${id}/secret`, { secret });
  const paused = (options: NewTestIntegration) => scimify.createIntegration({ enable: false, ...options });

  async function withKey(key: NewApiKey = {}): Promise<TestIntegration & { key: string }> {
    const secret = scimify.pagerDuty.addApiKey(key);
    const tenantId = await scimify.createTenant();
    const { body } = await scimify.admin.post(`/tenants/${tenantId}/integrations`, {
      provider: 'pagerduty',
      name: 'PagerDuty',
      settings: { authMethod: 'api_key' },
      secret,
    });
    return { id: body.id, tenantId, scimKey: '', scim: scimify.scimWith(body.id, ''), key: secret };
  }

  async function adminOf(tenantId: string, role: AdminRole): Promise<HttpClient> {
    const { token, prefix, hash } = makeToken('admin');
    const key = { id: uuid(), tenantId, name: role, role, prefix, tokenHash: hash, createdAt: Date.now() };
    const transactions = scimify.app.get(TransactionRunner);
    await transactions.run((tx) => tx.manager.insert(AdminKey, key));
    return new HttpClient(`${scimify.url}/api/v1`, { Authorization: `Bearer ${token}` });
  }

  const clientIdOf = async ({ id }: TestIntegration): Promise<string> =>
    (await integrationNow(id)).settings.clientId;

  async function audited(integrationId: string, action: string): Promise<any[]> {
    const rows = await scimify.app
      .get<DataSource>(getDataSourceToken())
      .query('SELECT * FROM audit_event WHERE integrationId = ? AND action = ? ORDER BY id', [
        integrationId,
        action,
      ]);
    return rows as any[];
  }

  it.each(['oauth', 'api_key'] as const)('passes for a good credential (%s)', async (authMethod) => {
    const { id } = await paused({ authMethod });
    const answer = await test(id);
    expect(answer.status).toBe(200);
    expect(answer.body.ok).toBe(true);
    expect(answer.body.checks.map(({ id: check }: any) => check)).toEqual(Object.keys(CHECKS));
    for (const check of answer.body.checks) {
      expect(Object.keys(check).sort()).toEqual(['id', 'message', 'remedy', 'status', 'title']);
    }
    expect(await integrationNow(id)).toMatchObject({
      mode: 'paused',
      account: { name: 'acme', url: 'https://acme.pagerduty.com' },
      connection: { status: 'ok', reason: null, message: null, checkedAt: expect.any(String) },
    });
    expect(await audited(id, 'integration.connection_tested')).toMatchObject([{ outcome: 'succeeded' }]);
  });

  /** Each line of the guide's troubleshooting about the connection. */
  it.each<[string, string, string, string, () => Promise<TestIntegration>]>([
    [
      'the app is of another type',
      'credential',
      'oauth_client_refused',
      REMEDIES.appType,
      () => {
        scimify.pagerDuty.inject({
          path: '/oauth/token',
          status: 400,
          body: { error: 'unauthorized_client' },
        });
        return paused({});
      },
    ],
    [
      'the client secret is wrong',
      'credential',
      'oauth_client_refused',
      REMEDIES.client,
      async () => {
        const integration = await paused({});
        scimify.pagerDuty.setClientSecret(await clientIdOf(integration), 'another-secret');
        return integration;
      },
    ],
    [
      'a scope is missing',
      'scope_teams_write',
      'scopes_missing',
      REMEDIES.scope('teams.write'),
      async () => {
        const integration = await paused({});
        const clientId = await clientIdOf(integration);
        scimify.pagerDuty.setClientScopes(clientId, ['teams.read', 'users.read']);
        return integration;
      },
    ],
    [
      'the subdomain is wrong',
      'credential',
      'oauth_scope_refused',
      REMEDIES.accountOrScopes,
      () => paused({ settings: { accountSubdomain: 'acme-typo' } }),
    ],
    [
      'the region of the app is wrong',
      'account',
      'region_wrong',
      REMEDIES.region('us'),
      () => paused({ settings: { accountRegion: 'eu' } }),
    ],
    [
      'the region of the key is wrong',
      'account',
      'region_wrong',
      REMEDIES.region('us'),
      () => paused({ authMethod: 'api_key', settings: { accountRegion: 'eu' } }),
    ],
    [
      'the key is revoked',
      'credential',
      'unauthorized',
      REMEDIES.key,
      async () => {
        const integration = await withKey();
        scimify.pagerDuty.removeKey(integration.key);
        return integration;
      },
    ],
    [
      'the key is disabled',
      'credential',
      'unauthorized',
      REMEDIES.key,
      async () => {
        const integration = await withKey();
        scimify.pagerDuty.disableKey(integration.key);
        return integration;
      },
    ],
    [
      'the key is read-only',
      'teams_writable',
      'key_read_only',
      REMEDIES.readOnly,
      () => withKey({ readOnly: true }),
    ],
    [
      'the plan has no teams',
      'teams_ability',
      'teams_ability_missing',
      REMEDIES.ability,
      () => {
        scimify.pagerDuty.setAbility('teams', false);
        return withKey();
      },
    ],
    [
      'PagerDuty has an outage',
      'address',
      'server_error',
      REMEDIES.outage,
      () => {
        scimify.pagerDuty.inject({ path: '/users', status: 503 });
        return withKey();
      },
    ],
  ])('says that %s', async (_, check, reason, remedy, prepare) => {
    const { id } = await prepare();
    const { status, body } = await test(id);
    expect(status).toBe(200);
    expect(body.ok).toBe(false);
    expect(body.checks.find(({ status }: any) => status === 'failed')).toMatchObject({ id: check, remedy });
    const { connection, account } = await integrationNow(id);
    expect(connection).toMatchObject({
      status: 'failed',
      reason,
      message: expect.stringContaining(remedy),
      checkedAt: expect.any(String),
    });
    expect(account).toBeNull();
    expect(await audited(id, 'integration.connection_tested')).toMatchObject([{ outcome: 'failed' }]);
  });

  it('warns of the key of a person, and is content all the same', async () => {
    const ada = scimify.pagerDuty.addUser({ email: 'ada@acme.example', role: 'admin' });
    const { id } = await withKey({ kind: 'user', userId: ada.id });
    const { body } = await test(id);
    expect(body.ok).toBe(true);
    expect(body.checks.find(({ status }: any) => status === 'warning')).toMatchObject({
      id: 'key_owner',
      remedy: REMEDIES.userKey,
    });
  });

  it('does not let a secret with spaces in, nor an unknown field, nor a missing secret', async () => {
    const { id, key } = await withKey();
    for (const secret of [` ${key}`, `${key} `, `${key}\n`, `Token token=${key}`]) {
      const answer = await putSecret(id, secret);
      expect(answer.status).toBe(400);
      expect(answer.body.errors[0].field).toBe('secret');
      expect(JSON.stringify(answer.body)).not.toContain(key);
    }
    expect((await putSecret(id, 7)).status).toBe(400);
    expect((await scimify.admin.put(`/integrations/${id}/secret`, {})).status).toBe(400);
    expect(scimify.pagerDuty.calls()).toHaveLength(0);
  });

  it('names another account than the one of before, and does not take it over', async () => {
    const { id, key } = await withKey();
    expect((await test(id)).body.ok).toBe(true);
    const beta = scimify.pagerDuty.addAccount({ subdomain: 'beta', region: 'us' });
    beta.addUser({ email: 'owner@beta.example', role: 'owner' });
    scimify.pagerDuty.removeKey(key);
    beta.addApiKey({ key });
    const { body } = await test(id);
    expect(body.ok).toBe(false);
    expect(body.checks.at(-1)).toMatchObject({ id: 'same_account', status: 'failed' });
    expect(await integrationNow(id)).toMatchObject({
      account: { name: 'acme' },
      connection: { status: 'failed', reason: 'account_mismatch' },
    });
  });

  it('ends the suspension of an integration once it passes', async () => {
    const integration = await paused({});
    const clientId = await clientIdOf(integration);
    scimify.pagerDuty.setClientScopes(clientId, ['teams.read', 'users.read']);
    await integration.scim.createGroup('SRE');
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    const suspended = await waitFor(
      'the integration to be suspended',
      () => integrationNow(integration.id),
      ({ suspension }) => suspension !== null,
    );
    expect(suspended.suspension.reason).toBe('scopes_missing');
    expect((await test(integration.id)).body.ok).toBe(false);
    expect((await integrationNow(integration.id)).suspension).not.toBeNull();

    scimify.pagerDuty.setClientScopes(clientId, ['teams.read', 'teams.write', 'users.read']);
    expect((await test(integration.id)).body.ok).toBe(true);
    expect((await integrationNow(integration.id)).suspension).toBeNull();
  });

  it('asks for the role that each route needs', async () => {
    const { id, tenantId, key } = await withKey();
    const by: Record<string, HttpClient> = {};
    for (const role of ['viewer', 'admin', 'owner'] as const) by[role] = await adminOf(tenantId, role);
    const stranger = await adminOf(await scimify.createTenant('Other'), 'owner');
    const testBy = async (admin: HttpClient) =>
      (await admin.post(`/integrations/${id}/connection-test`)).status;
    const putBy = async (admin: HttpClient) =>
      (await admin.put(`/integrations/${id}/secret`, { secret: key })).status;

    expect((await by.viewer!.get('/providers')).status).toBe(200);
    expect(await testBy(by.viewer!)).toBe(403);
    expect(await testBy(by.admin!)).toBe(200);
    expect(await putBy(by.admin!)).toBe(403);
    expect(await putBy(by.owner!)).toBe(204);
    expect(await testBy(stranger)).toBe(404);
    expect(await putBy(stranger)).toBe(404);
  });

  it('is not there for strangers and for integrations that are not', async () => {
    const { id } = await withKey();
    const anonymous = new HttpClient(`${scimify.url}/api/v1`, {});
    expect((await anonymous.post(`/integrations/${id}/connection-test`)).status).toBe(401);
    expect((await anonymous.put(`/integrations/${id}/secret`, { secret: 'x' })).status).toBe(401);
    expect((await test(NOBODY)).status).toBe(404);
    expect((await putSecret(NOBODY, 'x')).status).toBe(404);
  });

  describe('a new secret', () => {
    it('is tried, then used from then on', async () => {
      const { id, key } = await withKey();
      const fresh = scimify.pagerDuty.addApiKey();
      expect((await putSecret(id, fresh)).status).toBe(204);
      expect(await integrationNow(id)).toMatchObject({
        connection: { status: 'ok' },
        account: { name: 'acme' },
      });
      scimify.pagerDuty.removeKey(key);
      expect((await test(id)).body.ok).toBe(true);
      expect(await audited(id, 'integration.secret_changed')).toMatchObject([{ outcome: 'succeeded' }]);
    });

    it('of an app is tried with a token of its own', async () => {
      const integration = await paused({});
      const clientId = await clientIdOf(integration);
      scimify.pagerDuty.setClientSecret(clientId, 'a-new-secret');
      expect((await putSecret(integration.id, 'a-new-secret')).status).toBe(204);
      expect((await test(integration.id)).body.ok).toBe(true);
    });

    it('that PagerDuty refuses is not stored', async () => {
      const { id } = await withKey();
      const answer = await putSecret(id, 'PdWrongKey1234567890');
      expect(answer.status).toBe(422);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(answer.body).toMatchObject({
        code: 'secret_refused',
        detail: expect.stringContaining(REMEDIES.key),
      });
      expect(JSON.stringify(answer.body)).not.toContain('PdWrongKey1234567890');
      expect((await test(id)).body.ok).toBe(true);
      const [event] = await audited(id, 'integration.secret_changed');
      expect(event.outcome).toBe('failed');
      expect(JSON.stringify(event)).not.toContain('PdWrongKey1234567890');
    });

    it('that may only read is not stored', async () => {
      const { id } = await withKey();
      const answer = await putSecret(id, scimify.pagerDuty.addApiKey({ readOnly: true }));
      expect(answer.status).toBe(422);
      expect(answer.body.detail).toContain(REMEDIES.readOnly);
    });

    it.each(['us', 'eu'] as const)('of another account is not stored (%s)', async (region) => {
      const { id } = await withKey();
      await test(id);
      const beta = scimify.pagerDuty.addAccount({ subdomain: 'beta', region });
      beta.addUser({ email: 'owner@beta.example', role: 'owner' });
      const answer = await putSecret(id, beta.addApiKey());
      expect(answer.status).toBe(409);
      expect(answer.body.code).toBe('account_mismatch');
      expect(answer.body.detail).toContain('https://acme.pagerduty.com');
      scimify.pagerDuty.clearCalls();
      await test(id);
      const accounts = scimify.pagerDuty.calls().map(({ credential }) => credential.account);
      expect(new Set(accounts)).toEqual(new Set(['us.acme']));
    });

    it('of another account is not stored where the account becomes known while it is tried', async () => {
      const { id } = await withKey();
      const beta = scimify.pagerDuty.addAccount({ subdomain: 'beta', region: 'us' });
      beta.addUser({ email: 'owner@beta.example', role: 'owner' });
      const trials = scimify.app.get(CredentialTrials);
      const run = trials.run.bind(trials);
      jest.spyOn(trials, 'run').mockImplementationOnce(async (...tried) => {
        const account = await run(...tried);
        expect((await test(id)).body.ok).toBe(true);
        return account;
      });
      const answer = await putSecret(id, beta.addApiKey());
      expect(answer).toMatchObject({ status: 409, body: { code: 'account_mismatch' } });
      expect(answer.body.detail).toContain('https://beta.pagerduty.com');
      expect(answer.body.detail).toMatch(/Nothing was stored\.$/);
      expect(await integrationNow(id)).toMatchObject({ account: { name: 'acme' } });
      scimify.pagerDuty.clearCalls();
      await test(id);
      const accounts = scimify.pagerDuty.calls().map(({ credential }) => credential.account);
      expect(new Set(accounts)).toEqual(new Set(['us.acme']));
      const [event] = await audited(id, 'integration.secret_changed');
      expect(event).toMatchObject({ outcome: 'failed' });
      expect(JSON.stringify(event.detail)).toContain('account_mismatch');
    });

    it.each([
      ['an outage', { status: 503 }],
      ['the rate limit', { status: 429 }],
      ['a broken connection', { drop: true }],
    ])('is not stored during %s, and not called wrong', async (_, fault) => {
      const { id } = await withKey();
      const fresh = scimify.pagerDuty.addApiKey();
      scimify.pagerDuty.inject({ path: '/users', ...fault });
      const answer = await putSecret(id, fresh);
      expect(answer.status).toBe(503);
      expect(answer.body.code).toBe('target_unavailable');
      expect(answer.body.detail).toContain('says nothing about the credential');
      scimify.pagerDuty.clearFaults();
      scimify.pagerDuty.removeKey(fresh);
      expect((await test(id)).body.ok).toBe(true);
    });

    it('gives way to another change that was made meanwhile', async () => {
      const { id } = await withKey();
      scimify.pagerDuty.inject({ path: '/users', latencyMs: 3_000, times: 1 });
      const change = putSecret(id, scimify.pagerDuty.addApiKey());
      await waitFor(
        'the secret to be tried',
        () => scimify.pagerDuty.calls().length,
        (calls) => calls > 0,
      );
      await scimify.admin.post(`/integrations/${id}/pause`);
      const answer = await change;
      expect(answer.status).toBe(409);
      expect(answer.body.code).toBe('changed_meanwhile');
    });
  });

  it('lists the providers with what an integration has to be given', async () => {
    const { status, body } = await scimify.admin.get('/providers');
    expect(status).toBe(200);
    expect(body).toEqual({
      items: [
        {
          type: 'pagerduty',
          displayName: 'PagerDuty',
          authMethods: [expect.objectContaining({ id: 'oauth' }), expect.objectContaining({ id: 'api_key' })],
          settingsSchema: expect.objectContaining({ type: 'object', oneOf: expect.any(Array) }),
          memberRoles: ['manager', 'responder', 'observer'].map((id) => expect.objectContaining({ id })),
          guides: expect.arrayContaining([
            { title: expect.any(String), url: expect.stringContaining('https://') },
          ]),
        },
      ],
    });
  });

  it('has every title and remedy in the guide', () => {
    const guide = readFileSync(join(__dirname, '../../docs/connect-okta-and-pagerduty.md'), 'utf8').replace(
      /\s+/g,
      ' ',
    );
    const remedies = Object.values(REMEDIES).map((remedy) =>
      typeof remedy === 'string' ? remedy : remedy('…'),
    );
    const missing = [...Object.values(CHECKS), ...remedies].filter((words) => !guide.includes(words));
    expect(missing).toEqual([]);
  });
});
