import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

const MEMBERS = 200;
const email = (user: number) => `user.${user}@example.com`;

describe('the calls to PagerDuty', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];
  let group: string;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration();
    scimify.pagerDuty.addUsers(Array.from({ length: 1000 }, (_, user) => ({ email: email(user) })));
    users = await integration.scim.createUsers(Array.from({ length: MEMBERS + 3 }, (_, user) => email(user)));
    group = await integration.scim.createGroup('On-call', users.slice(0, MEMBERS));
    await scimify.settled(integration);
    expect(scimify.teams()['On-call']).toHaveLength(MEMBERS);
  });

  afterAll(() => scimify.stop());

  const callsOf = async (act: () => Promise<unknown>) => {
    scimify.pagerDuty.clearCalls();
    await act();
    await scimify.settled(integration);
    return scimify.pagerDuty.calls().map(({ method, path }) => `${method} ${path}`);
  };

  it('are one for a member who is added and not more than two when the person is new', async () => {
    const calls = await callsOf(() => integration.scim.addMembers(group, users[MEMBERS]!));
    expect(calls.length).toBeLessThanOrEqual(2);
    expect(calls.at(-1)).toMatch(/^PUT \/teams\/\w+\/users\/\w+$/);
  });

  it('are exactly one for a member who is added and known', async () => {
    await integration.scim.removeMembers(group, users[MEMBERS]!);
    await scimify.settled(integration);
    const calls = await callsOf(() => integration.scim.addMembers(group, users[MEMBERS]!));
    expect(calls).toEqual([expect.stringMatching(/^PUT \/teams\/\w+\/users\/\w+$/)]);
  });

  it('are exactly one for a member who is removed', async () => {
    const calls = await callsOf(() => integration.scim.removeMembers(group, users[MEMBERS]!));
    expect(calls).toEqual([expect.stringMatching(/^DELETE \/teams\/\w+\/users\/\w+$/)]);
  });

  it('are none for what changes nothing', async () => {
    const calls = await callsOf(async () => {
      await integration.scim.addMembers(group, users[0]!);
      await integration.scim.removeMembers(group, users[MEMBERS + 1]!);
      await integration.scim.renameGroup(group, 'On-call');
    });
    expect(calls).toEqual([]);
  });

  it('are none while the integration is paused, and everything is made up for afterwards', async () => {
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    scimify.pagerDuty.clearCalls();
    await integration.scim.addMembers(group, users[MEMBERS + 1]!);
    const [shown] = await scimify.groups(integration);
    expect(shown).toMatchObject({ state: 'pending', generation: shown.appliedGeneration + 1 });
    expect(scimify.pagerDuty.calls()).toEqual([]);
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await waitFor(
      'the member to join',
      () => scimify.teams()['On-call']!,
      (emails) => emails.includes(email(MEMBERS + 1)),
    );
  });
});
