import { randomUUID } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { HeldChange } from '../../src/provisioning/guard/guard.entities';
import { adminWithRole } from '../support/admin-keys';
import { HttpClient } from '../support/http';
import { openApiOperations } from '../support/open-api';
import { Scimify, type TestIntegration } from '../support/scimify';

const ROLES = ['viewer', 'admin', 'owner', 'platform'] as const;
type Role = (typeof ROLES)[number];

/**
 * The lowest role that may call each operation. A new operation needs a decision here, besides the one in its
 * controller.
 */
const LEAST_ROLE: Record<string, Role> = {
  'POST /tenants': 'platform',
  'GET /tenants': 'viewer',
  'GET /tenants/{tenantId}': 'viewer',
  'PATCH /tenants/{tenantId}': 'owner',
  'DELETE /tenants/{tenantId}': 'platform',

  'POST /tenants/{tenantId}/admin-keys': 'owner',
  'GET /tenants/{tenantId}/admin-keys': 'viewer',
  'DELETE /admin-keys/{id}': 'owner',
  'POST /admin-keys': 'platform',
  'GET /admin-keys': 'platform',

  'GET /tenants/{tenantId}/audit-events': 'viewer',
  'GET /tenants/{tenantId}/audit-events/export': 'viewer',
  'GET /audit-events': 'platform',
  'GET /audit-events/export': 'platform',

  'GET /providers': 'viewer',

  'POST /tenants/{tenantId}/integrations': 'admin',
  'GET /tenants/{tenantId}/integrations': 'viewer',
  'GET /integrations/{id}': 'viewer',
  'PATCH /integrations/{id}': 'admin',
  'DELETE /integrations/{id}': 'owner',
  'POST /integrations/{id}/enable': 'admin',
  'POST /integrations/{id}/pause': 'admin',
  'POST /integrations/{id}/disable': 'admin',
  'POST /integrations/{id}/rebind': 'owner',
  'PUT /integrations/{id}/secret': 'owner',
  'POST /integrations/{id}/connection-test': 'admin',
  'GET /integrations/{id}/overview': 'viewer',

  'POST /integrations/{id}/scim-keys': 'admin',
  'GET /integrations/{id}/scim-keys': 'viewer',
  'DELETE /scim-keys/{id}': 'admin',

  'GET /integrations/{id}/groups': 'viewer',
  'GET /integrations/{id}/groups/{groupId}': 'viewer',
  'GET /integrations/{id}/groups/{groupId}/members': 'viewer',
  'POST /integrations/{id}/groups/{groupId}/retry': 'admin',
  'POST /integrations/{id}/groups/{groupId}/release': 'admin',
  'GET /integrations/{id}/users': 'viewer',
  'PUT /integrations/{id}/users/{userId}/remote-link': 'admin',
  'DELETE /integrations/{id}/users/{userId}/remote-link': 'admin',

  'GET /integrations/{id}/plan': 'viewer',
  'GET /integrations/{id}/groups/{groupId}/plan': 'viewer',
  'POST /integrations/{id}/sync': 'admin',
  'POST /integrations/{id}/reconcile': 'admin',
  'GET /integrations/{id}/drift': 'viewer',

  'GET /integrations/{id}/held-changes': 'viewer',
  'GET /held-changes/{id}/items': 'viewer',
  'POST /held-changes/{id}/approve': 'admin',
  'POST /held-changes/{id}/reject': 'admin',
  'DELETE /held-changes/{id}': 'admin',
  'GET /integrations/{id}/refused-writes': 'viewer',
  'DELETE /integrations/{id}/refused-writes/{refusedWriteId}': 'admin',
};

/** An accepted body for each operation that requires one. */
const BODIES: Record<string, (scimify: Scimify) => object> = {
  'POST /tenants': () => ({ name: 'New' }),
  'PATCH /tenants/{tenantId}': () => ({ name: 'Acme' }),
  'POST /tenants/{tenantId}/admin-keys': () => ({ name: 'Viewer', role: 'viewer' }),
  'POST /admin-keys': () => ({ name: 'Platform' }),
  'POST /tenants/{tenantId}/integrations': ({ pagerDuty }) => ({
    provider: 'pagerduty',
    name: 'PagerDuty',
    settings: { authMethod: 'api_key' },
    secret: pagerDuty.addApiKey(),
  }),
  'PATCH /integrations/{id}': () => ({ name: 'PagerDuty' }),
  'POST /integrations/{id}/rebind': () => ({}),
  'PUT /integrations/{id}/secret': ({ pagerDuty }) => ({ secret: pagerDuty.addApiKey() }),
  'POST /integrations/{id}/scim-keys': () => ({ name: 'Okta' }),
  'POST /integrations/{id}/groups/{groupId}/release': () => ({ mode: 'leave' }),
  'PUT /integrations/{id}/users/{userId}/remote-link': ({ pagerDuty }) => ({
    remoteUserId: pagerDuty.addUser({ email: `${randomUUID()}@example.com` }).id,
  }),
  'POST /integrations/{id}/reconcile': () => ({}),
  'POST /held-changes/{id}/reject': () => ({}),
};

/**
 * Creates what a path needs, by the segment before its parameter: always new, because the request may delete it.
 */
class Targets {
  constructor(
    private readonly scimify: Scimify,
    private readonly tenantId: string,
  ) {}

