import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

describe('a group that an admin lets go', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let ada: string;
  let group: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    scimify.pagerDuty.addUser({ email: 'ada@example.com', name: 'ada' });
    integration = await scimify.createIntegration({ authMethod: 'api_key' });
    ada = await integration.scim.createUser('ada@example.com');
    group = await integration.scim.createGroup('Platform', [ada]);
    await scimify.settled(integration);
    scimify.pagerDuty.clearCalls();
  });

  afterEach(() => scimify.stop());

  const release = (mode: string, groupId = group) =>
    scimify.admin.post(`/integrations/${integration.id}/groups/${groupId}/release`, { mode });

  const noGroups = () =>
    waitFor(
      'the group to be gone',
      () => scimify.groups(integration),
      (groups) => groups.length === 0,
    );

  const audited = async () =>
    (
      await scimify.admin.get(`/tenants/${integration.tenantId}/audit-events?targetId=${group}&action=team`)
    ).body.items.map(({ action }: { action: string }) => action);

  const writes = () => scimify.pagerDuty.calls().filter(({ method }) => method !== 'GET');

  it('leaves its team as it is, although the policy is to delete it', async () => {
    expect((await release('leave')).status).toBe(202);
    expect((await integration.scim.get(`/Groups/${group}`)).status).toBe(404);
    await noGroups();
    expect(scimify.teams()).toEqual({ Platform: ['ada@example.com'] });
    expect(writes()).toEqual([]);
    expect(await audited()).toEqual(['team.left', 'team.created']);
  });

  it('loses those whom we added', async () => {
    await release('release');
    await noGroups();
    expect(scimify.teams()).toEqual({ Platform: [] });
    expect(await audited()).toEqual(['team.released', 'team.created']);
  });

  it('gives its name free: the IdP may push it again', async () => {
    await release('leave');
    await noGroups();
    await integration.scim.createGroup('Platform', [ada]);
    const [shown] = await scimify.settled(integration);
    expect(shown).toMatchObject({ remote: { ownership: 'adopted' } });
    expect(scimify.pagerDuty.teams()).toHaveLength(1);
  });

  it('keeps the way that was chosen until it can be gone', async () => {
    scimify.pagerDuty.inject({ probability: 1, status: 503 });
    await release('release');
    await waitFor(
      'a try',
      () => scimify.groups(integration),
      (groups) => groups[0]?.attempts !== 0 && scimify.pagerDuty.calls().length > 0,
    );
    await scimify.admin.post(`/integrations/${integration.id}/groups/${group}/retry`);
    scimify.pagerDuty.clearFaults();
    await scimify.admin.post(`/integrations/${integration.id}/sync`);
    await noGroups();
    expect(scimify.teams()).toEqual({ Platform: [] });
  });

  it('waits while the integration is paused', async () => {
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    await release('release');
    expect((await integration.scim.get(`/Groups/${group}`)).status).toBe(404);
    expect(await scimify.groups(integration)).toMatchObject([{ id: group, remote: { name: 'Platform' } }]);
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await noGroups();
    expect(scimify.teams()).toEqual({ Platform: [] });
  });

  it('may be one that the IdP deleted and PagerDuty keeps', async () => {
    scimify.pagerDuty.associate(scimify.pagerDuty.team('Platform')!.id, 'Escalation Policies');
    await integration.scim.delete(`/Groups/${group}`);
    await waitFor(
      'the deletion to be blocked',
      () => scimify.groups(integration),
      ([shown]) => shown?.state === 'blocked',
    );
    expect((await release('leave')).status).toBe(202);
    await noGroups();
    expect(scimify.teams()).toEqual({ Platform: ['ada@example.com'] });
    expect((await release('leave')).status).toBe(404);
  });

  it('is one of this integration, and goes in one of the two ways', async () => {
    const other = await scimify.createIntegration({ authMethod: 'api_key' });
    const path = `/integrations/${other.id}/groups/${group}/release`;
    expect((await scimify.admin.post(path, { mode: 'leave' })).status).toBe(404);
    for (const mode of ['delete', '', null]) expect((await release(mode as string)).status).toBe(400);
    expect((await integration.scim.get(`/Groups/${group}`)).status).toBe(200);
  });
});
