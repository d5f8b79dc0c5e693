import type { Call, OAuthCredentials } from '../../simulator/simulator';
import { Scimify, type TestIntegration } from '../support/scimify';

const LIMIT = 960;
// A minute passes in three seconds: faster than the engine could go by itself, so that it is the limit that holds it back.
const CLOCK_SPEED = 20;
const GROUPS = 60;
const MEMBERS = 50;
const USERS = 200;
const email = (user: number) => `user.${user}@example.com`;

describe('under a limit of 960 calls a minute', () => {
  let scimify: Scimify;

  beforeEach(async () => {
    scimify = await Scimify.start({}, { rateLimit: LIMIT, clockSpeed: CLOCK_SPEED });
    scimify.pagerDuty.addUsers(Array.from({ length: USERS }, (_, user) => ({ email: email(user) })));
  });

  afterEach(() => scimify.stop());

  /** Paused, so that a whole push lies ready. */
  const integrationWith = async (tenantId: string, app: OAuthCredentials): Promise<TestIntegration> => {
    const { clientId, clientSecret, subdomain, region } = app;
    const { body } = await scimify.admin.post(`/tenants/${tenantId}/integrations`, {
      provider: 'pagerduty',
      name: 'PagerDuty',
      settings: { authMethod: 'oauth', clientId, accountSubdomain: subdomain, accountRegion: region },
      secret: clientSecret,
    });
    const key = await scimify.admin.post(`/integrations/${body.id}/scim-keys`, { name: 'Okta' });
    const scimKey = key.body.token;
    return { id: body.id, tenantId, scimKey, scim: scimify.scimWith(body.id, scimKey) };
  };

  /** Groups whose members overlap; a call for each membership is the least that they cost. */
  const push = async ({ scim }: TestIntegration, name: string, groups: number) => {
    const users = await scim.createUsers(Array.from({ length: USERS }, (_, user) => email(user)));
    for (let group = 0; group < groups; group++) {
      const members = Array.from({ length: MEMBERS }, (_, member) => users[(group * 7 + member) % USERS]!);
      await scim.createGroup(`${name} ${group}`, members);
    }
  };

  const converge = async (integrations: readonly TestIntegration[]) => {
    scimify.pagerDuty.clearCalls();
    for (const { id } of integrations) await scimify.admin.post(`/integrations/${id}/enable`);
    for (const integration of integrations) await scimify.settled(integration, ['synced'], 100_000);
    return scimify.pagerDuty.calls();
  };

  const expectPaced = (calls: readonly Call[]) => {
    expect(calls.filter(({ status }) => status === 429)).toEqual([]);
    expect(calls.length).toBeGreaterThanOrEqual(GROUPS * (MEMBERS + 1));
    // Look-ups come on top, and nothing is called twice.
    expect(calls.length).toBeLessThanOrEqual(GROUPS * (MEMBERS + 1) + 20);
    // More than three windows' worth of calls: without pacing the limit would have been met.
    expect(calls.at(-1)!.at - calls[0]!.at).toBeGreaterThan((2 * 60_000) / CLOCK_SPEED);
  };

  it('a push of three thousand calls meets no refusal, and everybody is in their teams', async () => {
    const tenant = await scimify.createTenant();
    const integration = await integrationWith(tenant, scimify.pagerDuty.addOAuthClient());
    await push(integration, 'Team', GROUPS);
    expectPaced(await converge([integration]));
    const sizes = Object.values(scimify.teams()).map((members) => members.length);
    expect(sizes).toEqual(Array.from({ length: GROUPS }, () => MEMBERS));
  }, 120_000);

  it('two integrations with one credential share its budget', async () => {
    const tenant = await scimify.createTenant();
    const app = scimify.pagerDuty.addOAuthClient();
    const integrations = [await integrationWith(tenant, app), await integrationWith(tenant, app)];
    for (const [index, integration] of integrations.entries()) {
      await push(integration, `Team of ${index}`, GROUPS / 2);
    }
    const calls = await converge(integrations);
    expectPaced(calls);
    // Whoever shares the token shares the budget.
    expect(calls.filter(({ path }) => path === '/oauth/token')).toHaveLength(1);
    const sizes = Object.values(scimify.teams()).map((members) => members.length);
    expect(sizes).toEqual(Array.from({ length: GROUPS }, () => MEMBERS));
  }, 120_000);
});
