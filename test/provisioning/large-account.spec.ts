import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';

const email = (name: string) => `${name}@example.com`;
const NEWCOMERS = 300;

describe('an account with more users than PagerDuty lists, in which people are searched for one by one', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let ada: string;
  let newcomers: string[];
  let big: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    const names = ['ada', 'bo', ...Array.from({ length: NEWCOMERS }, (_, index) => `new${index}x`)];
    for (const name of names) scimify.pagerDuty.addUser({ email: email(name) });
    const ids = await integration.scim.createUsers(names.map(email));
    ada = ids[0]!;
    newcomers = ids.slice(2);
    await integration.scim.createGroup('Small', ids.slice(0, 2));
    big = await integration.scim.createGroup('Big', ids.slice(0, 1));
    await scimify.settled(integration);
    const body = { users: [], limit: 100, offset: 0, more: true, total: 20_000 };
    scimify.pagerDuty.inject({ path: /^\/users\?.*total=true/, status: 200, body });
    scimify.pagerDuty.clearCalls();
  }, 30_000);
  afterEach(() => scimify.stop());

  const searches = () =>
    scimify.pagerDuty.calls({ method: 'GET' }).filter(({ path }) => path.includes('query=new'));

  it('keeps whom it has found, whatever happens to the searches for others', async () => {
    scimify.pagerDuty.inject({ path: /query=new/, status: 408, probability: 0.05, seed: 7 });
    await integration.scim.createGroup('Everybody new', newcomers);
    await waitFor(
      'all of them to join',
      () => scimify.teams()['Everybody new'] ?? [],
      (emails) => emails.length === NEWCOMERS,
      60_000,
    );
    const answered = searches().filter(({ status }) => status === 200);
    expect(searches().length).toBeGreaterThan(answered.length);
    expect(answered.length).toBe(new Set(answered.map(({ path }) => path)).size);
    expect(answered.length).toBe(NEWCOMERS);
  }, 90_000);

  it('asks once for somebody in several groups', async () => {
    const names = ['One', 'Two', 'Three'];
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    for (const name of names) await integration.scim.createGroup(name, newcomers);
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await waitFor(
      'all of them to join',
      () => names.map((name) => scimify.teams()[name]?.length),
      (members) => members.every((count) => count === NEWCOMERS),
      120_000,
    );
    expect(searches()).toHaveLength(NEWCOMERS);
  }, 150_000);

  it('lets nobody who leaves wait for people of other groups', async () => {
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    await integration.scim.addMembers(big, ...newcomers);
    await integration.scim.setActive(ada, false);
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await waitFor(
      'the others to join',
      () => scimify.teams().Big!,
      (emails) => emails.length === NEWCOMERS,
      60_000,
    );
    const calls = scimify.pagerDuty.calls();
    const small = scimify.pagerDuty.team('Small')!.id;
    const left = calls.findIndex(
      ({ method, path }) => method === 'DELETE' && path.startsWith(`/teams/${small}/`),
    );
    expect(left).toBeGreaterThan(-1);
    expect(left).toBeLessThan(calls.findLastIndex(({ path }) => path.includes('query=new')));
  }, 90_000);
});
