import { adminWithRole } from '../support/admin-keys';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePass } from './support/passing-time';

const email = (name: string) => `${name}@example.com`;

describe('the overview of an integration', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;

  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of ['ada', 'bo', 'cy']) scimify.pagerDuty.addUser({ email: email(name) });
    integration = await scimify.createIntegration({ authMethod: 'api_key' });
    const ids = await integration.scim.createUsers(['ada', 'bo', 'cy', 'ghost'].map(email));
    users = Object.fromEntries(['ada', 'bo', 'cy', 'ghost'].map((name, index) => [name, ids[index]!]));
  });

  afterEach(() => scimify.stop());

  const personOf = (name: string) => scimify.pagerDuty.user(email(name))!.id;
  const overview = async () => (await scimify.admin.get(`/integrations/${integration.id}/overview`)).body;
  const shown = async (group: string) =>
    (await scimify.admin.get(`/integrations/${integration.id}/groups/${group}`)).body;
  const quotasWith = (used: { users: number; groups: number; memberships: number }) => ({
    users: { limit: 500_000, used: used.users },
    groups: { limit: 20_000, used: used.groups },
    memberships: { limit: 5_000_000, used: used.memberships },
    scimKeys: { limit: 20, used: 1 },
  });
  const NO_GROUPS = { synced: 0, pending: 0, syncing: 0, partial: 0, retrying: 0, blocked: 0, held: 0 };

  it('has nothing to tell at first', async () => {
    integration = await scimify.createIntegration({ authMethod: 'api_key', enable: false });
    expect(await overview()).toEqual({
      countedAt: expect.any(String),
      groups: NO_GROUPS,
      members: { desired: 0, applied: 0, pending: 0 },
      oldestPendingSeconds: null,
      leaversStillOnTeam: 0,
      leaversAwaitingDecision: 0,
      links: { emailDiffers: 0, pinnedAddressChanged: 0 },
      nextReconciliationAt: null,
      reconciliation: { lastCompletedAt: null, nextAt: null, problem: null },
      rate: null,
      quotas: quotasWith({ users: 0, groups: 0, memberships: 0 }),
    });
  });

  it('counts groups by state and people by whether they are in, and tells of the limit', async () => {
    await integration.scim.createGroup('One', [users.ada!, users.bo!]);
    await integration.scim.createGroup('Two', [users.ada!, users.ghost!]);
    await integration.scim.createGroup('x'.repeat(101), [users.cy!]);
    await scimify.settled(integration, ['synced', 'partial', 'blocked']);
    const figures = await overview();
    expect(figures).toEqual({
      countedAt: expect.any(String),
      groups: { ...NO_GROUPS, synced: 1, partial: 1, blocked: 1 },
      members: { desired: 5, applied: 3, pending: 2 },
      // The blocked group's change is not applied.
      oldestPendingSeconds: expect.any(Number),
      leaversStillOnTeam: 0,
      leaversAwaitingDecision: 0,
      links: { emailDiffers: 0, pinnedAddressChanged: 0 },
      nextReconciliationAt: expect.any(String),
      reconciliation: { lastCompletedAt: null, nextAt: expect.any(String), problem: null },
      rate: { limit: 100_000, remaining: expect.any(Number) },
      quotas: quotasWith({ users: 4, groups: 3, memberships: 5 }),
    });
    expect(figures.rate.remaining).toBeLessThan(100_000);
  });

  it('tells how long the oldest change has been waiting', async () => {
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    await integration.scim.createGroup('One', [users.ada!]);
    const { oldestPendingSeconds, groups } = await waitFor(
      'a second to pass',
      overview,
      (figures) => figures.oldestPendingSeconds >= 1,
    );
    expect(groups).toEqual({ ...NO_GROUPS, pending: 1 });
    expect(oldestPendingSeconds).toBeLessThan(30);
  });

  describe('where PagerDuty does not let somebody go', () => {
    let groups: string[];

    beforeEach(async () => {
      groups = [];
      for (const name of ['One', 'Two']) {
        groups.push(await integration.scim.createGroup(name, [users.ada!, users.bo!, users.cy!]));
      }
      await scimify.settled(integration);
      for (const name of ['One', 'Two']) {
        scimify.pagerDuty.associate(scimify.pagerDuty.team(name)!.id, 'Escalation Policies', {
          userIds: [personOf('ada')],
        });
      }
    });

    it.each(['deactivated', 'deleted'])(
      'counts one who was %s once, and says so beside each team',
      async (how) => {
        if (how === 'deactivated') await integration.scim.setActive(users.ada!, false);
        else await integration.scim.delete(`/Users/${users.ada}`);
        await scimify.settled(integration, ['partial']);
        expect(await overview()).toMatchObject({
          leaversStillOnTeam: 1,
          members: { desired: 4, applied: 4, pending: 0 },
        });
        for (const group of groups) {
          expect(await shown(group)).toMatchObject({
            reason: 'leaver_still_on_team',
            message: expect.stringMatching(/deactivated or deleted.*escalation polic/),
          });
        }
        if (how === 'deleted') return;
        const members = await scimify.members(integration, groups[0]!);
        expect(members.filter(({ state }) => state === 'removing')).toMatchObject([
          {
            userId: users.ada,
            reason: 'leaver_still_on_team',
            message: expect.stringContaining('escalation polic'),
            nextAttemptAt: expect.any(String),
          },
        ]);
        for (const name of ['One', 'Two']) {
          scimify.pagerDuty.dissociate(scimify.pagerDuty.team(name)!.id, 'Escalation Policies', {
            userIds: [personOf('ada')],
          });
        }
        await scimify.admin.post(`/integrations/${integration.id}/sync`);
        await scimify.settled(integration);
        expect(await overview()).toMatchObject({ leaversStillOnTeam: 0, groups: { synced: 2 } });
      },
    );

    it('does not count one who only left the group, but does once they are deactivated', async () => {
      await integration.scim.removeMembers(groups[0]!, users.ada!);
      await scimify.settled(integration, ['partial', 'synced']);
      expect(await shown(groups[0]!)).toMatchObject({ reason: 'member_on_escalation_policy' });
      expect(await overview()).toMatchObject({ leaversStillOnTeam: 0 });
      await integration.scim.setActive(users.ada!, false);
      await scimify.settled(integration, ['partial']);
      expect(await shown(groups[0]!)).toMatchObject({ reason: 'leaver_still_on_team' });
      expect(await overview()).toMatchObject({ leaversStillOnTeam: 1 });
    });
  });

  it('counts one who left and whose removal fails for the third time, says what to do, and no more once they are out', async () => {
    const group = await integration.scim.createGroup('One', [users.ada!, users.bo!]);
    await scimify.settled(integration);
    const { id } = scimify.pagerDuty.team('One')!;
    const fault = scimify.pagerDuty.inject({
      method: 'DELETE',
      path: `/teams/${id}/users/${personOf('ada')}`,
      status: 500,
    });
    const untilFailed = async (times: number) => {
      while (fault.hits() < times) {
        const before = fault.hits();
        await letTimePass(scimify, 60_000);
        await waitFor('another failure', fault.hits, (hits) => hits > before);
      }
      await waitFor(
        'the failure to be told',
        async () => (await shown(group)).state,
        (state) => state === 'retrying',
      );
    };
    await integration.scim.setActive(users.ada!, false);
    await untilFailed(3);
    const member = async () =>
      (await scimify.members(integration, group)).find(({ userId }) => userId === users.ada);
    await waitFor('them to be counted', overview, (figures) => figures.leaversStillOnTeam === 1);
    const told = { reason: 'leaver_still_on_team', message: expect.stringMatching(/by hand/) };
    expect(await shown(group)).toMatchObject({ state: 'retrying', ...told });
    expect(await member()).toMatchObject({ state: 'removing', ...told });
    expect((await shown(group)).message).not.toContain('Nothing needs to be done');
    fault.remove();
    await letTimePass(scimify, 900_000);
    await scimify.settled(integration);
    expect(await overview()).toMatchObject({ leaversStillOnTeam: 0 });
  });

  it('is for those who may see the integration', async () => {
    const path = `/integrations/${integration.id}/overview`;
    const viewer = await adminWithRole(scimify, integration.tenantId, 'viewer');
    expect((await viewer.get(path)).status).toBe(200);
    const stranger = await adminWithRole(scimify, await scimify.createTenant('Other'), 'owner');
    expect((await stranger.get(path)).status).toBe(404);
  });
});
