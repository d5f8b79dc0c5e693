import { Scimify, type TestIntegration } from '../support/scimify';

/** Twice as many groups as calls in parallel. */
const groupsFor = (calls: number) => 2 * calls;
const USUAL_CALLS = 4;
const LATENCY_MS = 500;
const email = (name: string) => `${name}@example.com`;

describe('calls under way at once', () => {
  let scimify: Scimify;
  afterEach(() => scimify.stop());

  /** Integrations with one credential, each with groups that are ready to be made. */
  const begin = async (
    integrations: number,
    groups = groupsFor(USUAL_CALLS),
    env: Record<string, string> = {},
  ): Promise<TestIntegration[]> => {
    scimify = await Scimify.start(env);
    const tenantId = await scimify.createTenant();
    const secret = scimify.pagerDuty.addApiKey();
    scimify.pagerDuty.addUser({ email: email('ada') });
    const made: TestIntegration[] = [];
    for (let index = 0; index < integrations; index++) {
      const integration = await scimify.createIntegration({
        tenantId,
        authMethod: 'api_key',
        secret,
        enable: false,
      });
      const users = await integration.scim.createUsers([email('ada')]);
      for (let group = 0; group < groups; group++) {
        await integration.scim.createGroup(`Team ${index}-${group}`, users);
      }
      made.push(integration);
    }
    return made;
  };

  /** The most calls that PagerDuty had to answer at the same time. */
  const peakOfPush = async (integrations: readonly TestIntegration[]): Promise<number> => {
    scimify.pagerDuty.inject({ latencyMs: LATENCY_MS });
    scimify.pagerDuty.clearCalls();
    for (const { id } of integrations) await scimify.admin.post(`/integrations/${id}/enable`);
    for (const integration of integrations) await scimify.settled(integration, ['synced'], 60_000);
    const times = scimify.pagerDuty.calls().map(({ at }) => at);
    // Each call takes at least the latency, so calls that begin within that time run in parallel.
    const beside = (at: number) => times.filter((other) => other >= at && other < at + LATENCY_MS - 50);
    return Math.max(...times.map((at) => beside(at).length));
  };

  it('are four, unless the operator says otherwise', async () => {
    expect(await peakOfPush(await begin(1))).toBe(USUAL_CALLS);
  });

  it.each([1, 6])('are %d where the operator says so', async (calls) => {
    const env = { PAGERDUTY_PARALLEL_CALLS: String(calls) };
    expect(await peakOfPush(await begin(1, groupsFor(calls), env))).toBe(calls);
  });

  it('are no more of two integrations with one credential than of one', async () => {
    expect(await peakOfPush(await begin(2))).toBe(USUAL_CALLS);
  });
});
