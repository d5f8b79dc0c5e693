import { adminWithRole } from '../support/admin-keys';
import type { HttpClient } from '../support/http';
import { Scimify, type TestIntegration } from '../support/scimify';

describe('the quotas of a tenant', () => {
  let scimify: Scimify;
  let tenantId: string;
  let owner: HttpClient;

  beforeEach(async () => {
    scimify = await Scimify.start({
      SCIMIFY_MAX_INTEGRATIONS: '2',
      SCIMIFY_MAX_ADMIN_KEYS: '3',
      SCIMIFY_MAX_SCIM_KEYS: '2',
    });
    tenantId = await scimify.createTenant();
    owner = await adminWithRole(scimify, tenantId, 'owner');
  });

  afterEach(() => scimify.stop());

  const integrate = (): Promise<TestIntegration> =>
    scimify.createIntegration({ tenantId, authMethod: 'api_key', enable: false });
  const newIntegration = () =>
    owner.post(`/tenants/${tenantId}/integrations`, {
      provider: 'pagerduty',
      name: 'One more',
      settings: { authMethod: 'api_key' },
      secret: scimify.pagerDuty.addApiKey(),
    });
  const newAdminKey = (more: object = {}) =>
    owner.post(`/tenants/${tenantId}/admin-keys`, { name: 'One more', role: 'viewer', ...more });
  const setQuotas = (quotas: object | null, admin = scimify.admin) =>
    admin.patch(`/tenants/${tenantId}`, { quotas });
  const shown = async () => (await owner.get(`/tenants/${tenantId}`)).body;

  const reached = (name: string, limit: number) => ({
    status: 409,
    body: {
      code: 'quota_reached',
      detail: expect.stringMatching(`quota of ${limit} .*raise the quota ${name}`),
    },
  });

  it('end what an owner can make: integrations, live admin keys, live SCIM keys of an integration', async () => {
    const { id } = await integrate();
    expect((await newIntegration()).status).toBe(201);
    expect(await newIntegration()).toMatchObject(reached('integrations', 2));

    expect((await newAdminKey()).status).toBe(201);
    const { body: last } = await newAdminKey();
    expect(await newAdminKey()).toMatchObject(reached('adminKeys', 3));
    expect((await owner.delete(`/admin-keys/${last.id}`)).status).toBe(204);
    expect((await newAdminKey({ expiresAt: new Date(Date.now() + 60_000).toISOString() })).status).toBe(201);
    expect(await newAdminKey()).toMatchObject(reached('adminKeys', 3));

    const newScimKey = () => owner.post(`/integrations/${id}/scim-keys`, { name: 'One more' });
    const { body: second } = await newScimKey();
    expect(await newScimKey()).toMatchObject(reached('scimKeys', 2));
    expect((await owner.delete(`/scim-keys/${second.id}`)).status).toBe(204);
    expect((await newScimKey()).status).toBe(201);
  });

  it('hold however many ask at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, newIntegration));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409, 409]);
    const keys = await Promise.all(Array.from({ length: 5 }, () => newAdminKey()));
    expect(keys.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409]);
  });

  it('are set for one tenant by the platform alone, one by one, and end with null', async () => {
    expect(await setQuotas({ integrations: 5 }, owner)).toMatchObject({
      status: 403,
      body: { code: 'forbidden', detail: expect.stringContaining('role platform') },
    });
    expect((await shown()).quotas).toMatchObject({ integrations: 2, adminKeys: 3, scimKeys: 2 });

    expect(await setQuotas({ integrations: 0, users: 7 })).toMatchObject({
      status: 200,
      body: { quotas: { integrations: 0, users: 7, adminKeys: 3 } },
    });
    expect(await newIntegration()).toMatchObject(reached('integrations', 0));
    await setQuotas({ integrations: 1 });
    expect((await shown()).quotas).toMatchObject({ integrations: 1, users: 7 });
    expect((await newIntegration()).status).toBe(201);
    await setQuotas({ integrations: null });
    expect((await shown()).quotas).toMatchObject({ integrations: 2, users: 7 });
    await setQuotas(null);
    expect((await shown()).quotas.users).toBe(500_000);

    const other = await scimify.createTenant('Other');
    await setQuotas({ groups: 1 });
    expect((await scimify.admin.get(`/tenants/${other}`)).body.quotas.groups).toBe(20_000);
    expect((await owner.patch(`/tenants/${tenantId}`, { name: 'Renamed' })).body).toMatchObject({
      name: 'Renamed',
      quotas: { groups: 1 },
    });
  });

  it.each([{ integrations: -1 }, { integrations: 1.5 }, { integrations: '3' }, { teams: 3 }, [3], 3])(
    'are whole numbers under names that are known: %j is refused',
    async (quotas) => {
      expect(await setQuotas(quotas as object)).toMatchObject({
        status: 400,
        body: { code: 'invalid_request' },
      });
    },
  );

  it('are in the audit where they changed, with a new name beside them', async () => {
    await scimify.admin.patch(`/tenants/${tenantId}`, { name: 'Renamed', quotas: { users: 7 } });
    await scimify.admin.patch(`/tenants/${tenantId}`, { name: 'Renamed', quotas: { users: 7 } });
    const { items } = (await owner.get(`/tenants/${tenantId}/audit-events?targetType=tenant`)).body;
    expect(items.map(({ action, detail }: any) => [action, detail])).toEqual(
      expect.arrayContaining([
        ['tenant.quotas_changed', { from: null, to: { users: 7 } }],
        ['tenant.renamed', { from: 'Acme', to: 'Renamed' }],
      ]),
    );
    expect(items).toHaveLength(3);
  });

  it('are shown beside what there is, before they are reached', async () => {
    const { id } = await integrate();
    expect((await shown()).usage).toMatchObject({
      integrations: 1,
      adminKeys: 1,
      users: 0,
      groups: 0,
      memberships: 0,
    });
    const { quotas } = (await owner.get(`/integrations/${id}/overview`)).body;
    expect(quotas).toEqual({
      users: { limit: 500_000, used: expect.any(Number) },
      groups: { limit: 20_000, used: expect.any(Number) },
      memberships: { limit: 5_000_000, used: expect.any(Number) },
      scimKeys: { limit: 2, used: 1 },
    });
  });
});
