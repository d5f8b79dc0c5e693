import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePass } from './support/passing-time';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const email = (name: string) => `${name}@example.com`;
const MEMBER_PATH = /^\/teams\/\w+\/users\//;
/** PagerDuty's answer to writes that follow each other too closely: PagerDuty did nothing. */
const LOCKED = {
  status: 400,
  body: JSON.stringify({ error: { message: 'Unable to perform request. account could not be locked' } }),
};

describe('nobody is forgotten', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeEach(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
  });

  afterEach(() => scimify.stop());

  const usersNamed = (...names: string[]) => integration.scim.createUsers(names.map(email));
  const inPagerDuty = (...names: string[]) =>
    scimify.pagerDuty.addUsers(names.map((name) => ({ email: email(name) })));
  const personOf = (name: string) => scimify.pagerDuty.user(email(name))!.id;
  const shown = async (group: string, name: string) =>
    (await scimify.members(integration, group)).find(({ userName }) => userName === email(name));
  const untilTeam = (team: string, ...names: string[]) =>
    waitFor(
      `${team} to be ${names.join(', ')}`,
      () => scimify.teams()[team]!.join(),
      (emails) => emails === names.map(email).sort().join(),
    );
  const failOnce = (method: string) =>
    scimify.pagerDuty.inject({ method, path: MEMBER_PATH, status: 503, times: 1 });

  it('of those who waited, when the call of one of them fails in passing', async () => {
    inPagerDuty('ada');
    const group = await integration.scim.createGroup('On-call', await usersNamed('ada', 'bo', 'cy', 'dee'));
    await scimify.settled(integration, ['partial']);
    inPagerDuty('bo', 'cy', 'dee');
    const fault = failOnce('PUT');
    await scimify.admin.post(`/integrations/${integration.id}/sync`);
    await waitFor('the failure', fault.hits, (hits) => hits === 1);
    await untilTeam('On-call', 'ada', 'bo', 'cy', 'dee');
    await scimify.settled(integration);
    expect(await shown(group, 'dee')).toMatchObject({ state: 'applied' });
  });

  it('of those whom a slow call of before put back into the team, when the call of one of them fails', async () => {
    inPagerDuty('ada', 'bo', 'cy');
    const [ada, bo, cy] = await usersNamed('ada', 'bo', 'cy');
    const group = await integration.scim.createGroup('On-call', [ada!]);
    await scimify.settled(integration);
    for (const user of [bo!, cy!]) {
      const lost = scimify.pagerDuty.inject({ method: 'PUT', path: MEMBER_PATH, drop: true });
      await integration.scim.addMembers(group, user);
      await waitFor('a call without an answer', lost.hits, (hits) => hits >= 1);
      await integration.scim.removeMembers(group, user);
      scimify.pagerDuty.clearFaults();
      await scimify.settled(integration);
    }
    const { id } = scimify.pagerDuty.team('On-call')!;
    for (const name of ['bo', 'cy']) scimify.pagerDuty.addMember(id, personOf(name));
    const fault = failOnce('DELETE');
    await letTimePass(scimify, 3 * MINUTE);
    await waitFor('the failure', fault.hits, (hits) => hits === 1);
    await untilTeam('On-call', 'ada');
    await scimify.settled(integration);
  });

  it('of those whose removal fails and who are wanted again, when their team refuses to add them', async () => {
    inPagerDuty('ada', 'bo');
    const [ada, bo] = await usersNamed('ada', 'bo');
    const group = await integration.scim.createGroup('On-call', [ada!, bo!]);
    await scimify.settled(integration);
    const untilShown = (reason: string) =>
      waitFor(
        reason,
        () => shown(group, 'bo'),
        (member) => member?.reason === reason,
      );
    scimify.pagerDuty.inject({ method: 'DELETE', path: MEMBER_PATH, ...LOCKED });
    await integration.scim.removeMembers(group, bo!);
    await untilShown('account_locked_briefly');
    scimify.pagerDuty.inject({ method: 'PUT', path: MEMBER_PATH, status: 403 });
    await integration.scim.addMembers(group, bo!);
    await untilShown('access_denied');
    scimify.pagerDuty.clearFaults();
    await integration.scim.setActive(bo!, false);
    await untilTeam('On-call', 'ada');
    await scimify.settled(integration);
  });

  it('of those whom PagerDuty kept, who were then taken out by hand, and who are wanted again', async () => {
    inPagerDuty('ada', 'bo');
    const [ada, bo] = await usersNamed('ada', 'bo');
    const group = await integration.scim.createGroup('On-call', [ada!, bo!]);
    await scimify.settled(integration);
    scimify.pagerDuty.inject({ method: 'DELETE', path: MEMBER_PATH, status: 403, times: 1 });
    await integration.scim.setActive(bo!, false);
    await waitFor(
      'the refusal',
      () => shown(group, 'bo'),
      (member) => member?.reason === 'leaver_still_on_team',
    );
    scimify.pagerDuty.removeMember(scimify.pagerDuty.team('On-call')!.id, personOf('bo'));
    await integration.scim.setActive(bo!, true);
    await scimify.settled(integration);
    await letTimePass(scimify, 3 * MINUTE);
    await untilTeam('On-call', 'ada', 'bo');
  });

  it('in another group, once a look-up for one of them found the person', async () => {
    inPagerDuty('ada');
    const users = await usersNamed('ada', 'bo');
    const one = await integration.scim.createGroup('One', users);
    await integration.scim.createGroup('Two', users);
    await scimify.settled(integration, ['partial']);
    inPagerDuty('bo');
    await scimify.admin.post(`/integrations/${integration.id}/groups/${one}/retry`);
    await untilTeam('One', 'ada', 'bo');
    await untilTeam('Two', 'ada', 'bo');
  });

  it('in another group, once one of them found that the person was made anew in PagerDuty', async () => {
    inPagerDuty('ada', 'bo');
    const [ada, bo] = await usersNamed('ada', 'bo');
    await integration.scim.createGroup('One', [ada!, bo!]);
    const two = await integration.scim.createGroup('Two', [ada!]);
    await scimify.settled(integration);
    scimify.pagerDuty.removeUser(personOf('bo'));
    inPagerDuty('bo');
    await integration.scim.addMembers(two, bo!);
    await untilTeam('Two', 'ada', 'bo');
    await untilTeam('One', 'ada', 'bo');
    await scimify.settled(integration);
  });

  it('in another group, and is shown there as missing, while the person is gone from PagerDuty', async () => {
    inPagerDuty('ada', 'bo');
    const [ada, bo] = await usersNamed('ada', 'bo');
    const one = await integration.scim.createGroup('One', [ada!, bo!]);
    const two = await integration.scim.createGroup('Two', [ada!]);
    await scimify.settled(integration);
    scimify.pagerDuty.removeUser(personOf('bo'));
    await integration.scim.addMembers(two, bo!);
    for (const group of [one, two]) {
      await waitFor(
        'bo to wait',
        () => shown(group, 'bo'),
        (member) => member?.state === 'pending' && member.reason === 'user_not_found',
      );
    }
  });

  it('and whoever is refused is tried after an hour, then every six', async () => {
    inPagerDuty('ada');
    scimify.pagerDuty.addUser({ email: email('sam'), role: 'read_only_user' });
    const group = await integration.scim.createGroup('On-call', await usersNamed('ada', 'sam'));
    for (const wait of [HOUR, 6 * HOUR, 6 * HOUR]) {
      await waitFor(
        `the next attempt to be ${wait / HOUR} hours away`,
        async () => Date.parse((await shown(group, 'sam'))?.nextAttemptAt) - Date.now(),
        (left) => left > wait - MINUTE && left <= wait,
      );
      await letTimePass(scimify, wait);
    }
  });
});
