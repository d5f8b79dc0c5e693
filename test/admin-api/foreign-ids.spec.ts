import { v7 as uuid } from 'uuid';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { HeldChange } from '../../src/provisioning/guard/guard.entities';
import { adminWithRole } from '../support/admin-keys';
import type { HttpClient } from '../support/http';
import { openApiOperations } from '../support/open-api';
import { QueryLog } from '../support/query-log';
import { Scimify, type TestIntegration } from '../support/scimify';

/** What a body needs so that the operation looks at the ids at all. */
const BODIES: Record<string, object> = {
  'PATCH /tenants/{tenantId}': { name: 'Mine' },
  'POST /tenants/{tenantId}/admin-keys': { name: 'Mine', role: 'viewer' },
  'POST /tenants/{tenantId}/integrations': {
    provider: 'pagerduty',
    name: 'Mine',
    settings: { authMethod: 'api_key' },
    secret: 'a-secret-key',
  },
  'PATCH /integrations/{id}': { name: 'Mine' },
  'POST /integrations/{id}/rebind': {},
  'PUT /integrations/{id}/secret': { secret: 'a-secret-key' },
  'POST /integrations/{id}/scim-keys': { name: 'Mine' },
  'POST /integrations/{id}/groups/{groupId}/release': { mode: 'leave' },
  'PUT /integrations/{id}/users/{userId}/remote-link': { remoteUserId: 'PXPGF42' },
  'POST /integrations/{id}/reconcile': {},
  'POST /held-changes/{id}/reject': {},
};

/** Ids of one tenant, by the path segment before them. */
type Ids = Record<string, string>;

describe('what belongs to another tenant', () => {
  let scimify: Scimify;
  let owner: HttpClient;
  let log: QueryLog;
  let own: Ids;
  let foreign: Ids;

  beforeAll(async () => {
    scimify = await Scimify.start();
    own = await everything(await scimify.createTenant('Own'));
    foreign = await everything(await scimify.createTenant('Foreign'));
    owner = await adminWithRole(scimify, own.tenants!, 'owner');
    log = QueryLog.attach(scimify.app);
  });

  afterAll(() => scimify.stop());

  async function everything(tenantId: string): Promise<Ids> {
    const { admin } = scimify;
    const integration = await scimify.createIntegration({ tenantId, authMethod: 'api_key', enable: false });
    const { id, scim } = integration;
    await scim.post('/Groups', { displayName: '' });
    return {
      tenants: tenantId,
      integrations: id,
      groups: await scim.createGroup('Platform'),
      users: await scim.createUser('ada@example.com'),
      'scim-keys': (await admin.get(`/integrations/${id}/scim-keys`)).body.items[0].id,
      'admin-keys': (await admin.post(`/tenants/${tenantId}/admin-keys`, { name: 'x', role: 'viewer' })).body
        .id,
      'refused-writes': (await admin.get(`/integrations/${id}/refused-writes`)).body.items[0].id,
      'held-changes': await holdChange(integration),
    };
  }

  async function holdChange({ id: integrationId }: TestIntegration): Promise<string> {
    const id = uuid();
    const times = { createdAt: Date.now(), revision: 1, listedRevision: 1 };
    const change = { id, integrationId, scope: 'team' as const, message: 'Too many', ...times };
    await scimify.app.get(TransactionRunner).run((tx) => tx.manager.insert(HeldChange, change));
    return id;
  }

  const cases = openApiOperations()
    .filter(({ path, operation }) => path.startsWith('/api/v1/') && operation['x-least-role'] !== 'platform')
    .flatMap(({ method, path }) => {
      const name = `${method.toUpperCase()} ${path.replace('/api/v1', '')}`;
      const parameters = path.match(/\{\w+\}/g) ?? [];
      return parameters.map((parameter) => [name, parameter] as const);
    });

  it('is reached by more than forty routes', () => {
    expect(cases.length).toBeGreaterThan(40);
  });

  it.each(cases)(
    '%s: a foreign %s is answered like one that nobody has, after the same look-ups',
    async (name, parameter) => {
      const [method, path] = name.split(' ') as [string, string];
      const segments = path.split('/');
      const at = segments.indexOf(parameter);
      // Ids before the parameter are the tenant's own. The parameter and the ids behind it come from `ids`.
      const pathWith = (ids: (kind: string) => string) =>
        segments
          .map((segment, index) => {
            if (!segment.startsWith('{')) return segment;
            const kind = segments[index - 1]!;
            return index < at ? own[kind]! : ids(kind);
          })
          .join('/');
      const ask = async (ids: (kind: string) => string) => {
        log.clear();
        const asking = pathWith(ids);
        const { status, body } = await owner.send(method, asking, BODIES[name]);
        // Background jobs query the database too, but not for these ids.
        const named = new Set<unknown>([
          ...asking.split('/').filter((part) => part.length === 36),
          ...Object.values(foreign),
        ]);
        const asked = (await log.explained())
          .filter(({ parameters }) => parameters.some((parameter) => named.has(parameter)))
          .map(({ sql }) => sql);
        return { status, body: { ...body, requestId: null }, asked };
      };
      const nobodys = await ask(() => uuid());
      const foreigns = await ask((kind) => foreign[kind]!);
      expect(foreigns).toEqual(nobodys);
      expect(foreigns.status).toBe(404);
    },
  );
});
