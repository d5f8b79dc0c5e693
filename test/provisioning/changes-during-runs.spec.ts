import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';

const email = (name: string) => `${name}@example.com`;
const NAMES = ['ada', 'bo', 'cy', 'di', 'ed', 'fi', 'gus', 'hy'];
const AT_ONCE = 4;

describe('a group that changes while it waits for its turn in a long run', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];
  let group: string;

  /** As many groups as a run works on at once keep it busy. The group under test comes after them. */
  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of NAMES) scimify.pagerDuty.addUser({ email: email(name) });
    const policies = { ...WITHOUT_GUARD, onGroupDelete: 'leave' };
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies, enable: false });
    users = await integration.scim.createUsers(NAMES.map(email));
    for (let i = 0; i < AT_ONCE; i++) await integration.scim.createGroup(`Busy ${i}`, users);
    group = await integration.scim.createGroup('On-call', [users[0]!]);
    const slow = scimify.pagerDuty.inject({ method: 'PUT', path: /users/, latencyMs: 700 });
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await waitFor('the run to be at other groups', slow.hits, (hits) => hits >= AT_ONCE);
  });

  afterEach(() => scimify.stop());

  /** The change has arrived in time: from now on nothing has to be slow. */
  const settledAfterwards = () => {
    scimify.pagerDuty.clearFaults();
    return scimify.settled(integration);
  };

  const shown = async () => (await scimify.admin.get(`/integrations/${integration.id}/groups/${group}`)).body;

  it('gets no team any more once it is deleted', async () => {
    expect(scimify.teams()).not.toHaveProperty('On-call');
    await integration.scim.delete(`/Groups/${group}`);
    const groups = await settledAfterwards();
    expect(groups.map(({ displayName }) => displayName)).not.toContain('On-call');
    expect(scimify.teams()).not.toHaveProperty('On-call');
    expect(Object.keys(scimify.teams())).toHaveLength(AT_ONCE);
  });

  it('is made with the name that it has by then', async () => {
    await integration.scim.renameGroup(group, 'Platform');
    await settledAfterwards();
    expect(scimify.teams()).toMatchObject({ Platform: [email('ada')] });
    expect(scimify.pagerDuty.calls({ method: 'PUT', path: /^\/teams\/[^/]+$/ })).toEqual([]);
  });

  it('adopts a team of the name that it has by then', async () => {
    const { id } = scimify.pagerDuty.addTeam({ name: 'Platform' });
    await integration.scim.renameGroup(group, 'Platform');
    await settledAfterwards();
    expect(await shown()).toMatchObject({ remote: { id, ownership: 'adopted' } });
  });

  it('adopts a team that was made by hand meanwhile', async () => {
    const { id } = scimify.pagerDuty.addTeam({ name: 'On-call' });
    await settledAfterwards();
    expect(await shown()).toMatchObject({ remote: { id, ownership: 'adopted' } });
    expect(scimify.teams()).toMatchObject({ 'On-call': [email('ada')] });
  });
});
