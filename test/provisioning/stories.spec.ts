import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';

const email = (name: string) => `${name}@example.com`;

describe('what happens to people in an IdP', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;
  let groups: Record<string, string>;

  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of ['ada', 'bo', 'cy']) scimify.pagerDuty.addUser({ email: email(name) });
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    users = {};
    groups = {};
  });

  afterEach(() => scimify.stop());

  const add = async (...names: string[]) => {
    const ids = await integration.scim.createUsers(names.map(email));
    for (const [index, name] of names.entries()) users[name] = ids[index]!;
  };
  const push = async (group: string, ...names: string[]) => {
    groups[group] = await integration.scim.createGroup(
      group,
      names.map((name) => users[name]!),
    );
  };
  const settle = async () => {
    await scimify.settled(integration);
    scimify.pagerDuty.clearCalls();
  };
  const act = (verb: string) => scimify.admin.post(`/integrations/${integration.id}/${verb}`);
  const changeEmail = (name: string, value: string) =>
    integration.scim.patchOperations(`/Users/${users[name]}`, {
      op: 'replace',
      value: { emails: [{ primary: true, type: 'work', value }] },
    });
  const untilTeams = (teams: Record<string, string[]>) =>
    waitFor(
      `the teams ${JSON.stringify(teams)}`,
      () => scimify.teams(),
      (seen) =>
        Object.entries(teams).every(([team, names]) => seen[team]?.join() === names.map(email).sort().join()),
    );

  /** Changes of members in the order in which PagerDuty received them: `+ada On-call`. */
  const changes = () => {
    const teamName = new Map(scimify.pagerDuty.teams().map(({ id, name }) => [id, name]));
    const person = new Map(scimify.pagerDuty.users().map((user) => [user.id, user.name]));
    return scimify.pagerDuty.calls().flatMap(({ method, path }) => {
      const [, team, user] = /^\/teams\/(\w+)\/users\/(\w+)$/.exec(path) ?? [];
      return user ? [`${method === 'PUT' ? '+' : '-'}${person.get(user)} ${teamName.get(team!)}`] : [];
    });
  };
  const inTeam = (team: string) => changes().filter((change) => change.endsWith(` ${team}`));

  describe('two addresses are swapped', () => {
    beforeEach(async () => {
      await add('ada', 'bo');
      await push('With Ada', 'ada');
      await push('With Bo', 'bo');
      await push('With both', 'ada', 'bo');
      await settle();
    });

    const swap = async () => {
      await changeEmail('ada', email('bo'));
      await changeEmail('bo', email('ada'));
    };
    const swapped = { 'With Ada': ['bo'], 'With Bo': ['ada'], 'With both': ['ada', 'bo'] };

    it('before the next run: each takes the other’s place, after joining, and who is in both is left alone', async () => {
      await act('pause');
      await swap();
      await act('enable');
      await untilTeams(swapped);
      await scimify.settled(integration);
      expect(inTeam('With Ada')).toEqual(['+bo With Ada', '-ada With Ada']);
      expect(inTeam('With Bo')).toEqual(['+ada With Bo', '-bo With Bo']);
      expect(inTeam('With both')).toEqual([]);
    });

    it('while runs go on: each takes the other’s place, after joining', async () => {
      await swap();
      await untilTeams(swapped);
      await scimify.settled(integration);
      expect(scimify.teams()).toMatchObject({ 'With both': [email('ada'), email('bo')] });
      expect(inTeam('With Ada')).toEqual(['+bo With Ada', '-ada With Ada']);
      expect(inTeam('With Bo')).toEqual(['+ada With Bo', '-bo With Bo']);
    });
  });

  describe('a wrong address', () => {
    beforeEach(async () => {
      await add('ada');
      users.bo = await integration.scim.createUser(email('bo.typo'), {
        emails: [{ primary: true, type: 'work', value: email('cy') }],
      });
      await push('On-call', 'ada', 'bo');
      await settle();
      expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('cy')] });
    });

    it('brings the wrong person, who leaves once the right one has joined', async () => {
      await changeEmail('bo', email('bo'));
      await untilTeams({ 'On-call': ['ada', 'bo'] });
      await scimify.settled(integration);
      expect(changes()).toEqual(['+bo On-call', '-cy On-call']);
    });

    it('keeps the wrong person while the right one fails to join three times in a row, and no longer', async () => {
      const bo = scimify.pagerDuty.user(email('bo'))!.id;
      scimify.pagerDuty.inject({ method: 'PUT', path: new RegExp(`/users/${bo}$`), status: 500 });
      await changeEmail('bo', email('bo'));
      await untilTeams({ 'On-call': ['ada'] });
      expect(changes().slice(0, 4)).toEqual([...Array(3).fill('+bo On-call'), '-cy On-call']);
      await waitFor(
        'the group to be retrying',
        () => scimify.groups(integration),
        ([group]) => group.state === 'retrying' && group.reason === 'server_error',
      );
      scimify.pagerDuty.clearFaults();
      await act('sync');
      await untilTeams({ 'On-call': ['ada', 'bo'] });
    });
  });

  describe('somebody who is deleted, created again and put back', () => {
    beforeEach(async () => {
      await add('ada', 'bo');
      await push('On-call', 'ada', 'bo');
      await settle();
    });

    const remove = () => integration.scim.delete(`/Users/${users.bo}`);
    const putBack = async () => {
      await add('bo');
      await integration.scim.addMembers(groups['On-call']!, users.bo!);
    };

    it('before the next run never leaves the team', async () => {
      await act('pause');
      const former = users.bo;
      await remove();
      await putBack();
      expect(users.bo).not.toBe(former);
      await act('enable');
      await settleAndShow();
      expect(changes()).toEqual([]);
      expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('bo')] });
    });

    it('after it has left, and joins again', async () => {
      await remove();
      await untilTeams({ 'On-call': ['ada'] });
      await putBack();
      await untilTeams({ 'On-call': ['ada', 'bo'] });
      await settleAndShow();
      expect(changes()).toEqual(['-bo On-call', '+bo On-call']);
    });

    const settleAndShow = async () => {
      await scimify.settled(integration);
      expect(await scimify.members(integration, groups['On-call']!)).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ userId: users.ada, state: 'applied', reason: null }),
          expect.objectContaining({ userId: users.bo, state: 'applied', reason: null }),
        ]),
      );
    };
  });
});