  /** @returns the path with the ids of new resources */
  async pathOf(operation: string): Promise<string> {
    // The tenant must be empty, and its deletion must not delete the resources of the other cases.
    if (operation === 'DELETE /tenants/{tenantId}') return `/tenants/${await this.scimify.createTenant()}`;
    let made: Promise<TestIntegration> | undefined;
    const integration = () => (made ??= this.newIntegration());
    const path: string[] = [];
    for (const segment of operation.split(' ')[1]!.split('/')) {
      path.push(segment.startsWith('{') ? await this.make(path.at(-1)!, integration) : segment);
    }
    return path.join('/');
  }

  private async make(kind: string, integration: () => Promise<TestIntegration>): Promise<string> {
    const { admin } = this.scimify;
    switch (kind) {
      case 'tenants':
        return this.tenantId;
      case 'integrations':
        return (await integration()).id;
      case 'groups':
        return (await integration()).scim.createGroup('Platform');
      case 'users':
        return (await integration()).scim.createUser('ada@example.com');
      case 'scim-keys': {
        const { id } = await integration();
        return (await admin.post(`/integrations/${id}/scim-keys`, { name: 'Okta' })).body.id;
      }
      case 'admin-keys': {
        const key = { name: 'Viewer', role: 'viewer' };
        return (await admin.post(`/tenants/${this.tenantId}/admin-keys`, key)).body.id;
      }
      case 'refused-writes': {
        const { id, scim } = await integration();
        await scim.post('/Groups', { displayName: '' });
        return (await admin.get(`/integrations/${id}/refused-writes`)).body.items[0].id;
      }
      case 'held-changes':
        return this.holdChange((await integration()).id);
      default:
        throw new Error(`Nothing is known of what stands behind /${kind}/`);
    }
  }

  private newIntegration(): Promise<TestIntegration> {
    return this.scimify.createIntegration({ tenantId: this.tenantId, authMethod: 'api_key', enable: false });
  }

  private async holdChange(integrationId: string): Promise<string> {
    const id = uuid();
    const change = {
      id,
      integrationId,
      scope: 'team' as const,
      message: 'Too many',
      createdAt: Date.now(),
      revision: 1,
      listedRevision: 1,
    };
    await this.scimify.app.get(TransactionRunner).run((tx) => tx.manager.insert(HeldChange, change));
    return id;
  }
}

describe('who may do what', () => {
  let scimify: Scimify;
  let targets: Targets;
  let tenantId: string;
  const own: Partial<Record<Role, HttpClient>> = {};
  const foreign: Partial<Record<Role, HttpClient>> = {};
  let nobody: HttpClient;

  beforeAll(async () => {
    // Each operation creates its own resources.
    scimify = await Scimify.start({ SCIMIFY_MAX_INTEGRATIONS: '1000', SCIMIFY_MAX_ADMIN_KEYS: '1000' });
    tenantId = await scimify.createTenant();
    targets = new Targets(scimify, tenantId);
    const otherTenantId = await scimify.createTenant('Other');
    for (const role of ['viewer', 'admin', 'owner'] as const) {
      own[role] = await adminWithRole(scimify, tenantId, role);
      foreign[role] = await adminWithRole(scimify, otherTenantId, role);
    }
    own.platform = scimify.admin;
    nobody = new HttpClient(`${scimify.url}/api/v1`, {});
  });

  afterAll(() => scimify.stop());

  const operations = openApiOperations().filter(({ path }) => path.startsWith('/api/v1/'));
  const nameOf = ({ method, path }: { method: string; path: string }) =>
    `${method.toUpperCase()} ${path.replace('/api/v1', '')}`;

  it('is decided for each operation, and for no other', () => {
    expect(Object.keys(LEAST_ROLE).sort()).toEqual(operations.map(nameOf).sort());
  });

  it.each(operations.map((operation) => [nameOf(operation), operation] as const))(
    '%s: as decided, in the own tenant and in another',
    async (name, { operation }) => {
      const least = LEAST_ROLE[name]!;
      expect(operation['x-least-role']).toBe(least);
      const mayBe = (role: Role) => ROLES.indexOf(role) >= ROLES.indexOf(least);
      const send = (client: HttpClient, path: string) =>
        client.send(name.split(' ')[0]!, path, BODIES[name]?.(scimify));

      const standing = await targets.pathOf(name);
      expect({ nobody: (await send(nobody, standing)).status }).toEqual({ nobody: 401 });
      const namesATenant = name.includes('{');
      for (const [role, client] of Object.entries(foreign) as [Role, HttpClient][]) {
        const answer = await send(client, standing);
        const expected = !mayBe(role) ? 'forbidden' : namesATenant ? 'not found' : 'done';
        expect({ foreign: role, is: outcomeOf(answer.status) }).toEqual({ foreign: role, is: expected });
        expect(JSON.stringify(answer.body)).not.toContain(tenantId);
      }
      for (const [role, client] of Object.entries(own) as [Role, HttpClient][]) {
        const path = mayBe(role) ? await targets.pathOf(name) : standing;
        const { status } = await send(client, path);
        expect({ own: role, is: outcomeOf(status), status }).toEqual({
          own: role,
          is: mayBe(role) ? 'done' : 'forbidden',
          status,
        });
      }
    },
  );
});

function outcomeOf(status: number): string {
  if (status < 300) return 'done';
  return { 403: 'forbidden', 404: 'not found' }[status] ?? String(status);
}
