import { waitFor } from '../support/wait';
import { Installation, adminOf, scimOf, setUp } from '../support/installation';

const onMysql = process.env.DATABASE_URL?.startsWith('mysql:') ?? false;

const OLD = Buffer.alloc(32, 'old').toString('base64');
const NEW = Buffer.alloc(32, 'new').toString('base64');
const keys = (...given: string[]) => ({ SCIMIFY_ENCRYPTION_KEY: given.join(',') });

const MORE_THAN_A_BATCH = 105;

describe('changing the encryption key', () => {
  let installation: Installation;

  beforeEach(async () => {
    installation = await Installation.create();
  });

  afterEach(() => installation.remove());

  const rotate = (...given: string[]) => installation.run('commands/rotate-secrets', keys(...given));

  const teamNames = () =>
    installation.pagerDuty
      .teams()
      .map(({ name }) => name)
      .sort();

  it('takes the old one away at last, and every integration goes on', async () => {
    const apiKey = installation.pagerDuty.addApiKey();
    const before = await installation.start({ ...keys(OLD), SCIMIFY_MAX_INTEGRATIONS: '1000' });
    const { tenantId, integrationId, scimKey } = await setUp(adminOf(before), apiKey);
    await scimOf(before, integrationId, scimKey).createGroup('Before');
    await waitFor('the first team', teamNames, (names) => names.length === 1);
    const scim = scimOf(before, integrationId, scimKey);
    await scim.createUsers(['ada@example.com', 'bob@example.com']);
    const { nextCursor } = (await scim.get('/Users?cursor&count=1')).body;
    expect(nextCursor).toEqual(expect.any(String));
    const another = { provider: 'pagerduty', name: 'x', settings: { authMethod: 'api_key' }, secret: apiKey };
    const made = await Promise.all(
      Array.from({ length: MORE_THAN_A_BATCH - 1 }, () =>
        adminOf(before).post(`/tenants/${tenantId}/integrations`, another),
      ),
    );
    expect(new Set(made.map(({ status }) => status))).toEqual(new Set([201]));
    await before.stop();

    // One more than there are integrations: the value that detects a wrong key is encrypted too.
    const sealed = MORE_THAN_A_BATCH + 1;
    const first = rotate(NEW, OLD);
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toBe(`Re-encrypted ${sealed} with the first key; 0 already used it.\n`);
    const second = rotate(NEW, OLD);
    expect(second.status).toBe(0);
    expect(second.stdout).toBe(`Re-encrypted 0 with the first key; ${sealed} already used it.\n`);

    const after = await installation.start(keys(NEW));
    const scimAfter = scimOf(after, integrationId, scimKey);
    await scimAfter.createGroup('After');
    await waitFor('the second team', teamNames, (names) => names.length === 2);
    // The only cost of a rotation for an IdP: a list that it was reading.
    const cursor = await scimAfter.get(`/Users?cursor=${nextCursor}&count=1`);
    expect(cursor).toMatchObject({ status: 400, body: { scimType: 'invalidCursor' } });
    const events = (await adminOf(after).get('/audit-events?action=secrets.rotated')).body.items;
    expect(events).toMatchObject([
      { outcome: 'succeeded', detail: { resealed: 0, current: sealed, fromKeyIds: [] } },
      {
        actor: { kind: 'system', name: 'secrets:rotate', keyPrefix: null },
        tenantId: null,
        outcome: 'succeeded',
        detail: { resealed: sealed, current: 0, unreadable: 0, left: 0 },
      },
    ]);
    const [{ target, detail }] = events.slice(1);
    expect(target).toEqual({ type: 'encryption_key', id: detail.toKeyId });
    expect(detail.fromKeyIds).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
    expect(detail.fromKeyIds).not.toContain(detail.toKeyId);
    await after.stop();

    const former = installation.run('main', keys(OLD));
    expect(former.status).toBe(1);
    expect(former.stderr).toMatch(/^The database holds secrets of another encryption key/);
  }, 180_000);

  it('goes on where it was cut off, or where a process still wrote with the old key', async () => {
    const apiKey = installation.pagerDuty.addApiKey();
    const before = await installation.start(keys(OLD));
    await setUp(adminOf(before), apiKey);
    await before.stop();
    expect(rotate(NEW, OLD).stdout).toBe('Re-encrypted 2 with the first key; 0 already used it.\n');

    const between = await installation.start(keys(OLD, NEW));
    const { integrationId, scimKey } = await setUp(adminOf(between), apiKey);
    await between.stop();
    expect(rotate(NEW, OLD).stdout).toBe('Re-encrypted 1 with the first key; 2 already used it.\n');

    const after = await installation.start(keys(NEW));
    await scimOf(after, integrationId, scimKey).createGroup('After');
    await waitFor('the team', teamNames, (names) => names.length === 1);
  }, 180_000);

  it('names what no key opens, exits 1, and leaves that as it is', async () => {
    const before = await installation.start(keys(OLD));
    const { integrationId } = await setUp(adminOf(before), installation.pagerDuty.addApiKey());
    await before.stop();

    const { status, stdout, stderr } = rotate(NEW);
    expect(status).toBe(1);
    expect(stdout).toBe('Re-encrypted 0 with the first key; 0 already used it.\n');
    expect(stderr).toContain(
      `integration ${integrationId}: A stored secret was encrypted with a key that is`,
    );
    expect(stderr).not.toMatch(/at .*\.js:/);

    expect(rotate(NEW, OLD)).toMatchObject({ status: 0, stderr: '' });
  }, 180_000);

  it(`${onMysql ? 'works while the product runs' : 'says that the product has to be stopped first'}`, async () => {
    const running = await installation.start(keys(OLD, NEW));
    const apiKey = installation.pagerDuty.addApiKey();
    const { integrationId, scimKey } = await setUp(adminOf(running), apiKey);
    const scim = scimOf(running, integrationId, scimKey);
    const rotation = rotate(NEW, OLD);
    if (!onMysql) {
      expect(rotation.status).toBe(1);
      expect(rotation.stderr).toMatch(
        /^Another Scimify process already uses the database .*stop the other one/,
      );
      return;
    }
    expect(rotation).toMatchObject({ status: 0, stderr: '' });
    // Scimify decrypts the secret again and does not use its memory.
    await adminOf(running).post(`/integrations/${integrationId}/pause`);
    await adminOf(running).post(`/integrations/${integrationId}/enable`);
    await scim.createGroup('Meanwhile');
    await waitFor('the team', teamNames, (names) => names.length === 1);
    // A rebind that keeps the secret keeps its current encryption.
    expect((await adminOf(running).post(`/integrations/${integrationId}/rebind`, {})).status).toBe(200);
    expect(rotate(NEW, OLD).stdout).toBe('Re-encrypted 0 with the first key; 2 already used it.\n');
  }, 180_000);

  it('to a wrong one is told at boot, even before there is any secret, and does no harm', async () => {
    const before = await installation.start(keys(OLD));
    await before.stop();
    const wrong = installation.run('main', keys(NEW));
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toMatch(
      /^The database holds secrets of another encryption key.*SCIMIFY_ENCRYPTION_KEY/,
    );
    expect(wrong.stderr).not.toContain(NEW);
    const again = await installation.start(keys(OLD));
    expect((await adminOf(again).get('/tenants')).status).toBe(200);
  }, 180_000);
});
