import { Connections } from '../../src/integrations/connections/connections.service';
import { Integrations } from '../../src/integrations/integrations.service';
import { released } from '../support/garbage';
import { Scimify, type TestIntegration } from '../support/scimify';
import { letRequestsEnd } from './support/passing-time';

const HOUR_MS = 3_600_000;
const PEOPLE = ['ada', 'bo', 'cy'].map((name) => `${name}@example.com`);

describe('what Scimify keeps in memory of the target of an integration', () => {
  let scimify: Scimify;
  let secret: string;

  beforeAll(async () => {
    scimify = await Scimify.start();
    for (const email of PEOPLE) scimify.pagerDuty.addUser({ email });
    secret = scimify.pagerDuty.addApiKey();
  });

  afterAll(() => scimify.stop());

  const pushed = async (tenantId?: string): Promise<TestIntegration> => {
    const integration = await scimify.createIntegration({
      authMethod: 'api_key',
      tenantId,
      secret,
      enable: false,
    });
    const users = await integration.scim.createUsers(PEOPLE);
    await integration.scim.createGroup(`Group of ${integration.id}`, users);
    return integration;
  };
  const sync = async (integration: TestIntegration): Promise<TestIntegration> => {
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await scimify.settled(integration);
    return integration;
  };
  const connectionOf = async ({ id }: TestIntegration): Promise<WeakRef<object>> => {
    const integration = await scimify.app.get(Integrations).find(id);
    return new WeakRef(scimify.app.get(Connections).open(integration!).connection);
  };
  const rate = async ({ id }: TestIntegration) =>
    (await scimify.admin.get(`/integrations/${id}/overview`)).body.rate;

  it('is not looked up again for another integration with the same credential', async () => {
    const one = await pushed();
    const another = await pushed(one.tenantId);
    await sync(one);
    scimify.pagerDuty.clearCalls();
    await sync(another);
    expect(scimify.pagerDuty.calls({ path: '/users' })).toEqual([]);
  });

  it('is looked up for each tenant by itself, be it the same account', async () => {
    const [one, another] = [await pushed(), await pushed()];
    await sync(one);
    scimify.pagerDuty.clearCalls();
    await sync(another);
    expect(scimify.pagerDuty.calls({ path: '/users' })).not.toEqual([]);
  });

  it('is released once the integration is deleted', async () => {
    const integration = await sync(await pushed());
    const connection = await connectionOf(integration);
    await scimify.admin.delete(`/integrations/${integration.id}`);
    await letRequestsEnd(scimify);
    await released('the connection of the deleted integration', connection);
  });

  it('is released once nobody has used it for an hour, and is there again for the next change', async () => {
    const integration = await sync(await pushed());
    const connection = await connectionOf(integration);
    const connections = scimify.app.get(Connections);
    connections.closeIdle(performance.now() + HOUR_MS - 10_000);
    expect(await rate(integration)).toMatchObject({ limit: 100_000 });
    connections.closeIdle(performance.now() + HOUR_MS);
    expect(await rate(integration)).toBeNull();
    await released('the idle connection', connection);
    await integration.scim.createGroup('After an idle hour');
    await scimify.settled(integration);
    expect(scimify.teams()).toHaveProperty('After an idle hour');
  });
});
