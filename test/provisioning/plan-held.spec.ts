import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

const email = (user: number) => `user.${user}@example.com`;

describe('the plan of changes that are too many at once', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];

  beforeEach(async () => {
    scimify = await Scimify.start();
    const emails = Array.from({ length: 12 }, (_, user) => email(user));
    scimify.pagerDuty.addUsers(emails.map((address) => ({ email: address })));
  });

  afterEach(() => scimify.stop());

  const connect = async (policies?: object) => {
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies });
    users = await integration.scim.createUsers(Array.from({ length: 12 }, (_, user) => email(user)));
  };
  const plan = async () => (await scimify.admin.get(`/integrations/${integration.id}/plan`)).body;
  const pause = () => scimify.admin.post(`/integrations/${integration.id}/pause`);
  const enable = () => scimify.admin.post(`/integrations/${integration.id}/enable`);
  const heldChanges = async () =>
    (await scimify.admin.get(`/integrations/${integration.id}/held-changes`)).body.items;

  it('names whom the guard would keep in the team, apart from those who leave', async () => {
    await connect();
    const group = await integration.scim.createGroup('On-call', users.slice(0, 8));
    await scimify.settled(integration);
    await pause();
    await integration.scim.removeMembers(group, ...users.slice(0, 6));
    await integration.scim.addMembers(group, users[10]!);

    const made = await plan();
    expect(made.groups).toMatchObject([
      { groupId: group, action: 'update', counts: { add: 1, remove: 0, held: 6 }, removeMembers: [] },
    ]);
    expect(made.groups[0].held).toHaveLength(6);
    expect(made.groups[0].held).toContainEqual({
      kind: 'removal',
      userId: users[0],
      userName: email(0),
      remoteUserId: scimify.pagerDuty.user(email(0))!.id,
      reason: 'mass_change_held',
      message: expect.stringContaining('approve or reject'),
    });
    expect(await heldChanges()).toEqual([]);

    await enable();
    await scimify.settled(integration, ['held']);
    const [change] = await heldChanges();
    expect(change.itemCount).toBe(6);
    expect(scimify.teams()['On-call']).toHaveLength(9);

    const waiting = await plan();
    expect(waiting).toMatchObject({ calls: 0, groups: [{ counts: { add: 0, remove: 0, held: 6 } }] });
    await scimify.admin.post(`/held-changes/${change.id}/reject`, { reason: 'A mistake in the IdP' });
    const rejected = (await plan()).groups[0].held;
    expect(rejected.map(({ reason }: { reason: string }) => reason)).toEqual(
      Array(6).fill('removal_rejected'),
    );
  });

  it('counts what the plan itself removes before', async () => {
    await connect({ guard: { integrationPercent: 0 } });
    const group = await integration.scim.createGroup('On-call', users.slice(0, 10));
    await scimify.settled(integration);
    await integration.scim.removeMembers(group, ...users.slice(0, 5));
    await waitFor(
      'half of the team to leave',
      () => scimify.teams()['On-call']!,
      (members) => members.length === 5,
    );
    await scimify.settled(integration);
    await pause();
    await integration.scim.removeMembers(group, users[5]!);
    expect((await plan()).groups).toMatchObject([{ counts: { remove: 0, held: 1 } }]);
  });

  it('measures a team that a new group of its name takes over by who is in it', async () => {
    await connect();
    const group = await integration.scim.createGroup('On-call', users);
    await scimify.settled(integration);
    await pause();
    await integration.scim.delete(`/Groups/${group}`);
    const successor = await integration.scim.createGroup('On-call', users.slice(0, 7));
    const planned = (await plan()).groups.find(({ groupId }: { groupId: string }) => groupId === successor);
    expect(planned.counts).toMatchObject({ add: 0, remove: 5, held: 0 });
    await enable();
    await waitFor(
      'five to leave',
      () => scimify.teams()['On-call']!.length,
      (left) => left === 7,
    );
  });

  it('says which deletions of teams would wait', async () => {
    await connect({ guard: { deletedTeams: 1 } });
    const groups = [];
    for (const name of ['Alpha', 'Beta', 'Gamma'])
      groups.push(await integration.scim.createGroup(name, [users[0]!]));
    await scimify.settled(integration);
    await pause();
    for (const group of groups) await integration.scim.delete(`/Groups/${group}`);

    const made = await plan();
    expect(made.groups).toMatchObject([
      { action: 'delete', reason: null, held: [] },
      {
        action: 'delete',
        reason: 'mass_change_held',
        held: [{ kind: 'deletion', reason: 'mass_change_held' }],
      },
      { action: 'delete', reason: 'mass_change_held', held: [{ kind: 'deletion' }] },
    ]);
    expect(made.calls).toBe(1);
    await enable();
    await waitFor('one deletion', scimify.teams.bind(scimify), (teams) => Object.keys(teams).length === 2);
    await waitFor('the rest to be held', heldChanges, (changes) => changes[0]?.itemCount === 2);
  });

  it('counts the call more that a swap of two names costs', async () => {
    await connect();
    const first = await integration.scim.createGroup('Alpha', [users[0]!]);
    const second = await integration.scim.createGroup('Beta', [users[1]!]);
    await scimify.settled(integration);
    await pause();
    await integration.scim.renameGroup(first, 'Passing');
    await integration.scim.renameGroup(second, 'Alpha');
    await integration.scim.renameGroup(first, 'Beta');
    const { calls } = await plan();
    scimify.pagerDuty.clearCalls();
    await enable();
    await scimify.settled(integration);
    const renames = scimify.pagerDuty.calls().filter(({ method }) => method === 'PUT');
    expect(renames).toHaveLength(3);
    expect(calls).toBe(3);
  });

  describe('of a team that is replaced', () => {
    let group: string;

    const replaceBy = async (members: readonly string[]) => {
      const { body } = await integration.scim.get(`/Groups/${group}`);
      const answer = await integration.scim.put(`/Groups/${group}`, {
        ...body,
        members: members.map((value) => ({ value })),
      });
      expect(answer.status).toBe(200);
    };
    const emailsOf = (first: number, end: number) =>
      users.slice(first, end).map((_, user) => email(first + user));
    const additionsFail = (spec: object) =>
      scimify.pagerDuty.inject({ method: 'PUT', path: /^\/teams\/[^/]+\/users\//, ...spec });

    it('says that all of three may go who are replaced by others, and so it is', async () => {
      await connect();
      group = await integration.scim.createGroup('On-call', users.slice(0, 3));
      await scimify.settled(integration);
      await pause();
      await replaceBy(users.slice(3, 6));
      expect((await plan()).groups).toMatchObject([{ counts: { add: 3, remove: 3, held: 0 } }]);
      await enable();
      await scimify.settled(integration);
      expect(scimify.teams()).toEqual({ 'On-call': emailsOf(3, 6) });
      expect(await heldChanges()).toEqual([]);
    });

    it('says that most of a team stay although others come for them, and so it is', async () => {
      await connect();
      group = await integration.scim.createGroup('On-call', users.slice(0, 6));
      await scimify.settled(integration);
      await pause();
      await replaceBy(users.slice(6));
      expect((await plan()).groups).toMatchObject([{ counts: { add: 6, remove: 0, held: 6 } }]);
      await enable();
      await scimify.settled(integration, ['held']);
      expect(scimify.teams()['On-call']).toHaveLength(12);
    });

    it.each([
      ['people who leave the company', true],
      ['people who leave the team', false],
    ])('is not left empty by %s while the others cannot join', async (_, deactivated) => {
      await connect();
      group = await integration.scim.createGroup('On-call', users.slice(0, 3));
      await scimify.settled(integration);
      const fault = additionsFail({ status: 500 });
      await pause();
      await replaceBy(users.slice(3, 5));
      if (deactivated) for (const user of users.slice(0, 3)) await integration.scim.setActive(user, false);
      await enable();
      const reason = deactivated ? 'mass_change_held' : 'waits_for_additions';
      await waitFor(
        'them to stay',
        () => scimify.members(integration, group),
        (members) => members.filter((member) => member.reason === reason).length === 3,
      );
      expect(scimify.teams()['On-call']).toEqual(emailsOf(0, 3));
      expect(await heldChanges()).toHaveLength(deactivated ? 1 : 0);
      fault.remove();
      await scimify.admin.post(`/integrations/${integration.id}/groups/${group}/retry`);
      const left = emailsOf(deactivated ? 0 : 3, 5);
      await waitFor(
        'the others to join',
        () => scimify.teams()['On-call']!,
        (emails) => emails.join() === left.join(),
      );
      await scimify.settled(integration, [deactivated ? 'held' : 'synced']);
      expect(scimify.teams()['On-call']).toEqual(left);
    });

    it('is not left empty once the additions that the others waited for are refused for good', async () => {
      await connect();
      group = await integration.scim.createGroup('On-call', users.slice(0, 3));
      await scimify.settled(integration);
      const passing = additionsFail({ status: 500 });
      await replaceBy(users.slice(3, 5));
      await waitFor(
        'them to wait',
        () => scimify.members(integration, group),
        (members) => members.filter(({ reason }) => reason === 'waits_for_additions').length === 3,
      );
      additionsFail({ status: 400, body: { error: { code: 2001, message: 'Invalid', errors: ['No'] } } });
      passing.remove();
      await scimify.admin.post(`/integrations/${integration.id}/groups/${group}/retry`);
      await scimify.settled(integration, ['held']);
      expect(scimify.teams()['On-call']).toEqual(emailsOf(0, 3));
      expect(await heldChanges()).toMatchObject([{ scope: 'team', itemCount: 3 }]);
    });

    it('forgets that somebody waited to leave whom the IdP wants again', async () => {
      await connect();
      group = await integration.scim.createGroup('On-call', users.slice(0, 3));
      await scimify.settled(integration);
      const fault = additionsFail({ status: 500 });
      await replaceBy([users[0]!, users[1]!, users[3]!]);
      await waitFor(
        'them to wait',
        () => scimify.members(integration, group),
        (members) => members.some(({ reason }) => reason === 'waits_for_additions'),
      );
      await replaceBy(users.slice(0, 3));
      fault.remove();
      await scimify.settled(integration);
      expect(scimify.teams()['On-call']).toEqual(emailsOf(0, 3));
      expect((await scimify.members(integration, group)).map(({ reason }) => reason)).toEqual([
        null,
        null,
        null,
      ]);
    });
  });
});
