import { adminWithRole } from '../support/admin-keys';
import { HttpClient } from '../support/http';
import { Scimify } from '../support/scimify';
import { waitFor } from '../support/wait';

describe('admin keys', () => {
  let scimify: Scimify;
  let tenantId: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    tenantId = await scimify.createTenant();
  });

  afterEach(() => scimify.stop());

  const adminWith = (token: string) =>
    new HttpClient(`${scimify.url}/api/v1`, { Authorization: `Bearer ${token}` });
  const make = (body: object, admin = scimify.admin) => admin.post(`/tenants/${tenantId}/admin-keys`, body);
  const keys = async () => (await scimify.admin.get(`/tenants/${tenantId}/admin-keys`)).body.items;

  it('are shown with their token once, and act in their tenant from then on', async () => {
    const { status, body } = await make({ name: 'Terraform', role: 'admin' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ name: 'Terraform', role: 'admin', tenantId, expiresAt: null });
    expect(body.token).toMatch(/^scimify_admin_[A-Za-z0-9_-]{43}$/);
    expect(body.token.startsWith(body.prefix)).toBe(true);

    const [listed] = await keys();
    expect(listed).toEqual({ ...body, token: undefined });
    const admin = adminWith(body.token);
    expect((await admin.get('/tenants')).body.items).toMatchObject([{ id: tenantId }]);
    await waitFor('its use to be shown', keys, ([key]) => typeof key?.lastUsedAt === 'string');
  });

  it('end at once when they are revoked, and stay listed', async () => {
    const { body } = await make({ name: 'Terraform', role: 'viewer' });
    const admin = adminWith(body.token);
    expect((await admin.get('/tenants')).status).toBe(200);
    expect((await scimify.admin.delete(`/admin-keys/${body.id}`)).status).toBe(204);
    expect((await admin.get('/tenants')).status).toBe(401);
    expect(await keys()).toMatchObject([{ id: body.id, revokedAt: expect.any(String) }]);
    expect((await scimify.admin.delete(`/admin-keys/${body.id}`)).status).toBe(204);
  });

  it('cannot be made to have ended already, nor with a role that is none of a tenant', async () => {
    const past = await make({ name: 'Late', role: 'viewer', expiresAt: '2020-01-01T00:00:00Z' });
    expect(past).toMatchObject({ status: 400, body: { errors: [{ field: 'expiresAt' }] } });
    expect((await make({ name: 'High', role: 'platform' })).status).toBe(400);
    expect((await make({ name: '', role: 'viewer' })).status).toBe(400);
    expect((await make({ name: 'Odd', role: 'viewer', scope: 'all' })).status).toBe(400);
    expect(await keys()).toEqual([]);
  });

  it('are the business of owners: an admin sees them and makes none', async () => {
    const owner = await adminWithRole(scimify, tenantId, 'owner');
    const admin = await adminWithRole(scimify, tenantId, 'admin');
    const made = await make({ name: 'By an owner', role: 'owner' }, owner);
    expect(made.status).toBe(201);
    expect((await make({ name: 'By an admin', role: 'viewer' }, admin)).status).toBe(403);
    expect((await admin.delete(`/admin-keys/${made.body.id}`)).status).toBe(403);
    expect((await admin.get(`/tenants/${tenantId}/admin-keys`)).status).toBe(200);
  });

  it('leave a tenant its last live owner key, which only a platform key revokes', async () => {
    const { body: first } = await make({ name: 'First', role: 'owner' });
    const { body: second } = await make({ name: 'Second', role: 'owner' });
    const owner = adminWith(first.token);
    expect((await owner.delete(`/admin-keys/${second.id}`)).status).toBe(204);
    expect(await owner.delete(`/admin-keys/${first.id}`)).toMatchObject({
      status: 409,
      body: { code: 'last_owner_key' },
    });
    expect((await scimify.admin.delete(`/admin-keys/${first.id}`)).status).toBe(204);
  });

  it('that expire are no owners to count on: the last one that does not is revoked by the platform only', async () => {
    const { body: lasting } = await make({ name: 'Lasting', role: 'owner' });
    const { body: expiring } = await make({
      name: 'Expiring',
      role: 'owner',
      expiresAt: '2990-01-01T00:00:00Z',
    });
    const refused = await adminWith(expiring.token).delete(`/admin-keys/${lasting.id}`);
    expect(refused).toMatchObject({ status: 409, body: { code: 'last_owner_key' } });
    expect(refused.body.detail).toContain('last owner key of the tenant that does not expire');
    expect((await adminWith(lasting.token).delete(`/admin-keys/${expiring.id}`)).status).toBe(204);
  });

  it('that expire make none, of either kind, that outlives them', async () => {
    const end = '2990-01-01T00:00:00.000Z';
    const { body: expiring } = await make({ name: 'Expiring', role: 'owner', expiresAt: end });
    const owner = adminWith(expiring.token);
    const { id } = await scimify.createIntegration({ tenantId, authMethod: 'api_key', enable: false });
    const ways: [string, object][] = [
      [`/tenants/${tenantId}/admin-keys`, { name: 'New', role: 'viewer' }],
      [`/integrations/${id}/scim-keys`, { name: 'New' }],
    ];
    for (const [path, body] of ways) {
      for (const expiresAt of [undefined, '2990-01-01T00:00:00.001Z']) {
        expect(await owner.post(path, { ...body, expiresAt })).toMatchObject({
          status: 400,
          body: {
            code: 'invalid_request',
            errors: [
              { field: 'expiresAt', message: expect.stringContaining(`must be set to ${end} or earlier`) },
            ],
          },
        });
      }
      expect(await owner.post(path, { ...body, expiresAt: end })).toMatchObject({
        status: 201,
        body: { expiresAt: end },
      });
      expect((await scimify.admin.post(path, body)).status).toBe(201);
    }
  });

  it('leave a tenant an owner also when two owners revoke each other at the same time', async () => {
    const { body: first } = await make({ name: 'First', role: 'owner' });
    const { body: second } = await make({ name: 'Second', role: 'owner' });
    const answers = await Promise.all([
      adminWith(first.token).delete(`/admin-keys/${second.id}`),
      adminWith(second.token).delete(`/admin-keys/${first.id}`),
    ]);
    expect((await keys()).filter(({ revokedAt }: { revokedAt: string | null }) => !revokedAt)).toHaveLength(
      1,
    );
    expect(answers.map(({ status }) => status).filter((status) => status === 204)).toHaveLength(1);
  });

  it('of another tenant are not to be seen', async () => {
    const { body } = await make({ name: 'Ours', role: 'viewer' });
    const stranger = await adminWithRole(scimify, await scimify.createTenant('Other'), 'owner');
    expect((await stranger.get(`/tenants/${tenantId}/admin-keys`)).status).toBe(404);
    expect((await make({ name: 'Theirs', role: 'viewer' }, stranger)).status).toBe(404);
    expect((await stranger.delete(`/admin-keys/${body.id}`)).status).toBe(404);
  });

  it('of the platform are made and seen by platform keys only', async () => {
    const { status, body } = await scimify.admin.post('/admin-keys', { name: 'Second platform key' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ role: 'platform', tenantId: null });
    const platform = adminWith(body.token);
    expect((await platform.get('/admin-keys')).body.items).toMatchObject([{ id: body.id }]);
    expect((await platform.post('/tenants', { name: 'Made by it' })).status).toBe(201);
    const owner = await adminWithRole(scimify, tenantId, 'owner');
    expect((await owner.get('/admin-keys')).status).toBe(403);
    expect((await owner.post('/admin-keys', { name: 'Mine' })).status).toBe(403);
    expect((await owner.delete(`/admin-keys/${body.id}`)).status).toBe(404);
  });

  it('are listed a page at a time', async () => {
    for (const name of ['A', 'B', 'C']) await make({ name, role: 'viewer' });
    const path = `/tenants/${tenantId}/admin-keys?limit=2`;
    const first = (await scimify.admin.get(path)).body;
    const second = (await scimify.admin.get(`${path}&cursor=${first.nextCursor}`)).body;
    const names = [...first.items, ...second.items].map(({ name }) => name);
    expect(names).toEqual(['A', 'B', 'C']);
    expect(second.nextCursor).toBeNull();
  });
});
