import { adminWithRole } from '../support/admin-keys';
import { Scimify } from '../support/scimify';

describe('what a known key is refused', () => {
  let scimify: Scimify;
  let tenantId: string;

  beforeAll(async () => {
    scimify = await Scimify.start();
    tenantId = await scimify.createTenant();
  });

  afterAll(() => scimify.stop());

  const refusals = async (query = ''): Promise<any[]> =>
    (await scimify.admin.get(`/tenants/${tenantId}/audit-events?action=admin_key.refused${query}`)).body
      .items;

  it('is in the audit, of each route once a minute', async () => {
    const viewer = await adminWithRole(scimify, tenantId, 'viewer');
    for (const _ of [1, 2, 3]) {
      expect((await viewer.patch(`/tenants/${tenantId}`, { name: 'Mine' })).status).toBe(403);
    }
    const { status, headers } = await viewer.get('/admin-keys');
    expect(status).toBe(403);
    const events = await refusals();
    expect(events.map(({ detail }) => detail)).toEqual([
      { method: 'GET', route: '/api/v1/admin-keys', role: 'viewer', leastRole: 'platform' },
      { method: 'PATCH', route: '/api/v1/tenants/:tenantId', role: 'viewer', leastRole: 'owner' },
    ]);
    expect(events[0]).toMatchObject({
      actor: { kind: 'admin_key', name: 'viewer' },
      outcome: 'failed',
      target: { type: 'admin_key', id: expect.any(String) },
      requestId: headers.get('x-request-id'),
    });
  });

  it('is there also where the body asks for more than the route', async () => {
    const { id } = await scimify.createIntegration({ tenantId, enable: false });
    const admin = await adminWithRole(scimify, tenantId, 'admin');
    const policies = { guard: { teamPercent: 0 } };
    expect((await admin.patch(`/integrations/${id}`, { policies })).status).toBe(403);
    expect((await refusals()).at(0)).toMatchObject({
      actor: { name: 'admin' },
      detail: { method: 'PATCH', role: 'admin', leastRole: 'admin' },
    });
  });

  it('is told apart from what others of the same name did, by the kind of actor', async () => {
    const { id } = await scimify.createIntegration({ tenantId, enable: false });
    const key = await scimify.admin.post(`/integrations/${id}/scim-keys`, { name: 'viewer' });
    await scimify.scimWith(id, key.body.token).createUser('ada@example.com');
    const kinds = async (query: string): Promise<string[]> => {
      const { body } = await scimify.admin.get(`/tenants/${tenantId}/audit-events?actor=viewer${query}`);
      return [...new Set<string>(body.items.map(({ actor }: any) => actor.kind))].sort();
    };
    expect(await kinds('')).toEqual(['admin_key', 'scim_key']);
    expect(await kinds('&actorKind=scim_key')).toEqual(['scim_key']);
    expect(await kinds('&actorKind=admin_key')).toEqual(['admin_key']);
    expect(await kinds('&actorKind=system')).toEqual([]);
    const path = `/tenants/${tenantId}/audit-events`;
    expect((await scimify.admin.get(`${path}?actorKind=nobody`)).status).toBe(400);
    const lines = String((await scimify.admin.get(`${path}/export?actorKind=scim_key`)).body.actor?.kind);
    expect(lines).toBe('scim_key');
  });
});
