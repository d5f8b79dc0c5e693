import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';

describe('fifty PATCHes at once that add different members to one group', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ policies: WITHOUT_GUARD });
  });

  afterAll(() => scimify.stop());

  it('lose nobody, neither in the group nor in the team', async () => {
    const emails = Array.from({ length: 50 }, (_, user) => `user.${user}@example.com`);
    scimify.pagerDuty.addUsers(emails.map((email) => ({ email })));
    const users = await integration.scim.createUsers(emails);
    const group = await integration.scim.createGroup('On-call');
    const answers = await Promise.all(users.map((user) => integration.scim.addMembers(group, user)));
    expect(answers.map(({ status }) => status)).toEqual(users.map(() => 204));
    const { body } = await integration.scim.get(`/Groups/${group}`);
    expect(body.members.map(({ value }: { value: string }) => value).sort()).toEqual([...users].sort());
    await scimify.settled(integration);
    expect(scimify.teams()['On-call']).toEqual([...emails].sort());
  });

  it('and fifty that remove them empty it', async () => {
    const [{ id: group }] = await scimify.groups(integration);
    const { body } = await integration.scim.get(`/Groups/${group}`);
    const answers = await Promise.all(
      body.members.map(({ value }: { value: string }) => integration.scim.removeMembers(group, value)),
    );
    expect(answers.every(({ status }) => status === 204)).toBe(true);
    await scimify.settled(integration);
    expect(scimify.teams()['On-call']).toEqual([]);
  });
});
