import { Scimify } from '../support/scimify';
import { waitFor } from '../support/wait';

describe('a secret that is changed while a run still uses the former one', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  it('is not blamed for the failure of that one', async () => {
    const { pagerDuty } = scimify;
    const { clientId, clientSecret } = pagerDuty.addOAuthClient();
    const integration = await scimify.createIntegration({
      settings: { clientId },
      secret: clientSecret,
      enable: false,
    });
    const refusal = pagerDuty.inject({ path: '/oauth/token', status: 401, latencyMs: 3_000, times: 1 });
    await integration.scim.createGroup('Platform');
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await waitFor('the run to ask for a token', refusal.hits, (hits) => hits === 1);

    pagerDuty.setClientSecret(clientId, 'the-changed-secret');
    const path = `/integrations/${integration.id}/secret`;
    expect((await scimify.admin.put(path, { secret: 'the-changed-secret' })).status).toBe(204);

    await scimify.settled(integration);
    const { body } = await scimify.admin.get(`/integrations/${integration.id}`);
    expect(body).toMatchObject({ suspension: null, connection: { status: 'ok' } });
    expect(Object.keys(scimify.teams())).toEqual(['Platform']);
  });
});
