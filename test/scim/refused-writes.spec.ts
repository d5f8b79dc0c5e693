import { Scimify, type TestIntegration } from '../support/scimify';

const NOBODY = '00000000-0000-7000-8000-000000000001';

describe('a write that is refused for good', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let user: string;
  let group: string;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ enable: false });
    user = await integration.scim.createUser('ada@example.com');
    group = await integration.scim.createGroup('On-call');
  });

  afterAll(() => scimify.stop());

  const refused = async () => {
    const { body } = await scimify.admin.get(`/integrations/${integration.id}/refused-writes`);
    return body.items;
  };

  const dismissals = async (): Promise<any[]> =>
    (await scimify.admin.get(`/tenants/${integration.tenantId}/audit-events?action=refused_write`)).body
      .items;

  const shownGroup = async () =>
    (await scimify.admin.get(`/integrations/${integration.id}/groups/${group}`)).body;

  it('is kept with what it named, and shown beside its group', async () => {
    expect((await integration.scim.addMembers(group, user, NOBODY)).status).toBe(400);
    expect(await refused()).toMatchObject([
      {
        method: 'PATCH',
        path: `/Groups/${group}`,
        status: 400,
        detail: expect.stringContaining(NOBODY),
        named: [`members:${user}`, `members:${NOBODY}`],
        groupId: group,
        userId: null,
        scimKey: 'Okta',
      },
    ]);
    expect((await shownGroup()).idpWriteRefused).toMatchObject({ status: 400 });
  });

  it('is not made up for by a write that covers a part of it', async () => {
    expect((await integration.scim.addMembers(group, user)).status).toBe(204);
    expect(await refused()).toMatchObject([{ named: [`members:${NOBODY}`] }]);
    await integration.scim.renameGroup(group, 'Platform');
    expect(await refused()).toHaveLength(1);
  });

  it('is made up for by later writes that cover the rest', async () => {
    expect((await integration.scim.removeMembers(group, NOBODY)).status).toBe(204);
    expect(await refused()).toEqual([]);
    expect((await shownGroup()).idpWriteRefused).toBeNull();
  });

  it('is made up for by a full replacement, but a replacement without members leaves members open', async () => {
    await integration.scim.addMembers(group, NOBODY);
    const { body } = await integration.scim.get(`/Groups/${group}`);
    const { members, ...withoutMembers } = body;
    expect((await integration.scim.put(`/Groups/${group}`, withoutMembers)).status).toBe(200);
    expect(await refused()).toHaveLength(1);
    expect((await integration.scim.put(`/Groups/${group}`, { ...body, members })).status).toBe(200);
    expect(await refused()).toEqual([]);
  });

  it('is kept under the name that it would have given, once, and made up for by a successful creation', async () => {
    for (let time = 0; time < 3; time++) {
      const answer = await integration.scim.post('/Groups', {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
        displayName: 'Second Team',
        members: [{ value: NOBODY }],
      });
      expect(answer.status).toBe(400);
    }
    expect(await refused()).toMatchObject([{ method: 'POST', path: '/Groups', groupId: null }]);
    await integration.scim.createGroup('second team');
    expect(await refused()).toEqual([]);
  });

  it('is kept when its body could not even be read, and without the body', async () => {
    const body = '{"schemas":["x"],"userName":"eve","password":"planted-password",';
    expect((await integration.scim.put(`/Users/${user}`, body)).status).toBe(400);
    const items = await refused();
    expect(items).toMatchObject([{ method: 'PUT', userId: user, status: 400 }]);
    expect(JSON.stringify(items)).not.toContain('planted-password');
    const users = await scimify.admin.get(`/integrations/${integration.id}/users`);
    expect(users.body.items[0].idpWriteRefused).toMatchObject({ status: 400 });
  });

  it('is settled by an admin, who stands in the audit with what it was and whom it was about', async () => {
    const [{ id }] = await refused();
    const path = `/integrations/${integration.id}/refused-writes/${id}`;
    expect((await scimify.admin.delete(path)).status).toBe(204);
    expect((await scimify.admin.delete(path)).status).toBe(404);
    expect(await refused()).toEqual([]);
    expect(await dismissals()).toMatchObject([
      {
        actor: { name: 'SCIMIFY_ADMIN_KEY' },
        target: { type: 'refused_write', id },
        detail: {
          method: 'PUT',
          path: `/Users/${user}`,
          status: 400,
          resourceType: 'User',
          resourceId: user,
          name: 'ada@example.com',
        },
      },
    ]);
  });

  it('is known in the audit by its name where it made nothing', async () => {
    const schemas = ['urn:ietf:params:scim:schemas:core:2.0:Group'];
    await integration.scim.post('/Groups', { schemas, displayName: 'Third', members: [{ value: NOBODY }] });
    await integration.scim.addMembers(group, NOBODY);
    for (const { id } of await refused()) {
      await scimify.admin.delete(`/integrations/${integration.id}/refused-writes/${id}`);
    }
    const { displayName } = await shownGroup();
    expect((await dismissals()).map(({ detail }) => detail)).toMatchObject([
      { method: 'POST', path: '/Groups', resourceType: 'Group', resourceId: null, name: 'third' },
      { method: 'PATCH', path: `/Groups/${group}`, resourceId: group, name: displayName },
      { method: 'PUT' },
    ]);
  });

  it('is not what the IdP repeats by itself, nor what its key may not do', async () => {
    await scimify.scimWith(integration.id, 'scimify_scim_wrong').delete(`/Users/${user}`);
    expect(await refused()).toEqual([]);
  });

  it('goes with its resource', async () => {
    await integration.scim.addMembers(group, NOBODY);
    expect(await refused()).toHaveLength(1);
    await integration.scim.delete(`/Groups/${group}`);
    expect(await refused()).toEqual([]);
  });
});
