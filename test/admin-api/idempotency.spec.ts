import { randomUUID } from 'node:crypto';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { adminWithRole } from '../support/admin-keys';
import { Scimify } from '../support/scimify';

describe('a creation under an Idempotency-Key', () => {
  let scimify: Scimify;

  beforeEach(async () => {
    scimify = await Scimify.start();
  });

  afterEach(() => scimify.stop());

  const create = (path: string, body: object, key: string, admin = scimify.admin) =>
    admin.post(path, body, { 'Idempotency-Key': key });
  const tenants = async () => (await scimify.admin.get('/tenants')).body.items;

  it('makes one tenant, however often it is sent', async () => {
    const key = randomUUID();
    const first = await create('/tenants', { name: 'Acme' }, key);
    const again = await create('/tenants', { name: 'Acme' }, key);
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect(await tenants()).toHaveLength(1);
  });

  it('makes one tenant also when it is sent many times at once', async () => {
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => create('/tenants', { name: 'Acme' }, key)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await tenants()).toHaveLength(1);
  });

  it('makes one tenant also when the encryption key is rotated in between', async () => {
    const key = randomUUID();
    const former = Buffer.alloc(32, 7).toString('base64');
    const { body: first } = await create('/tenants', { name: 'Acme' }, key);
    await scimify.restart({
      SCIMIFY_ENCRYPTION_KEY: `${Buffer.alloc(32, 8).toString('base64')},${former}`,
    });
    expect(await create('/tenants', { name: 'Acme' }, key)).toMatchObject({ status: 201, body: first });
    expect((await create('/tenants', { name: 'Umbrella' }, key)).status).toBe(422);
  });

  it('is refused with another body', async () => {
    const key = randomUUID();
    await create('/tenants', { name: 'Acme' }, key);
    const other = await create('/tenants', { name: 'Umbrella' }, key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    expect(await tenants()).toHaveLength(1);
  });

  it('answers an integration with its members in another order too', async () => {
    const { body: tenant } = await create('/tenants', { name: 'Acme' }, randomUUID());
    const key = randomUUID();
    const path = `/tenants/${tenant.id}/integrations`;
    const secret = 'u+0123456789abcdefgh';
    const settings = { authMethod: 'api_key', accountRegion: 'us' };
    const first = await create(path, { provider: 'pagerduty', name: 'PagerDuty', settings, secret }, key);
    expect(first.status).toBe(201);
    const again = await create(path, { secret, settings, name: 'PagerDuty', provider: 'pagerduty' }, key);
    expect(again.body).toEqual(first.body);
    expect((await scimify.admin.get(path)).body.items).toHaveLength(1);
  });

  it('does not show a token twice', async () => {
    const { body: tenant } = await create('/tenants', { name: 'Acme' }, randomUUID());
    const integration = await scimify.createIntegration({ tenantId: tenant.id });
    for (const [path, body] of [
      [`/tenants/${tenant.id}/admin-keys`, { name: 'Terraform', role: 'viewer' }],
      [`/integrations/${integration.id}/scim-keys`, { name: 'Entra' }],
      ['/admin-keys', { name: 'Second' }],
    ] as const) {
      const key = randomUUID();
      const first = await create(path, body, key);
      const again = await create(path, body, key);
      expect(first.body.token).toEqual(expect.any(String));
      expect(again).toMatchObject({ status: 201, body: { id: first.body.id, token: null } });
    }
  });

  it("is another one under another caller's same key", async () => {
    const tenantId = await scimify.createTenant();
    const owners = [
      await adminWithRole(scimify, tenantId, 'owner'),
      await adminWithRole(scimify, tenantId, 'owner'),
    ];
    const path = `/tenants/${tenantId}/admin-keys`;
    const body = { name: 'Terraform', role: 'viewer' };
    const answers = await Promise.all(owners.map((owner) => create(path, body, 'the-same', owner)));
    expect(answers[0]!.body.id).not.toBe(answers[1]!.body.id);
  });

  it('may be repeated after a refusal: that made nothing', async () => {
    const key = randomUUID();
    expect((await create('/tenants', { name: '' }, key)).status).toBe(400);
    expect((await create('/tenants', { name: 'Acme' }, key)).status).toBe(201);
  });

  it('is forgotten after a day, and neither body nor answer was kept until then', async () => {
    const key = randomUUID();
    await create('/tenants', { name: 'A name to look for' }, key);
    const reader = scimify.app.get<DataSource>(getDataSourceToken());
    const rows = await reader.query('SELECT * FROM idempotency_key');
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toMatch(/A name to look for/);
    expect(JSON.stringify(rows)).not.toContain(key);
    await scimify.app
      .get(TransactionRunner)
      .run((tx) => tx.query('UPDATE idempotency_key SET createdAt = createdAt - ?', [24 * 60 * 60_000 + 1]));
    expect((await create('/tenants', { name: 'Another body' }, key)).status).toBe(201);
    expect(await tenants()).toHaveLength(2);
  });

  it('takes no key that a header log would garble', async () => {
    expect((await create('/tenants', { name: 'Acme' }, 'two words')).status).toBe(400);
    expect((await create('/tenants', { name: 'Acme' }, 'x'.repeat(256))).status).toBe(400);
    expect(await tenants()).toEqual([]);
  });
});
