import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

describe.each(['oauth', 'api_key'] as const)('a group pushed by an IdP, with %s', (authMethod) => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod });
    for (const name of ['ada', 'bo', 'cy', 'di']) {
      scimify.pagerDuty.addUser({ email: `${name}@Example.com`, name });
    }
  });

  afterAll(() => scimify.stop());

  let ada: string, bo: string, cy: string, di: string, ghost: string, group: string;

  it('becomes a team with its members, matched by e-mail without case', async () => {
    const { scim } = integration;
    [ada, bo, cy, di, ghost] = (await scim.createUsers(
      ['ada', 'bo', 'cy', 'di', 'ghost'].map((name) => `${name}@example.com`),
    )) as [string, string, string, string, string];
    group = await scim.createGroup('Platform On-call', [ada, bo]);
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'Platform On-call': ['ada@Example.com', 'bo@Example.com'] });
    expect(scimify.pagerDuty.team('Platform On-call')?.description).toBe(
      `Created via Scimify for tenant ${integration.tenantId}`,
    );
  });

  it('shows how it stands, and where the team is', async () => {
    const [shown] = await scimify.groups(integration);
    expect(shown).toMatchObject({
      id: group,
      displayName: 'Platform On-call',
      state: 'synced',
      reason: null,
      generation: 1,
      appliedGeneration: 1,
      remote: { name: 'Platform On-call', ownership: 'created' },
      members: { desired: 2, applied: 2, pending: 0 },
    });
    const { body } = await scimify.admin.get(`/integrations/${integration.id}`);
    expect(body).toMatchObject({
      account: { name: 'acme', url: 'https://acme.pagerduty.com' },
      connection: { status: 'ok' },
    });
  });

  it('gets a member who is added, and loses one who is removed', async () => {
    await integration.scim.addMembers(group, cy);
    await integration.scim.removeMembers(group, ada);
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'Platform On-call': ['bo@Example.com', 'cy@Example.com'] });
  });

  it('keeps its team when it is renamed', async () => {
    const before = scimify.pagerDuty.team('Platform On-call')!.id;
    await integration.scim.renameGroup(group, 'Platform');
    await scimify.settled(integration);
    expect(scimify.pagerDuty.teams()).toMatchObject([{ id: before, name: 'Platform' }]);
  });

  it('says who is missing and why, and takes them in once they exist', async () => {
    await integration.scim.addMembers(group, ghost);
    const [shown] = await scimify.settled(integration, ['partial']);
    expect(shown).toMatchObject({
      reason: 'user_not_found',
      generation: 5,
      appliedGeneration: 5,
      members: { desired: 3, applied: 2, pending: 1 },
    });
    const missing = (await scimify.members(integration, group)).filter(({ state }) => state !== 'applied');
    expect(missing).toMatchObject([
      {
        userId: ghost,
        state: 'pending',
        reason: 'user_not_found',
        message: expect.stringContaining('ghost@'),
      },
    ]);

    scimify.pagerDuty.addUser({ email: 'ghost@example.com' });
    expect((await scimify.admin.post(`/integrations/${integration.id}/sync`)).status).toBe(202);
    await scimify.settled(integration);
    expect(scimify.teams().Platform).toContain('ghost@example.com');
  });

  it('loses a member who is deactivated, and gets them back', async () => {
    await integration.scim.setActive(bo, false);
    await waitFor(
      'bo to leave',
      () => scimify.teams().Platform!,
      (emails) => !emails.includes('bo@Example.com'),
    );
    await integration.scim.setActive(bo, true);
    await waitFor(
      'bo to come back',
      () => scimify.teams().Platform!,
      (emails) => emails.includes('bo@Example.com'),
    );
  });

  it('loses a member who is deleted', async () => {
    await integration.scim.delete(`/Users/${cy}`);
    await waitFor(
      'cy to leave',
      () => scimify.teams().Platform!,
      (emails) => !emails.includes('cy@Example.com'),
    );
    expect((await integration.scim.get(`/Groups/${group}`)).body.members).toHaveLength(2);
  });

  it('follows a member whose address changes to another PagerDuty user', async () => {
    await integration.scim.patchOperations(`/Users/${bo}`, {
      op: 'replace',
      value: { emails: [{ primary: true, type: 'work', value: 'di@example.com' }] },
    });
    await waitFor(
      'di to stand in for bo',
      () => scimify.teams().Platform!,
      (emails) => {
        return emails.includes('di@Example.com') && !emails.includes('bo@Example.com');
      },
    );
    expect(di).toBeDefined();
  });

  it('takes its team along when it is deleted', async () => {
    await integration.scim.delete(`/Groups/${group}`);
    await waitFor(
      'the team to be gone',
      () => scimify.teams(),
      (teams) => Object.keys(teams).length === 0,
    );
    await waitFor(
      'the group to be gone',
      () => scimify.groups(integration),
      (groups) => groups.length === 0,
    );
  });
});
