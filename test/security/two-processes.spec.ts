import { DataSource } from 'typeorm';
import { writerOptions } from '../../src/database/data-source-options';
import { ENTITIES } from '../../src/entities';
import type { HttpClient } from '../support/http';
import type { ScimClient } from '../support/scim-client';
import type { ScimifyProcess } from '../support/scimify-process';
import { waitFor } from '../support/wait';
import { Installation, type SetUp, adminOf, scimOf, setUp } from '../support/installation';

const onMysql = process.env.DATABASE_URL?.startsWith('mysql:') ?? false;

/** A change in one process holds in every process after this time. */
const SECOND_MS = 1_000;
const LEASE_MS = 30_000;

if (!onMysql) {
  process.stderr.write(
    'Skipped: SQLite serves one process. DATABASE_URL=mysql://… runs two-processes.spec.ts.\n',
  );
}

(onMysql ? describe : describe.skip)('two processes on one database, without Redis', () => {
  let installation: Installation;
  let a: ScimifyProcess;
  let b: ScimifyProcess;
  let admin: HttpClient;
  let scim: ScimClient;
  let integration: SetUp;

  beforeAll(async () => {
    installation = await Installation.create();
    a = await installation.process();
    b = await installation.process();
    await Promise.all([a.start(), b.start()]);
    admin = adminOf(a);
    integration = await setUp(admin, installation.pagerDuty.addApiKey());
    scim = scimOf(a, integration.integrationId, integration.scimKey);
  }, 120_000);

  afterAll(() => installation.remove());

  /** The time from the call until the other process shows its effect. */
  const takesEffect = async (
    act: () => Promise<unknown>,
    look: () => Promise<{ status: number }>,
    status: number,
  ) => {
    await act();
    const done = performance.now();
    await waitFor(
      `the answer ${status}`,
      async () => (await look()).status,
      (seen) => seen === status,
    );
    return performance.now() - done;
  };

  const holder = async (): Promise<{ token: number; owner: string | null }> => {
    const reader = await new DataSource(writerOptions(installation.database.settings, ENTITIES)).initialize();
    try {
      const [row] = await reader.query<{ token: number; owner: string | null }[]>(
        'SELECT token, owner FROM lease WHERE integrationId = ?',
        [integration.integrationId],
      );
      return row ?? { token: 0, owner: null };
    } finally {
      await reader.destroy();
    }
  };

  it('migrate an empty one once when they boot at the same time', async () => {
    const reader = await new DataSource(writerOptions(installation.database.settings, ENTITIES)).initialize();
    const migrations = await reader.query<{ name: string }[]>('SELECT name FROM migrations');
    await reader.destroy();
    expect(new Set(migrations.map(({ name }) => name)).size).toBe(migrations.length);
    expect(migrations.length).toBeGreaterThan(0);
    for (const one of [a, b]) expect((await adminOf(one).get('/tenants')).status).toBe(200);
  });

  it('both refuse an admin key within a second of its revocation', async () => {
    const { tenantId } = integration;
    const { body: key } = await admin.post(`/tenants/${tenantId}/admin-keys`, {
      name: 'Tooling',
      role: 'admin',
    });
    const other = adminOf(b, key.token);
    expect((await other.get(`/tenants/${tenantId}`)).status).toBe(200);
    const revoke = () => admin.delete(`/admin-keys/${key.id}`);
    expect(await takesEffect(revoke, () => other.get(`/tenants/${tenantId}`), 401)).toBeLessThan(SECOND_MS);
  });

  it('both refuse a SCIM key within a second of its revocation', async () => {
    const { integrationId } = integration;
    const { body: key } = await admin.post(`/integrations/${integrationId}/scim-keys`, { name: 'Old' });
    const other = scimOf(b, integrationId, key.token);
    expect((await other.get('/Users?count=1')).status).toBe(200);
    const revoke = () => admin.delete(`/scim-keys/${key.id}`);
    expect(await takesEffect(revoke, () => other.get('/Users?count=1'), 401)).toBeLessThan(SECOND_MS);
  });

  it('both answer 403 within a second of an integration being disabled, and take it back as fast', async () => {
    const { integrationId, scimKey } = integration;
    const other = scimOf(b, integrationId, scimKey);
    const change = (verb: string) => () => admin.post(`/integrations/${integrationId}/${verb}`);
    const look = () => other.get('/Users?count=1');
    expect((await look()).status).toBe(200);
    expect(await takesEffect(change('disable'), look, 403)).toBeLessThan(SECOND_MS);
    expect(await takesEffect(change('enable'), look, 200)).toBeLessThan(SECOND_MS);
  });

  it('provision what comes through both of them once', async () => {
    const { pagerDuty } = installation;
    const people = Array.from({ length: 6 }, (_, index) => `person.${index}@example.com`);
    pagerDuty.addUsers(people.map((email) => ({ email })));
    const members = await scim.createUsers(people);
    pagerDuty.clearCalls();
    const other = scimOf(b, integration.integrationId, integration.scimKey);
    // Slow enough that each process gets work while the other one works.
    const slow = pagerDuty.inject({ latencyMs: 100 });
    const names = Array.from({ length: 8 }, (_, index) => `Team ${index}`);
    await Promise.all(names.map((name, index) => (index % 2 ? scim : other).createGroup(name, members)));
    await waitFor(
      'every group to be synced',
      async () => (await admin.get(`/integrations/${integration.integrationId}/groups`)).body.items,
      (items) => items.length === names.length && items.every(({ state }: any) => state === 'synced'),
      60_000,
    );
    slow.remove();
    expect(
      pagerDuty
        .teams()
        .map(({ name, members: there }) => [name, there.length])
        .sort(),
    ).toEqual(names.map((name) => [name, people.length]));
    const writes = pagerDuty.calls().filter(({ method }) => method !== 'GET');
    expect(writes.filter(({ method }) => method === 'POST')).toHaveLength(names.length);
    expect(writes.filter(({ method }) => method === 'PUT')).toHaveLength(names.length * people.length);
    expect(new Set(writes.filter(({ method }) => method === 'PUT').map(({ path }) => path)).size).toBe(
      names.length * people.length,
    );
  }, 90_000);

  it('take over from one that is killed once its lease has run out, and not before', async () => {
    const { pagerDuty } = installation;
    // The other process has no work before the first one holds the lease.
    await b.stop();
    const before = await holder();
    const stuck = pagerDuty.inject({ method: 'POST', path: '/teams', latencyMs: 20_000 });
    await scim.createGroup('Orphan');
    await waitFor(
      'the call',
      () => stuck.hits(),
      (hits) => hits > 0,
    );
    const held = await holder();
    expect(held.owner).not.toBeNull();
    expect(held.token).toBeGreaterThan(before.token);
    await a.kill();
    const killed = performance.now();
    stuck.remove();
    pagerDuty.clearCalls();
    await b.start();
    const state = async () =>
      (await adminOf(b).get(`/integrations/${integration.integrationId}/groups?search=Orphan`)).body.items[0];
    await waitFor('the group to be synced', state, ({ state: seen }) => seen === 'synced', 2 * LEASE_MS);
    expect(performance.now() - killed).toBeGreaterThan(LEASE_MS / 2);
    expect((await holder()).token).toBeGreaterThan(held.token);
    expect(pagerDuty.teams().filter(({ name }) => name === 'Orphan')).toHaveLength(1);
  }, 120_000);
});
