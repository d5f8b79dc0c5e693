import type { HttpClient } from '../support/http';
import { adminWithRole } from '../support/admin-keys';
import { Scimify, type TestIntegration } from '../support/scimify';

describe('who may end, move or rename things', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  const by: Record<string, HttpClient> = {};

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key', enable: false });
    for (const role of ['viewer', 'admin', 'owner'] as const) {
      by[role] = await adminWithRole(scimify, integration.tenantId, role);
    }
    by.stranger = await adminWithRole(scimify, await scimify.createTenant('Other'), 'owner');
  });

  afterAll(() => scimify.stop());

  it.each([
    { what: 'renaming the tenant', viewer: 403, admin: 403, owner: 200, stranger: 404 },
    { what: 'letting a group go', viewer: 403, admin: 202, owner: 404, stranger: 404 },
    { what: 'a rebind', viewer: 403, admin: 403, owner: 200, stranger: 404 },
    { what: 'deleting the integration', viewer: 403, admin: 403, owner: 202, stranger: 404 },
    { what: 'deleting the tenant', viewer: 403, admin: 403, owner: 403, stranger: 403 },
  ])('$what', async ({ what, ...expected }) => {
    const group = what === 'letting a group go' ? await integration.scim.createGroup('Platform') : '';
    const ask = (client: HttpClient) => {
      switch (what) {
        case 'renaming the tenant':
          return client.patch(`/tenants/${integration.tenantId}`, { name: 'Acme' });
        case 'letting a group go':
          return client.post(`/integrations/${integration.id}/groups/${group}/release`, { mode: 'leave' });
        case 'a rebind':
          return client.post(`/integrations/${integration.id}/rebind`, {});
        case 'deleting the integration':
          return client.delete(`/integrations/${integration.id}`);
        default:
          return client.delete(`/tenants/${integration.tenantId}`);
      }
    };
    for (const [role, status] of Object.entries(expected)) {
      expect({ role, status: (await ask(by[role]!)).status }).toEqual({ role, status });
    }
  });
});
