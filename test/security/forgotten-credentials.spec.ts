import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

describe('a credential that nobody uses any more', () => {
  let scimify: Scimify;
  let tenantId: string;
  let settings: { authMethod: string; clientId: string; accountSubdomain: string; accountRegion: string };
  let secret: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    tenantId = await scimify.createTenant();
    const { clientId, clientSecret } = scimify.pagerDuty.addOAuthClient();
    settings = { authMethod: 'oauth', clientId, accountSubdomain: 'acme', accountRegion: 'us' };
    secret = clientSecret;
  });

  afterEach(() => scimify.stop());

  const integrate = () => scimify.createIntegration({ tenantId, settings, secret });
  const tokens = () => scimify.pagerDuty.calls().filter(({ path }) => path.includes('/oauth/token')).length;
  const rate = async ({ id }: TestIntegration) =>
    (await scimify.admin.get(`/integrations/${id}/overview`)).body.rate;
  const push = async (integration: TestIntegration, name: string) => {
    await integration.scim.createGroup(name);
    await scimify.settled(integration);
  };

  it('leaves memory with the integration: the next one that has it gets a token of its own', async () => {
    const [first, second] = [await integrate(), await integrate()];
    await push(first, 'First');
    await push(second, 'Second');
    const before = tokens();
    expect(await rate(second)).not.toBeNull();

    const remove = async ({ id }: TestIntegration) => {
      await scimify.admin.delete(`/integrations/${id}?teams=leave`);
      await waitFor(
        'the integration to be gone',
        async () => (await scimify.admin.get(`/integrations/${id}`)).status,
        (status) => status === 404,
      );
    };
    await remove(first);
    // The other integration still has the credential.
    await push(second, 'Third');
    expect(tokens()).toBe(before);

    await remove(second);
    await push(await integrate(), 'Fourth');
    expect(tokens()).toBe(before + 1);
  });

  it('leaves memory when another secret takes its place, also while nothing is written', async () => {
    const integration = await integrate();
    await push(integration, 'First');
    expect(await rate(integration)).not.toBeNull();
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    // A credential that stays is not forgotten.
    expect(await rate(integration)).not.toBeNull();

    const apiKey = { settings: { authMethod: 'api_key' }, secret: scimify.pagerDuty.addApiKey() };
    expect((await scimify.admin.post(`/integrations/${integration.id}/rebind`, apiKey)).status).toBe(200);
    await waitFor(
      'the budget to be forgotten',
      () => rate(integration),
      (shown) => shown === null,
    );
    const before = tokens();
    const back = await integrate();
    await push(back, 'Second');
    expect(tokens()).toBe(before + 1);
  });
});
