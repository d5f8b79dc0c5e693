import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { WorkLedger } from '../../src/provisioning/schedule/work-ledger';
import { Scimify } from '../support/scimify';
import { statementLogger } from '../support/statement-logger';
import { waitFor } from '../support/wait';

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
    const reader = scimify.app.get<DataSource>(getDataSourceToken());
    const seen: string[] = [];
    reader.logger = statementLogger((sql) => seen.push(sql));
    const sweeps = () => seen.filter((sql) => sql.includes('deletingSince > 0')).length;
    await waitFor('some sweeps', sweeps, (count) => count >= SWEEPS);
    const ofTheEngine = seen.filter((sql) => /integration_work|FROM "?integration"? /.test(sql));
    expect(ofTheEngine.length).toBe(sweeps());
  }, 30_000);
});