describe('an IdP that goes too far', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeEach(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key' });
  });

  afterEach(() => scimify.stop());

  const people = async (count: number) => {
    const emails = Array.from({ length: count }, (_, index) => email(`user.${index}`));
    scimify.pagerDuty.addUsers(emails.map((address) => ({ email: address })));
    return integration.scim.createUsers(emails);
  };
  const heldChanges = async () =>
    (await scimify.admin.get(`/integrations/${integration.id}/held-changes`)).body.items;

  it('and deactivates 300 people one by one is stopped on the way', async () => {
    const users = await people(300);
    for (let team = 0; team < 30; team++) {
      await integration.scim.createGroup(`Team ${team}`, users.slice(team * 10, team * 10 + 10));
    }
    await scimify.settled(integration, ['synced'], 60_000);
    for (const user of users) await integration.scim.setActive(user, false);
    const shown = await scimify.settled(integration, ['synced', 'held'], 60_000);
    expect(shown.filter(({ state }) => state === 'held').length).toBeGreaterThan(0);
    const left = () => Object.values(scimify.teams()).flat().length;
    const held = async () =>
      (await heldChanges()).reduce(
        (items: number, { itemCount }: { itemCount: number }) => items + itemCount,
        0,
      );
    await waitFor('everybody who is left to be held', held, (items) => items === left());
    expect(left()).toBeGreaterThanOrEqual(240);
  }, 120_000);

  it('and whose removals an admin rejects leaves a group that says so, until it changes its mind', async () => {
    const users = await people(10);
    const group = await integration.scim.createGroup('On-call', users);
    await scimify.settled(integration);
    await integration.scim.removeMembers(group, ...users.slice(0, 8));
    await scimify.settled(integration, ['held']);
    const [change] = await heldChanges();
    await scimify.admin.post(`/held-changes/${change.id}/reject`, { reason: 'A rule was wrong' });
    const [shown] = await scimify.settled(integration, ['partial']);
    const rejected = { reason: 'removal_rejected', message: expect.stringContaining('An admin rejected') };
    expect(shown).toMatchObject(rejected);
    const kept = (await scimify.members(integration, group)).filter(({ state }) => state === 'removing');
    expect(kept).toHaveLength(8);
    for (const member of kept) expect(member).toMatchObject(rejected);

    await integration.scim.addMembers(group, ...users.slice(0, 8));
    await waitFor(
      'the group to be as it should be',
      () => scimify.groups(integration),
      ([{ state, reason }]) => state === 'synced' && reason === null,
    );
    expect(scimify.teams()['On-call']).toHaveLength(10);
  });
});
