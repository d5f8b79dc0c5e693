import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { Integrations } from '../../src/integrations/integrations.service';
import { Scheduler } from '../../src/provisioning/schedule/scheduler';
import { WorkLedger } from '../../src/provisioning/schedule/work-ledger';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letRequestsEnd } from './support/passing-time';

/** Tables with rows of integrations, and their columns with the integration's id. */
const ROWS = {
  integration: 'id',
  scim_key: 'integrationId',
  scim_user: 'integrationId',
  scim_group: 'integrationId',
  group_member: 'integrationId',
  group_change: 'integrationId',
  refused_write: 'integrationId',
  remote_group: 'integrationId',
  remote_user: 'integrationId',
  parked_member: 'integrationId',
  integration_work: 'integrationId',
  lease: 'integrationId',
};

/** The deletion runs in steps, and pauses for a while after a deadlock. */
const GONE_WITHIN_MS = 60_000;
jest.setTimeout(90_000);

describe('an integration that is deleted', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let ada: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of ['ada', 'bo']) scimify.pagerDuty.addUser({ email: `${name}@example.com`, name });
    const { id } = scimify.pagerDuty.addTeam({ name: 'Old' });
    scimify.pagerDuty.addMember(id, scimify.pagerDuty.user('bo@example.com')!.id);
    integration = await scimify.createIntegration({ authMethod: 'api_key' });
    ada = await integration.scim.createUser('ada@example.com');
    const bo = await integration.scim.createUser('bo@example.com');
    const ghost = await integration.scim.createUser('ghost@example.com');
    await integration.scim.createGroup('Old', [ada, bo]);
    await integration.scim.createGroup('New', [ada, ghost]);
    await scimify.settled(integration, ['synced', 'partial']);
    scimify.pagerDuty.clearCalls();
  });

  afterEach(() => scimify.stop());

  const remove = (teams?: string) =>
    scimify.admin.delete(`/integrations/${integration.id}${teams === undefined ? '' : `?teams=${teams}`}`);

  const shown = () => scimify.admin.get(`/integrations/${integration.id}`);

  const goneByItself = () =>
    waitFor('the integration to be gone', shown, ({ status }) => status === 404, GONE_WITHIN_MS);

  const gone = async () => {
    await letRequestsEnd(scimify);
    await goneByItself();
  };

  const writes = () =>
    scimify.pagerDuty
      .calls()
      .filter(({ method, path }) => method !== 'GET' && !path.includes('oauth'))
      .map(({ method, path }) => `${method} ${path}`);

  const rowsLeft = async () => {
    const database = scimify.app.get<DataSource>(getDataSourceToken());
    const left: string[] = [];
    for (const [table, column] of Object.entries(ROWS)) {
      const rows = await database.query<unknown[]>(`SELECT 1 FROM ${table} WHERE ${column} = ?`, [
        integration.id,
      ]);
      if (rows.length > 0) left.push(table);
    }
    for (const table of ['remote_member', 'member_change']) {
      if ((await database.query<unknown[]>(`SELECT 1 FROM ${table}`)).length > 0) left.push(table);
    }
    return left;
  };

  it('leaves its teams untouched unless told otherwise, and nothing of itself but what was audited', async () => {
    const before = scimify.teams();
    expect((await remove()).status).toBe(202);
    expect((await integration.scim.get('/Users')).status).toBe(401);
    expect((await shown()).body).toMatchObject({
      deletingSince: expect.any(String),
      deletingTeams: 'leave',
    });
    await gone();
    expect(scimify.teams()).toEqual(before);
    expect(scimify.pagerDuty.calls()).toEqual([]);
    expect(await rowsLeft()).toEqual([]);
    const database = scimify.app.get<DataSource>(getDataSourceToken());
    const audited = await database.query<{ action: string; actorKind: string }[]>(
      `SELECT action, actorKind FROM audit_event WHERE targetId = ? ORDER BY id DESC LIMIT 2`,
      [integration.id],
    );
    expect(audited).toEqual([
      { action: 'integration.deleted', actorKind: 'system' },
      { action: 'integration.deletion_requested', actorKind: 'admin_key' },
    ]);
  });

  it('takes the teams along that it created, and out of the others whom it added', async () => {
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    await remove('delete');
    await gone();
    expect(scimify.teams()).toEqual({ Old: ['bo@example.com'] });
    expect(await rowsLeft()).toEqual([]);
  });

  it('lets those go whom it added', async () => {
    await scimify.admin.post(`/integrations/${integration.id}/disable`);
    await remove('release');
    await gone();
    expect(scimify.teams()).toEqual({ Old: ['bo@example.com'], New: [] });
  });

  it('stays, visible and trying, while PagerDuty is away; and is ended by leaving the teams', async () => {
    scimify.pagerDuty.inject({ probability: 1, status: 503 });
    await remove('delete');
    await waitFor(
      'a few tries',
      () => scimify.pagerDuty.calls().length,
      (count) => count > 2,
    );
    expect((await shown()).body).toMatchObject({ deletingTeams: 'delete' });
    expect((await remove('leave')).status).toBe(202);
    await gone();
    expect(Object.keys(scimify.teams())).toHaveLength(2);
    expect(writes()).toEqual([]);
  });

  it('goes the way that its events say, which nothing changes once the teams are left', async () => {
    scimify.pagerDuty.inject({ probability: 1, status: 503 });
    // The same way again is a request to try at once. Another way is another decision.
    for (const way of ['release', 'release', 'delete', 'leave']) await remove(way);
    const { revision } = (await shown()).body;
    for (const way of ['delete', 'release', 'leave']) expect((await remove(way)).status).toBe(202);
    expect((await shown()).body).toMatchObject({ revision, deletingTeams: 'leave' });
    const path = `/tenants/${integration.tenantId}/audit-events?action=integration.deletion_requested`;
    const { items } = (await scimify.admin.get(path)).body;
    const ways = items.map(({ detail }: { detail: { teams: string } }) => detail.teams);
    expect(ways.reverse()).toEqual(['release', 'release', 'delete', 'leave']);
  });

  it('goes on when PagerDuty is back', async () => {
    scimify.pagerDuty.inject({ probability: 1, status: 503 });
    await remove('delete');
    await waitFor(
      'a try',
      () => scimify.pagerDuty.calls().length,
      (count) => count > 0,
    );
    scimify.pagerDuty.clearFaults();
    await gone();
    expect(scimify.teams()).toEqual({ Old: ['bo@example.com'] });
  });

  it('stays while PagerDuty keeps a team, says why, and may be told another way', async () => {
    scimify.pagerDuty.associate(scimify.pagerDuty.team('New')!.id, 'Escalation Policies');
    await remove('delete');
    const held = await waitFor(
      'one team to be blocked and the other let go',
      async () => (await scimify.groups(integration)).filter(({ remote }) => remote !== null),
      ([first, ...others]) => first?.state === 'blocked' && others.length === 0,
    );
    expect(held).toMatchObject([
      { displayName: 'New', reason: 'team_in_use', deletingSince: expect.any(String) },
    ]);
    await remove('release');
    await gone();
    expect(scimify.teams()).toEqual({ Old: ['bo@example.com'], New: [] });
  });

  it('stays while PagerDuty keeps somebody whom it added, until the teams are left', async () => {
    const { id } = scimify.pagerDuty.team('New')!;
    const userIds = [scimify.pagerDuty.user('ada@example.com')!.id];
    scimify.pagerDuty.associate(id, 'Escalation Policies', { userIds });
    await remove('release');
    const kept = await waitFor(
      'one team to be blocked and the other let go',
      async () => (await scimify.groups(integration)).filter(({ remote }) => remote !== null),
      ([first, ...others]) => first?.state === 'blocked' && others.length === 0,
    );
    expect(kept).toMatchObject([
      { displayName: 'New', reason: 'member_on_escalation_policy', nextAttemptAt: expect.any(String) },
    ]);
    expect((await shown()).body).toMatchObject({ deletingTeams: 'release' });
    expect(scimify.teams()).toEqual({ Old: ['bo@example.com'], New: ['ada@example.com'] });
    await remove('leave');
    await gone();
    expect(await rowsLeft()).toEqual([]);
  });

  it('is not kept by a suspension', async () => {
    const key = scimify.pagerDuty.apiKeys()[0]!.id;
    scimify.pagerDuty.disableKey(key);
    await integration.scim.createGroup('More', [ada]);
    await waitFor('the suspension', shown, ({ body }) => body.suspension !== null);
    scimify.pagerDuty.enableKey(key);
    await remove('delete');
    await gone();
    expect(scimify.teams()).toEqual({ Old: ['bo@example.com'] });
  });

  it('is found by the sweep, also when a run ends just then: nothing but the rows has to survive', async () => {
    const ledger = scimify.app.get(WorkLedger);
    const settle = ledger.settle.bind(ledger);
    const settling = jest.spyOn(ledger, 'settle').mockImplementation(async (lease, dueAt) => {
      // A previous run may end only now.
      if (!scimify.pagerDuty.team('More')) return settle(lease, dueAt);
      settling.mockRestore();
      const wake = jest.spyOn(scimify.app.get(Scheduler), 'wake').mockImplementationOnce(() => undefined);
      await remove('release');
      await waitFor(
        'the wake-up that gets lost',
        () => wake.mock.calls.length,
        (count) => count > 0,
      );
      await settle(lease, dueAt);
    });
    await integration.scim.createGroup('More', [ada]);
    await goneByItself();
    expect(scimify.teams()).toEqual({ Old: ['bo@example.com'], New: [], More: [] });
  });

  it('takes nothing but the three ways, and nothing else happens to it meanwhile', async () => {
    expect((await remove('everything')).status).toBe(400);
    scimify.pagerDuty.inject({ probability: 1, status: 503 });
    await remove('delete');
    const before = (await shown()).body;
    const path = `/integrations/${integration.id}`;
    for (const refused of [
      await scimify.admin.patch(path, { name: 'Production' }),
      await scimify.admin.post(`${path}/rebind`, {}),
      await scimify.admin.post(`${path}/enable`),
      await scimify.admin.post(`${path}/pause`),
      await scimify.admin.post(`${path}/disable`),
      await scimify.admin.post(`${path}/scim-keys`, { name: 'Another' }),
    ]) {
      expect(refused).toMatchObject({ status: 409, body: { code: 'integration_deleting' } });
    }
    const { mode, revision } = before;
    expect((await shown()).body).toMatchObject({ mode, revision });
    expect((await scimify.admin.get(`${path}/scim-keys`)).body.items).toHaveLength(1);
    await remove('leave');
    await gone();
    expect((await remove()).status).toBe(404);
  });

  it('takes another secret, without which its teams could not be let go', async () => {
    for (const { id } of scimify.pagerDuty.apiKeys()) scimify.pagerDuty.disableKey(id);
    await remove('delete');
    await waitFor('the suspension', shown, ({ body }) => body.suspension !== null);
    const secret = scimify.pagerDuty.addApiKey();
    expect((await scimify.admin.put(`/integrations/${integration.id}/secret`, { secret })).status).toBe(204);
    await gone();
    expect(scimify.teams()).toEqual({ Old: ['bo@example.com'] });
  });

  it.each([
    { when: 'has begun', status: 409, untilThen: () => remove() },
    { when: 'is over', status: 404, untilThen: () => remove().then(gone) },
  ])('has no new SCIM key whose creation waits until the deletion $when', async ({ status, untilThen }) => {
    const integrations = scimify.app.get(Integrations);
    const get = integrations.get.bind(integrations);
    jest.spyOn(integrations, 'get').mockImplementationOnce(async (...asked) => {
      const looked = await get(...asked);
      await untilThen();
      return looked;
    });
    const made = await scimify.admin.post(`/integrations/${integration.id}/scim-keys`, { name: 'Late' });
    expect(made.status).toBe(status);
    if (status === 409) await gone();
    expect(await rowsLeft()).toEqual([]);
  });

  it('lets its tenant be deleted once it is gone, and not before', async () => {
    const tenant = `/tenants/${integration.tenantId}`;
    expect((await scimify.admin.patch(tenant, { name: 'Acme Two' })).body).toMatchObject({
      id: integration.tenantId,
      name: 'Acme Two',
    });
    expect((await scimify.admin.patch(tenant, { name: null })).status).toBe(400);
    const refused = await scimify.admin.delete(tenant);
    expect(refused).toMatchObject({ status: 409, body: { code: 'tenant_has_integrations' } });
    await remove();
    await gone();
    expect((await scimify.admin.delete(tenant)).status).toBe(204);
    expect((await scimify.admin.get(tenant)).status).toBe(404);
    expect((await scimify.admin.delete(tenant)).status).toBe(404);
  });
});
