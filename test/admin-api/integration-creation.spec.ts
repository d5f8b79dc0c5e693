import { adminWithRole } from '../support/admin-keys';
import { Scimify, WITHOUT_GUARD } from '../support/scimify';

describe('an integration that is created', () => {
  let scimify: Scimify;
  let tenantId: string;
  let secret: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    tenantId = await scimify.createTenant();
    secret = scimify.pagerDuty.addApiKey();
  });

  afterEach(() => scimify.stop());

  const create = (admin = scimify.admin, policies?: object) =>
    admin.post(`/tenants/${tenantId}/integrations`, {
      provider: 'pagerduty',
      name: 'PagerDuty',
      settings: { authMethod: 'api_key', groupDescription: 'From Okta' },
      secret,
      policies,
    });

  it('takes another guard than the default from an owner only, in the words of a change', async () => {
    const admin = await adminWithRole(scimify, tenantId, 'admin');
    const owner = await adminWithRole(scimify, tenantId, 'owner');
    const refused = await create(admin, WITHOUT_GUARD);
    expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await create(admin, { guard: { teamPercent: 60 } })).status).toBe(403);
    expect((await scimify.admin.get(`/tenants/${tenantId}/integrations`)).body.items).toEqual([]);

    const { body } = await create(owner, WITHOUT_GUARD);
    expect(body).toMatchObject({ policies: WITHOUT_GUARD });
    const changed = await admin.patch(`/integrations/${body.id}`, {
      policies: { guard: { teamPercent: 1 } },
    });
    expect(changed).toMatchObject({ status: 403, body: { detail: refused.body.detail } });
  });

  it('has the default guard where an admin says so, or says nothing of it', async () => {
    const admin = await adminWithRole(scimify, tenantId, 'admin');
    expect((await create(admin, { existingTeams: 'fail' })).status).toBe(201);
    expect((await create(admin, { guard: { teamPercent: 50, deletedTeams: 10 } })).status).toBe(201);
    expect((await create(scimify.admin, WITHOUT_GUARD)).status).toBe(201);
  });

  it('is made by an admin too, with its first secret; from then on only an owner decides about the account', async () => {
    const admin = await adminWithRole(scimify, tenantId, 'admin');
    const { status, body } = await create(admin);
    expect(status).toBe(201);
    const other = { secret: scimify.pagerDuty.addApiKey() };
    expect((await admin.send('PUT', `/integrations/${body.id}/secret`, other)).status).toBe(403);
    expect((await admin.post(`/integrations/${body.id}/rebind`, other)).status).toBe(403);
    const elsewhere = { settings: { accountRegion: 'eu' } };
    expect((await admin.patch(`/integrations/${body.id}`, elsewhere)).status).toBe(403);
  });

  it('is written down with all that was decided, but for the secret', async () => {
    const { body } = await create(scimify.admin, { existingTeams: 'fail', guard: { teamPercent: 60 } });
    const { items } = (
      await scimify.admin.get(`/tenants/${tenantId}/audit-events?action=integration.created`)
    ).body;
    expect(items).toMatchObject([
      {
        actor: { name: 'SCIMIFY_ADMIN_KEY' },
        target: { id: body.id },
        detail: {
          provider: 'pagerduty',
          name: 'PagerDuty',
          settings: body.settings,
          policies: body.policies,
        },
      },
    ]);
    expect(items[0].detail.policies).toMatchObject({ existingTeams: 'fail', guard: { teamPercent: 60 } });
    expect(JSON.stringify(items)).not.toContain(secret);
  });
});
