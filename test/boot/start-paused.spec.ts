import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Simulator, startSimulator } from '../../simulator/simulator';
import { type TestDatabase, createTestDatabase } from '../support/database';
import { HttpClient } from '../support/http';
import { Scimify } from '../support/scimify';
import { ScimClient } from '../support/scim-client';
import { ScimifyProcess } from '../support/scimify-process';
import { waitFor } from '../support/wait';

const ADMIN_KEY = 'start-paused-admin-key-0123456789-0123';

describe('booting with SCIMIFY_START_PAUSED', () => {
  let database: TestDatabase;
  let pagerDuty: Simulator;
  let directory: string;
  let scimify: ScimifyProcess;

  beforeEach(async () => {
    database = await createTestDatabase();
    pagerDuty = await startSimulator({ rateLimit: 100_000 });
    directory = mkdtempSync(join(tmpdir(), 'scimify-paused-'));
  });

  afterEach(async () => {
    await scimify.stop();
    await pagerDuty.close();
    await database.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  const boot = async (env: Record<string, string> = {}) => {
    scimify = await ScimifyProcess.create({
      DATABASE_URL: database.url,
      SCIMIFY_DATA_DIR: directory,
      SCIMIFY_PUBLIC_URL: 'https://scimify.example',
      SCIMIFY_ADMIN_KEY: ADMIN_KEY,
      SCIMIFY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
      SCIMIFY_NEW_DATABASE: 'true',
      SCIMIFY_LOG_LEVEL: 'warn',
      PAGERDUTY_API_URL: pagerDuty.url,
      PAGERDUTY_IDENTITY_URL: pagerDuty.url,
      ...env,
    });
    await scimify.start();
    return new HttpClient(`${scimify.url}/api/v1`, { Authorization: `Bearer ${ADMIN_KEY}` });
  };

  const writes = () => pagerDuty.calls().filter(({ method }) => method !== 'GET');
  const members = () => pagerDuty.team('On-call')?.members.map(({ email }) => email) ?? [];

  it('accepts what the IdP says and writes nothing, until an admin enables the integration', async () => {
    for (const name of ['ada', 'bo']) pagerDuty.addUser({ email: `${name}@example.com` });
    let admin = await boot();
    const tenant = await admin.post('/tenants', { name: 'Acme' });
    const created = await admin.post(`/tenants/${tenant.body.id}/integrations`, {
      provider: 'pagerduty',
      name: 'PagerDuty',
      settings: { authMethod: 'api_key' },
      secret: pagerDuty.addApiKey(),
    });
    const { id } = created.body;
    const { body: key } = await admin.post(`/integrations/${id}/scim-keys`, { name: 'Okta' });
    await admin.post(`/integrations/${id}/enable`);
    const before = new ScimClient(`${scimify.url}/scim/v2/${id}`, key.token);
    const [ada, bo] = await before.createUsers(['ada@example.com', 'bo@example.com']);
    const group = await before.createGroup('On-call', [ada!]);
    await waitFor('ada to join', members, (emails) => emails.length === 1);
    expect(await scimify.stop()).toBe(0);

    admin = await boot({ SCIMIFY_START_PAUSED: 'true' });
    expect((await admin.get(`/integrations/${id}`)).body).toMatchObject({ mode: 'paused' });
    pagerDuty.clearCalls();
    const scim = new ScimClient(`${scimify.url}/scim/v2/${id}`, key.token);
    expect((await scim.addMembers(group, bo!)).status).toBe(204);
    expect((await scim.removeMembers(group, ada!)).status).toBe(204);
    await admin.post(`/integrations/${id}/sync`);
    const plan = await admin.get(`/integrations/${id}/plan`);
    expect(plan.body.groups).toMatchObject([{ counts: { add: 1, remove: 1 } }]);
    const sentWhilePaused = writes();

    await admin.post(`/integrations/${id}/enable`);
    await waitFor('bo to stand in for ada', members, (emails) => emails.join() === 'bo@example.com');
    expect(sentWhilePaused).toEqual([]);
    expect(writes().map(({ method }) => method)).toEqual(['PUT', 'DELETE']);
  }, 120_000);
});

describe('what SCIMIFY_START_PAUSED pauses', () => {
  it('counts as changed since it was read, and stands in the audit with the setting as who did it', async () => {
    const scimify = await Scimify.start();
    try {
      const enabled = await scimify.createIntegration({ authMethod: 'api_key' });
      const { tenantId } = enabled;
      const disabled = await scimify.createIntegration({ authMethod: 'api_key', tenantId });
      await scimify.admin.post(`/integrations/${disabled.id}/disable`);
      const show = ({ id }: { id: string }) => scimify.admin.get(`/integrations/${id}`);
      const before = await show(enabled);
      const untouched = await show(disabled);
      for (let boot = 0; boot < 2; boot++) await scimify.restart({ SCIMIFY_START_PAUSED: 'true' });

      const after = await show(enabled);
      expect(after.body).toMatchObject({ mode: 'paused', revision: before.body.revision + 1 });
      expect(Date.parse(after.body.updatedAt)).toBeGreaterThan(Date.parse(before.body.updatedAt));
      expect((await show(disabled)).body).toMatchObject({
        mode: 'disabled',
        revision: untouched.body.revision,
      });
      const stale = { 'If-Match': before.headers.get('etag')! };
      expect((await scimify.admin.patch(`/integrations/${enabled.id}`, { name: 'Late' }, stale)).status).toBe(
        412,
      );
      const path = `/tenants/${tenantId}/audit-events?action=integration.paused`;
      expect((await scimify.admin.get(path)).body.items).toMatchObject([
        {
          actor: { kind: 'system', name: 'SCIMIFY_START_PAUSED' },
          target: { type: 'integration', id: enabled.id },
          integrationId: enabled.id,
          requestId: null,
        },
      ]);
    } finally {
      await scimify.stop();
    }
  }, 60_000);
});
