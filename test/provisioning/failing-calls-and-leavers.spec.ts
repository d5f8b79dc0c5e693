import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePass } from './support/passing-time';

const HOUR = 60 * 60_000;
const NAMES = ['ada', 'bo', 'cy', 'dee', 'eve'];
const email = (name: string) => `${name}@example.com`;

describe('whoever left the IdP leaves the team', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;

  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of NAMES) scimify.pagerDuty.addUser({ email: email(name) });
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    const ids = await integration.scim.createUsers(NAMES.map(email));
    users = Object.fromEntries(NAMES.map((name, index) => [name, ids[index]!]));
  });

  afterEach(() => scimify.stop());

  const push = async (group: string, ...names: string[]) => {
    const id = await integration.scim.createGroup(
      group,
      names.map((name) => users[name]!),
    );
    await scimify.settled(integration);
    return id;
  };
  const act = (path: string) => scimify.admin.post(`/integrations/${integration.id}/${path}`);
  const leave = (name: string) => integration.scim.setActive(users[name]!, false);
  const personOf = (name: string) => scimify.pagerDuty.user(email(name))!.id;
  const callsFail = (method: string, name: string, status = 503) =>
    scimify.pagerDuty.inject({
      method,
      path: new RegExp(`/users/${personOf(name)}$`),
      status,
    });
  const untilTeam = (team: string, ...names: string[]) =>
    waitFor(
      `${team} to be ${names.join(', ')}`,
      () => scimify.teams()[team]!.join(),
      (emails) => emails === names.map(email).sort().join(),
    );

  it.each([503, 504])('while the call that adds somebody always ends with %i', async (status) => {
    const group = await push('On-call', 'ada', 'bo');
    await act('pause');
    const fault = callsFail('PUT', 'cy', status);
    await integration.scim.addMembers(group, users.cy!, users.dee!);
    await leave('bo');
    await act('enable');
    await untilTeam('On-call', 'ada', 'dee');
    fault.remove();
    await letTimePass(scimify, HOUR);
    await untilTeam('On-call', 'ada', 'cy', 'dee');
    await scimify.settled(integration);
  });

  it('after the call of somebody else has failed so often that its next attempt is far away', async () => {
    const group = await push('On-call', 'ada', 'bo');
    const fault = callsFail('PUT', 'cy');
    await integration.scim.addMembers(group, users.cy!);
    await waitFor('failures', fault.hits, (hits) => hits >= 2);
    await letTimePass(scimify, -HOUR);
    await leave('bo');
    await untilTeam('On-call', 'ada');
  });

  it.each(['deactivates', 'deletes'])(
    'where the IdP took them out of the group first, and %s them while they wait for whoever replaces them',
    async (what) => {
      const group = await push('On-call', 'ada', 'bo');
      const fault = callsFail('PUT', 'cy');
      const members = [{ value: users.ada }, { value: users.cy }];
      await integration.scim.patchOperations(`/Groups/${group}`, {
        op: 'replace',
        path: 'members',
        value: members,
      });
      await waitFor('failures', fault.hits, (hits) => hits >= 2);
      await letTimePass(scimify, -HOUR);
      if (what === 'deletes') await integration.scim.delete(`/Users/${users.bo}`);
      else await leave('bo');
      await untilTeam('On-call', 'ada');
    },
  );

  it('while the whole group is compared and the call that adds somebody fails', async () => {
    const group = await push('On-call', 'ada', 'bo');
    await act('pause');
    callsFail('PUT', 'cy');
    await integration.scim.addMembers(group, users.cy!);
    await leave('bo');
    await act(`groups/${group}/retry`);
    await act('enable');
    await untilTeam('On-call', 'ada');
  });

  it('while the call that removes another one of them fails', async () => {
    const group = await push('On-call', 'ada', 'bo', 'cy', 'dee');
    await act('pause');
    const fault = callsFail('DELETE', 'bo');
    await leave('bo');
    await leave('cy');
    await act('enable');
    await untilTeam('On-call', 'ada', 'bo', 'dee');
    await waitFor('failures', fault.hits, (hits) => hits >= 2);
    await letTimePass(scimify, -HOUR);
    await leave('dee');
    await untilTeam('On-call', 'ada', 'bo');
    fault.remove();
    await act(`groups/${group}/retry`);
    await untilTeam('On-call', 'ada');
  });

  const searchesFail = () => scimify.pagerDuty.inject({ method: 'GET', path: /^\/users\?/, status: 503 });

  it('while nobody can be looked up who is to join this group or another one', async () => {
    const group = await push('One', 'ada', 'bo');
    await push('Two', 'ada', 'bo');
    await act('pause');
    const fault = searchesFail();
    await integration.scim.addMembers(group, users.cy!);
    await leave('bo');
    await act('enable');
    await untilTeam('One', 'ada');
    await untilTeam('Two', 'ada');
    fault.remove();
    await letTimePass(scimify, HOUR);
    await untilTeam('One', 'ada', 'cy');
    await scimify.settled(integration);
  });

  it('after the look-ups of somebody else have failed so often that the next one is far away', async () => {
    const group = await push('One', 'ada', 'bo');
    await push('Two', 'ada', 'bo');
    const fault = searchesFail();
    await integration.scim.addMembers(group, users.cy!);
    await waitFor('failures', fault.hits, (hits) => hits >= 2);
    await letTimePass(scimify, -HOUR);
    await leave('bo');
    await untilTeam('One', 'ada');
    await untilTeam('Two', 'ada');
  });

  it.each([
    ['one', null],
    ['one whose last address found nobody', 'unknown@example.com'],
  ])('but for %s who is about to come back as another user, not looked up yet', async (_, lastAddress) => {
    const group = await push('On-call', 'ada', 'bo', 'cy');
    if (lastAddress) {
      const path = 'emails[type eq "work"].value';
      await integration.scim.patchOperations(`/Users/${users.bo}`, {
        op: 'replace',
        path,
        value: lastAddress,
      });
      await scimify.settled(integration);
    }
    await act('pause');
    const fault = searchesFail();
    await integration.scim.delete(`/Users/${users.bo}`);
    const again = await integration.scim.createUser(email('bo'));
    await integration.scim.addMembers(group, again);
    await leave('cy');
    scimify.pagerDuty.clearCalls();
    await act('enable');
    await untilTeam('On-call', 'ada', 'bo');
    fault.remove();
    await letTimePass(scimify, HOUR);
    await scimify.settled(integration);
    const writes = scimify.pagerDuty.calls().filter(({ method }) => method !== 'GET');
    expect(writes).toMatchObject([{ method: 'DELETE', path: expect.stringMatching(personOf('cy')) }]);
  });

  it('for two calls a turn while no call to the team works, first of all for them', async () => {
    const group = await push('On-call', 'ada', 'bo', 'cy');
    await act('pause');
    scimify.pagerDuty.inject({ path: /^\/teams\/\w+\/users\//, status: 503 });
    await integration.scim.addMembers(group, users.dee!, users.eve!);
    await leave('bo');
    await leave('cy');
    scimify.pagerDuty.clearCalls();
    // All retries are due at the same time, so the test can tell one turn from the next.
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.999);
    try {
      await act('enable');
      const failed = () => scimify.pagerDuty.calls({ status: 503 }).map(({ method }) => method);
      await waitFor('the next turn', failed, ({ length }) => length >= 4);
      expect(failed().slice(0, 2)).toEqual(['DELETE', 'PUT']);
      // Both are due at the same time.
      expect(failed().slice(2, 4).sort()).toEqual(['DELETE', 'PUT']);
    } finally {
      random.mockRestore();
    }
  });
});
