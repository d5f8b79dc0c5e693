import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';

const HOUR = 60 * 60_000;
const email = (name: string) => `${name}@example.com`;

describe('one address for which PagerDuty refuses to search', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;
  let group: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    const names = ['ada', 'bo', 'cy', 'odd'];
    for (const name of names) scimify.pagerDuty.addUser({ email: email(name) });
    // So many users that a search for each name is cheaper than a list of all.
    scimify.pagerDuty.addUsers(
      Array.from({ length: 500 }, (_, index) => ({ email: email(`other${index}`) })),
    );
    const ids = await integration.scim.createUsers(names.map(email));
    users = Object.fromEntries(names.map((name, index) => [name, ids[index]!]));
    group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
    scimify.pagerDuty.inject({
      path: /^\/users\?.*odd/,
      status: 400,
      body: { error: { message: 'Invalid query' } },
    });
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    await integration.scim.addMembers(group, users.cy!, users.odd!);
    await integration.scim.setActive(users.ada!, false);
  });
  afterEach(() => scimify.stop());

  const enable = () => scimify.admin.post(`/integrations/${integration.id}/enable`);
  const team = () => scimify.teams()['On-call']!;

  it('stops nobody else: leavers leave, others join, and that person waits with the reason', async () => {
    await enable();
    await waitFor(
      'the others to be in the team',
      team,
      (emails) => emails.join() === [email('bo'), email('cy')].join(),
    );
    const [shown] = await scimify.settled(integration, ['partial']);
    expect(shown).toMatchObject({
      reason: 'request_refused',
      members: { desired: 3, applied: 2, pending: 1 },
    });
    const odd = (await scimify.members(integration, group)).find(({ userId }) => userId === users.odd);
    expect(odd).toMatchObject({
      state: 'pending',
      reason: 'request_refused',
      message: expect.stringContaining('Invalid query'),
    });
    expect(Date.parse(odd.nextAttemptAt)).toBeGreaterThan(Date.now() + HOUR / 2);
    const { items } = (await scimify.admin.get(`/integrations/${integration.id}/users`)).body;
    expect(items.find(({ userName }: any) => userName === email('odd'))).toMatchObject({
      state: 'unknown',
      reason: 'request_refused',
    });
  });

  it('is over at once when an admin asks again and PagerDuty no longer refuses', async () => {
    await enable();
    await scimify.settled(integration, ['partial']);
    scimify.pagerDuty.clearFaults();
    await scimify.admin.post(`/integrations/${integration.id}/sync`);
    await waitFor(
      'everybody to be in the team',
      team,
      (emails) => emails.join() === [email('bo'), email('cy'), email('odd')].join(),
    );
    await scimify.settled(integration);
  });

  it('stops nobody else in the plan either', async () => {
    const { body } = await scimify.admin.get(`/integrations/${integration.id}/plan`);
    expect(body.groups).toMatchObject([
      {
        groupId: group,
        reason: null,
        addMembers: [{ userId: users.cy }],
        removeMembers: [{ userId: users.ada }],
        unresolved: [
          { userId: users.odd, reason: 'request_refused', message: expect.stringContaining('Invalid query') },
        ],
      },
    ]);
  });
});
