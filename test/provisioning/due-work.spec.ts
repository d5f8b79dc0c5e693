import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { WorkLedger } from '../../src/provisioning/schedule/work-ledger';
import { Scimify, type TestIntegration } from '../support/scimify';
import { statementLogger } from '../support/statement-logger';
import { waitFor } from '../support/wait';
import { leaveAlone, letTimePass, putOff } from './support/passing-time';

describe('an integration of whose groups each waits for its next attempt', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  it('has nothing to do until then, or until the IdP changes one of them', async () => {
    const integration = await scimify.createIntegration({ authMethod: 'api_key' });
    const group = await integration.scim.createGroup('A name that is too long for PagerDuty'.repeat(5));
    await scimify.settled(integration, ['blocked']);
    await waitFor(
      'it to have nothing to do',
      () => scimify.app.get(WorkLedger).due(Date.now()),
      ({ length }) => length === 0,
    );
    await integration.scim.renameGroup(group, 'On-call');
    await scimify.settled(integration);
    expect(Object.keys(scimify.teams())).toEqual(['On-call']);
  });
});

describe('a group that is put off while another one gives up the name that it waits for', () => {
  const FAR_OFF_MS = 600_000;
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  it('makes no run until its time has come, and has that name then', async () => {
    scimify.pagerDuty.addUser({ email: 'ada@example.com' });
    const integration = await scimify.createIntegration({ authMethod: 'api_key' });
    const shown = async (id: string) =>
      (await scimify.admin.get(`/integrations/${integration.id}/groups/${id}`)).body;
    const alpha = await integration.scim.createGroup('Alpha');
    const beta = await integration.scim.createGroup('Beta');
    await scimify.settled(integration);
    const teams = { alpha: scimify.pagerDuty.team('Alpha')!.id, beta: scimify.pagerDuty.team('Beta')!.id };
    scimify.pagerDuty.associate(teams.beta, 'Schedules');
    await integration.scim.delete(`/Groups/${beta}`);
    await waitFor(
      'the team to be in use',
      () => shown(beta),
      ({ reason }) => reason === 'team_in_use',
    );
    await integration.scim.renameGroup(alpha, 'Beta');
    await waitFor(
      'the name to be waited for',
      () => shown(alpha),
      ({ reason }) => reason === 'name_not_free_yet',
    );
    const fault = scimify.pagerDuty.inject({
      path: new RegExp(`^/teams/${teams.alpha}/users/`),
      status: 503,
    });
    const [ada] = await integration.scim.createUsers(['ada@example.com']);
    await integration.scim.addMembers(alpha, ada!);
    await waitFor(
      'the group to be retried',
      () => shown(alpha),
      ({ state }) => state === 'retrying',
    );
    await leaveAlone(scimify, integration.id, FAR_OFF_MS);
    await putOff(scimify, alpha, FAR_OFF_MS);
    fault.remove();

    scimify.pagerDuty.dissociate(teams.beta, 'Schedules');
    await scimify.admin.post(`/integrations/${integration.id}/groups/${beta}/retry`);
    await waitFor(
      'the name to be free',
      () => Promise.resolve(scimify.pagerDuty.team('Beta')),
      (team) => team === undefined,
    );
    await waitFor(
      'it to have nothing to do',
      () => scimify.app.get(WorkLedger).due(Date.now()),
      ({ length }) => length === 0,
    );
    expect(await shown(alpha)).toMatchObject({ state: 'retrying', remote: { name: 'Alpha' } });
    await letTimePass(scimify, FAR_OFF_MS);
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ Beta: ['ada@example.com'] });
  });
});

