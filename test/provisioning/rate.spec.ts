import type { Call, OAuthCredentials } from '../../simulator/simulator';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { beginReconciliation, reconciliationIsUnderWay, reconciliationToEnd } from './support/reconciliation';

const LIMIT = 960;
// A minute passes in three seconds: faster than the engine could go by itself, so that it is the limit that holds it back.
const CLOCK_SPEED = 20;
const GROUPS = 40;
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

  /** Paused, so that a whole push is waiting. */
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
    // Look-ups add a few calls, and no call is made twice.
    expect(calls.length).toBeLessThanOrEqual(GROUPS * (MEMBERS + 1) + 20);
    // More than two windows of calls: without pacing, the engine would have reached the limit.
    expect(calls.at(-1)!.at - calls[0]!.at).toBeGreaterThan(60_000 / CLOCK_SPEED);
  };

  it('a push of two thousand calls meets no refusal, and everybody is in their teams', async () => {
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
    // Integrations that share the token share the budget.
    expect(calls.filter(({ path }) => path === '/oauth/token')).toHaveLength(1);
    const sizes = Object.values(scimify.teams()).map((members) => members.length);
    expect(sizes).toEqual(Array.from({ length: GROUPS }, () => MEMBERS));
  }, 120_000);

  describe('a single change that arrives in the middle of a reconciliation', () => {
    const APPLIED_WITHIN_MS = 2_000;
    const USERS_TO_LOOK_THROUGH = 4_000;
    let integration: TestIntegration;
    let group: string;
    let newcomers: string[];

    beforeEach(async () => {
      scimify.pagerDuty.addUsers(USERS_TO_LOOK_THROUGH);
      integration = await scimify.createIntegration();
      const users = await integration.scim.createUsers(Array.from({ length: 10 }, (_, user) => email(user)));
      newcomers = users.slice(5);
      group = await integration.scim.createGroup('On-call', users.slice(0, 5));
      // The engine would read a few teams one by one, which ends sooner.
      for (let team = 0; team < 12; team++) await integration.scim.createGroup(`Team ${team}`, [users[0]!]);
      await scimify.settled(integration);
      scimify.pagerDuty.clearCalls();
    });

    const pagesRead = () => scimify.pagerDuty.calls({ path: /^\/users\?.*include/ });

    /** @returns milliseconds from the response to the PATCH until the person is in the team */
    const addOne = async (userId: string, member: string): Promise<number> => {
      const { status } = await integration.scim.addMembers(group, userId);
      expect(status).toBe(204);
      const answeredAt = performance.now();
      await waitFor(
        `${member} to be in the team`,
        () => scimify.teams()['On-call']!,
        (emails) => emails.includes(member),
      );
      return performance.now() - answeredAt;
    };

    const expectChangesInTime = async () => {
      for (const [index, userId] of newcomers.slice(0, 3).entries()) {
        // The change has to come in the middle. On a slow machine, the reconciliation may end soon after the first
        // change.
        const isUnderWay = await reconciliationIsUnderWay(scimify, integration);
        if (index > 0 && !isUnderWay) break;
        expect(isUnderWay).toBe(true);
        expect(await addOne(userId, email(5 + index))).toBeLessThan(APPLIED_WITHIN_MS);
      }
    };

    it('is applied within two seconds while PagerDuty is slow to list its users', async () => {
      scimify.pagerDuty.inject({ path: /^\/users\?.*include/, latencyMs: 200 });
      await beginReconciliation(scimify, integration);
      await waitFor('the scan to be on its way', pagesRead, (calls) => calls.length >= 2);
      await expectChangesInTime();
      await reconciliationToEnd(scimify, integration);
    });

    it('is applied within two seconds while reconciliation has used up its half of the limit', async () => {
      const limit = 60;
      scimify.pagerDuty.setRateLimit(limit);
      await beginReconciliation(scimify, integration);
      const nearlyHalf = limit / 2 - 6;
      await waitFor('its share to be used up', pagesRead, (calls) => calls.length >= nearlyHalf);
      await expectChangesInTime();
      await reconciliationToEnd(scimify, integration);
      expect(scimify.pagerDuty.calls({ status: 429 })).toEqual([]);
    });

    it('is applied within two seconds while many teams are repaired that were changed by hand', async () => {
      const teams = 20;
      const colleagues = Array.from({ length: 30 }, (_, user) => email(100 + user));
      const users = await integration.scim.createUsers(colleagues);
      for (let team = 0; team < teams; team++) {
        await integration.scim.createGroup(`Changed ${team}`, users.slice(team, team + 10));
      }
      await scimify.settled(integration);
      for (const { id, name, members } of scimify.pagerDuty.teams()) {
        if (!name.startsWith('Changed')) continue;
        for (const member of members.slice(0, 8)) scimify.pagerDuty.removeMember(id, member.id);
      }
      scimify.pagerDuty.inject({ method: 'PUT', latencyMs: 150 });
      scimify.pagerDuty.clearCalls();
      const repaired = () => scimify.pagerDuty.calls({ method: 'PUT', status: 204 }).length;
      await beginReconciliation(scimify, integration);
      await waitFor('the repairs to begin', repaired, (count) => count > 0);
      expect(await addOne(newcomers[0]!, email(5))).toBeLessThan(APPLIED_WITHIN_MS);
      // Otherwise the change did not come in the middle.
      expect(repaired()).toBeLessThan(teams * 8);
      await waitFor('the repairs to end', repaired, (count) => count === teams * 8 + 1);
    }, 60_000);
  });
});
