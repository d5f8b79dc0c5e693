import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { WorkLedger } from '../../src/provisioning/schedule/work-ledger';
import { Scimify, type TestIntegration } from '../support/scimify';
import { statementLogger } from '../support/statement-logger';
import { waitFor } from '../support/wait';
import { leaveAlone, letTimePass } from './support/passing-time';

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
    // Whatever waits for them is due, were it not for their mode and their suspension.
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
    // Whatever a request had done after its answer has been done by then.
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
