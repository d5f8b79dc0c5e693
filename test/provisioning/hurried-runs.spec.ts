import { WorkLedger } from '../../src/provisioning/schedule/work-ledger';
import { Scimify } from '../support/scimify';

const FAR_OFF_MS = 600_000;

describe('an integration that an admin wants synced while a run on it fails', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  it('is tried at once when that run has ended, and not when that one would have tried again', async () => {
    const integration = await scimify.createIntegration({ authMethod: 'api_key', enable: false });
    await integration.scim.createGroup('Platform');
    scimify.pagerDuty.inject({ path: /^\/(users|teams)/, status: 503, times: 1 });
    const ledger = scimify.app.get(WorkLedger);
    const backOff = ledger.backOffAfterFailure.bind(ledger);
    const atTheEnd = jest.spyOn(ledger, 'backOffAfterFailure');
    atTheEnd.mockImplementationOnce(async (lease, progressed) => {
      expect((await scimify.admin.post(`/integrations/${integration.id}/sync`)).status).toBe(202);
      await backOff(lease, progressed, () => FAR_OFF_MS);
    });
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await scimify.settled(integration);
    expect(atTheEnd).toHaveBeenCalledTimes(1);
    expect(Object.keys(scimify.teams())).toEqual(['Platform']);
  });
});
