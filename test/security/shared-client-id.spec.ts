import { Scimify } from '../support/scimify';
import { waitFor } from '../support/wait';

describe('two tenants that give one OAuth client id', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  beforeEach(() => scimify.pagerDuty.reset());

  const settingsFor = (clientId: string) => ({
    authMethod: 'oauth',
    clientId,
    accountSubdomain: 'acme',
    accountRegion: 'us',
  });

  const integrationOf = async (clientId: string, secret: string) => {
    const integration = await scimify.createIntegration({ settings: settingsFor(clientId), secret });
    await integration.scim.createGroup(`Team of ${integration.tenantId}`);
    return integration;
  };

  const shown = async (id: string) => (await scimify.admin.get(`/integrations/${id}`)).body;

  it('share nothing: a wrong secret gets no token, and nothing done with that of the other', async () => {
    const { clientId, clientSecret } = scimify.pagerDuty.addOAuthClient();
    const owner = await integrationOf(clientId, clientSecret);
    await scimify.settled(owner);
    scimify.pagerDuty.clearCalls();

    const stranger = await integrationOf(clientId, 'a-guessed-secret');
    const seen = await waitFor(
      'the suspension',
      () => shown(stranger.id),
      ({ suspension }) => suspension !== null,
    );
    expect(seen).toMatchObject({ account: null, suspension: { reason: 'oauth_client_refused' } });
    const test = await scimify.admin.post(`/integrations/${stranger.id}/connection-test`);
    expect(test.body.ok).toBe(false);
    const plan = await scimify.admin.get(`/integrations/${stranger.id}/plan`);
    expect(plan.body.groups).toMatchObject([{ action: 'none', reason: expect.any(String) }]);
    const calls = scimify.pagerDuty.calls();
    expect(new Set(calls.map(({ path, status }) => `${path} ${status}`))).toEqual(
      new Set(['/oauth/token 401']),
    );
    expect(Object.keys(scimify.teams())).toEqual([`Team of ${owner.tenantId}`]);
  });

  it('mint for themselves with the right secret too, while the integrations of one tenant share', async () => {
    const { clientId, clientSecret } = scimify.pagerDuty.addOAuthClient();
    const first = await integrationOf(clientId, clientSecret);
    await scimify.settled(first);
    const minted = () => scimify.pagerDuty.calls({ path: '/oauth/token' }).length;
    expect(minted()).toBe(1);
    const sibling = await scimify.createIntegration({
      tenantId: first.tenantId,
      settings: settingsFor(clientId),
      secret: clientSecret,
    });
    await sibling.scim.createGroup('Sibling');
    await scimify.settled(sibling);
    expect(minted()).toBe(1);
    await scimify.settled(await integrationOf(clientId, clientSecret));
    expect(minted()).toBe(2);
  });

  it.each([
    'acme us',
    ' acme',
    'acme ',
    'acme\tus',
    'acme as_account-us.other',
    'acme.other',
    'Acme',
    'acme/',
    '-acme',
  ])('cannot ask for another account through the subdomain %j', async (accountSubdomain) => {
    const tenantId = await scimify.createTenant();
    const answer = await scimify.admin.post(`/tenants/${tenantId}/integrations`, {
      provider: 'pagerduty',
      name: 'PagerDuty',
      settings: { ...settingsFor('a-client'), accountSubdomain },
      secret: 'a-secret',
    });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toMatchObject([{ field: 'settings.accountSubdomain' }]);
  });
});
