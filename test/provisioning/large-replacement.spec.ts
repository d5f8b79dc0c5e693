import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';

const email = (name: string) => `${name}@example.com`;
const people = (name: string, count: number) =>
  Array.from({ length: count }, (_, person) => email(`${name}${person}`));

describe('a group whose members are replaced, more of them than are looked at together', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
  });

  afterAll(() => scimify.stop());

  it('loses nobody before those have joined who come for them', async () => {
    const [former, coming] = [people('former', 100), people('coming', 100)];
    scimify.pagerDuty.addUsers([...former, ...coming].map((address) => ({ email: address })));
    // Users created first are compared first. Most of the group have no account in PagerDuty, so its team is never
    // full.
    const before = await integration.scim.createUsers([...former, ...people('unknown', 370)]);
    const after = await integration.scim.createUsers(coming);
    const group = await integration.scim.createGroup('On-call', before);
    await scimify.settled(integration, ['partial'], 60_000);
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    await integration.scim.patchOperations(`/Groups/${group}`, {
      op: 'replace',
      path: 'members',
      value: after.map((value) => ({ value })),
    });
    const plan = (await scimify.admin.get(`/integrations/${integration.id}/plan`)).body;
    expect(plan.groups).toMatchObject([{ counts: { add: 100, remove: 100 } }]);
    scimify.pagerDuty.clearCalls();
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await waitFor(
      'the team to be replaced',
      () => scimify.teams()['On-call']!,
      (emails) => emails.join() === [...coming].sort().join(),
      60_000,
    );
    const calls = scimify.pagerDuty
      .calls()
      .filter(({ method, path }) => ['PUT', 'DELETE'].includes(method) && path.startsWith('/teams/'))
      .map(({ method }) => method);
    expect(calls).toEqual([...Array(100).fill('PUT'), ...Array(100).fill('DELETE')]);
  }, 180_000);
});
