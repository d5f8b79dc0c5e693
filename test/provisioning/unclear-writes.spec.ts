import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePass } from './support/passing-time';

const MINUTE = 60_000;
const email = (name: string) => `${name}@example.com`;
const NAMES = ['ada', 'bo', 'cy'];

describe('a call to PagerDuty whose answer never came', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;
  let group: string;

  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of NAMES) scimify.pagerDuty.addUser({ email: email(name) });
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    const ids = await integration.scim.createUsers(NAMES.map(email));
    users = Object.fromEntries(NAMES.map((name, index) => [name, ids[index]!]));
    group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
  });

  afterEach(() => scimify.stop());

  const personOf = (name: string) => scimify.pagerDuty.user(email(name))!.id;
  const team = () => scimify.pagerDuty.team('On-call')!.id;
  const membersPath = () => `/teams/${team()}/members`;

  /** Every call of that kind is lost before it arrives, until the faults are cleared. */
  const loseOnTheWay = async (method: string, act: () => Promise<unknown>) => {
    const fault = scimify.pagerDuty.inject({ method, path: /^\/teams\/\w+\/users\//, drop: true });
    await act();
    await waitFor(
      'a call to be lost',
      () => fault.hits(),
      (hits) => hits > 0,
    );
  };

  const until = (name: string, isIn: boolean) =>
    waitFor(
      `${name} to be ${isIn ? 'in' : 'out of'} the team`,
      () => scimify.teams()['On-call']!,
      (emails) => emails.includes(email(name)) === isIn,
    );

  /** Two minutes after the last write, with everything that follows from it. */
  const twoMinutesLater = async () => {
    await scimify.settled(integration);
    scimify.pagerDuty.clearCalls();
    await letTimePass(scimify, 2 * MINUTE);
    await waitFor(
      'the team to be looked at',
      () => scimify.pagerDuty.calls({ method: 'GET', path: membersPath() }).length,
      (looks) => looks > 0,
    );
    await scimify.settled(integration);
  };

  const writes = () =>
    scimify.pagerDuty
      .calls()
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path }) => `${method} ${path}`);

  it('and that takes effect behind a later removal is undone: nobody stays whom the IdP took out', async () => {
    await loseOnTheWay('PUT', () => integration.scim.addMembers(group, users.cy!));
    await integration.scim.removeMembers(group, users.cy!);
    scimify.pagerDuty.clearFaults();
    await scimify.settled(integration);
    scimify.pagerDuty.addMember(team(), personOf('cy'));
    await twoMinutesLater();
    await until('cy', false);
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('bo')] });
    expect(writes()).toEqual([`DELETE /teams/${team()}/users/${personOf('cy')}`]);
  });

  it('and that takes effect behind a later addition is made good: nobody is missing whom the IdP wants', async () => {
    await loseOnTheWay('DELETE', () => integration.scim.removeMembers(group, users.bo!));
    await integration.scim.addMembers(group, users.bo!);
    scimify.pagerDuty.clearFaults();
    await scimify.settled(integration);
    scimify.pagerDuty.removeMember(team(), personOf('bo'));
    await twoMinutesLater();
    await until('bo', true);
    expect(writes()).toEqual([`PUT /teams/${team()}/users/${personOf('bo')}`]);
  });

  it('costs one look at the team, however many people it concerned, where all is as it should be', async () => {
    const fault = scimify.pagerDuty.inject({ method: 'PUT', status: 500, afterEffect: true, times: 2 });
    const dee = await integration.scim.createUser(email('dee'));
    scimify.pagerDuty.addUser({ email: email('dee') });
    await integration.scim.addMembers(group, users.cy!, dee);
    await until('dee', true);
    expect(fault.hits()).toBe(2);
    await twoMinutesLater();
    expect(scimify.pagerDuty.calls().map(({ method, path }) => `${method} ${path.split('?')[0]}`)).toEqual([
      `GET ${membersPath()}`,
    ]);
    await waitFor(
      'nothing to be left to do',
      () => scimify.groups(integration),
      ([{ state, nextAttemptAt }]) => state === 'synced' && nextAttemptAt === null,
    );
  });

  it('says nothing before two minutes have passed since the last call for that person', async () => {
    await loseOnTheWay('PUT', () => integration.scim.addMembers(group, users.cy!));
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    scimify.pagerDuty.clearFaults();
    await letTimePass(scimify, 1.5 * MINUTE);
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await until('cy', true);
    const [shown] = await scimify.settled(integration);
    expect(Date.parse(shown.nextAttemptAt)).toBeGreaterThan(Date.now() + MINUTE);
    scimify.pagerDuty.clearCalls();
    await letTimePass(scimify, MINUTE);
    await scimify.admin.post(`/integrations/${integration.id}/groups/${group}/retry`);
    await scimify.settled(integration);
    expect(scimify.pagerDuty.calls({ path: membersPath() })).toEqual([]);
  });

  it('shuts out no later change where PagerDuty refuses to show how it ended', async () => {
    await loseOnTheWay('PUT', () => integration.scim.addMembers(group, users.cy!));
    scimify.pagerDuty.clearFaults();
    await until('cy', true);
    await scimify.settled(integration);
    scimify.pagerDuty.inject({ method: 'GET', path: membersPath(), status: 403, times: 1 });
    await letTimePass(scimify, 2 * MINUTE);
    await scimify.settled(integration, ['blocked']);
    await integration.scim.setActive(users.bo!, false);
    await until('bo', false);
    await scimify.settled(integration);
  });

  it('is not made sure of where every call was answered', async () => {
    await integration.scim.addMembers(group, users.cy!);
    await scimify.settled(integration);
    expect(await scimify.groups(integration)).toMatchObject([{ state: 'synced', nextAttemptAt: null }]);
  });
});