describe('integrations that may not run', () => {
  const SWEEPS = 4;
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  it('cost one query a sweep, however many there are and whatever waits for them', async () => {
    const refused = scimify.pagerDuty.inject({ status: 401 });
    for (const end of ['disable', 'pause', 'suspend', 'disable', 'pause', 'suspend']) {
      const integration = await scimify.createIntegration({ authMethod: 'api_key', enable: false });
      await integration.scim.createGroup('On-call');
      await scimify.admin.post(`/integrations/${integration.id}/enable`);
      await waitFor(
        'it to be suspended',
        async () => (await scimify.admin.get(`/integrations/${integration.id}`)).body,
        ({ suspension }) => suspension !== null,
      );
      if (end !== 'suspend') await scimify.admin.post(`/integrations/${integration.id}/${end}`);
      if (end === 'suspend') await integration.scim.createGroup('Another');
    }
    refused.remove();
    // All waiting work is due then. Only the mode and the suspension stop it.
    await letTimePass(scimify, 600_000);
    const reader = scimify.app.get<DataSource>(getDataSourceToken());
    const seen: string[] = [];
    reader.logger = statementLogger((sql) => seen.push(sql));
    const sweeps = () => seen.filter((sql) => sql.includes('deletingSince > 0')).length;
    await waitFor('some sweeps', sweeps, (count) => count >= SWEEPS);
    const ofTheEngine = seen.filter((sql) => /integration_work|FROM "?integration"? /.test(sql));
    expect(ofTheEngine.length).toBe(sweeps());
  }, 30_000);
});

describe('an integration whose account is left alone for a while', () => {
  const FAR_OFF_MS = 600_000;
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  beforeEach(async () => {
    integration = await scimify.createIntegration({ authMethod: 'api_key' });
    await integration.scim.createGroup(`Group of ${integration.id}`);
    await scimify.settled(integration);
    await leaveAlone(scimify, integration.id, FAR_OFF_MS);
  });

  afterAll(() => scimify.stop());

  const path = () => `/integrations/${integration.id}`;
  const work = async () => {
    // A request may still write after its response. This transaction begins after such writes.
    const [row] = await scimify.app
      .get(TransactionRunner)
      .run((tx) =>
        tx.query<{ dueAt: number; notBefore: number | null; hurried: number }>(
          'SELECT dueAt, notBefore, hurried FROM integration_work WHERE integrationId = ?',
          [integration.id],
        ),
      );
    return row!;
  };

  it.each([
    ['is paused', () => scimify.admin.post(`${path()}/pause`)],
    ['is disabled', () => scimify.admin.post(`${path()}/disable`)],
    ['gets another name', () => scimify.admin.patch(path(), { name: 'Another' })],
    [
      'is saved as it is',
      () => scimify.admin.patch(path(), { name: 'PagerDuty', settings: {}, policies: {} }),
    ],
  ])('stays so when it %s', async (_what, change) => {
    const before = await work();
    expect((await change()).status).toBe(200);
    expect(await work()).toEqual(before);
  });

  it('is tried at once when an admin enables it', async () => {
    await scimify.admin.post(`${path()}/pause`);
    await integration.scim.createGroup('Waits to be tried');
    await scimify.admin.post(`${path()}/enable`);
    await scimify.settled(integration);
    expect(scimify.teams()).toHaveProperty('Waits to be tried');
  });

  it('is tried at once when it gets another secret', async () => {
    await integration.scim.createGroup('Waits for a secret');
    const secret = scimify.pagerDuty.addApiKey();
    expect((await scimify.admin.put(`${path()}/secret`, { secret })).status).toBe(204);
    await scimify.settled(integration);
    expect(scimify.teams()).toHaveProperty('Waits for a secret');
  });

  it.each([
    ['settings', { settings: { groupDescription: 'Made by Scimify' } }],
    ['policies', { policies: { reconcileEveryMinutes: 60 } }],
  ])('is tried at once when it gets other %s', async (what, patch) => {
    await integration.scim.createGroup(`Waits for ${what}`);
    expect((await scimify.admin.patch(path(), patch)).status).toBe(200);
    await scimify.settled(integration);
    expect(scimify.teams()).toHaveProperty(`Waits for ${what}`);
  });
});
