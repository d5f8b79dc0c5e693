import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

const email = (user: number) => `user.${user}@example.com`;

describe('the guard against mass changes', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];

  beforeEach(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key' });
    const emails = Array.from({ length: 60 }, (_, user) => email(user));
    scimify.pagerDuty.addUsers(emails.map((address) => ({ email: address })));
    users = await integration.scim.createUsers(emails);
  });

  afterEach(() => scimify.stop());

  const heldChanges = async () =>
    (await scimify.admin.get(`/integrations/${integration.id}/held-changes`)).body.items;
  const decide = (id: string, decision: string, body?: object) =>
    scimify.admin.post(`/held-changes/${id}/${decision}`, body);
  const size = (team: string) => scimify.teams()[team]!.length;
  const untilHeld = () => scimify.settled(integration, ['held']);

  it('holds what goes past half of a team, however singly it comes, and lets additions through', async () => {
    const group = await integration.scim.createGroup('On-call', users.slice(0, 10));
    await scimify.settled(integration);
    for (const user of users.slice(0, 8)) await integration.scim.removeMembers(group, user);
    await integration.scim.addMembers(group, users[20]!);
    const [shown] = await untilHeld();
    expect(shown).toMatchObject({ state: 'held', reason: 'mass_change_held' });
    await waitFor(
      'the addition',
      () => scimify.teams()['On-call']!,
      (emails) => emails.includes(email(20)),
    );
    // Five of ten may go; whatever comes on top of them within the hour waits.
    expect(size('On-call')).toBeGreaterThanOrEqual(6);
    const [change] = await heldChanges();
    expect(change).toMatchObject({ scope: 'team', groupId: group, decision: null });
    expect(change.items.length).toBe(change.itemCount);
    expect(change.items[0]).toMatchObject({
      kind: 'member_removal',
      state: 'held',
      userName: expect.any(String),
    });
    const held = (await scimify.members(integration, group)).filter(({ state }) => state === 'removing');
    expect(held.length).toBe(change.itemCount);
    expect(held[0]).toMatchObject({ reason: 'mass_change_held' });
  });

  it('carries out what is approved as far as it is still wanted, and nothing newer', async () => {
    const group = await integration.scim.createGroup('On-call', users.slice(0, 10));
    await scimify.settled(integration);
    await integration.scim.removeMembers(group, ...users.slice(0, 8));
    await untilHeld();
    expect(size('On-call')).toBe(10);
    await integration.scim.addMembers(group, users[0]!);
    const [change] = await heldChanges();
    expect((await decide(change.id, 'approve')).status).toBe(202);
    await scimify.settled(integration);
    expect(scimify.teams()['On-call']).toEqual([email(0), email(8), email(9)]);
    expect((await decide(change.id, 'reject')).status).toBe(409);

    await integration.scim.removeMembers(group, users[8]!);
    await untilHeld();
    expect(size('On-call')).toBe(3);
  });

  it('pins what is rejected until the IdP changes its mind, or the pins are lifted', async () => {
    const group = await integration.scim.createGroup('On-call', users.slice(0, 10));
    await scimify.settled(integration);
    await integration.scim.removeMembers(group, ...users.slice(0, 8));
    await untilHeld();
    const [change] = await heldChanges();
    expect((await decide(change.id, 'reject', { reason: 'A rule in the IdP was wrong' })).status).toBe(202);
    await scimify.settled(integration, ['synced', 'partial']);
    expect(size('On-call')).toBe(10);
    await scimify.admin.post(`/integrations/${integration.id}/groups/${group}/retry`);
    await scimify.settled(integration, ['synced', 'partial']);
    expect(size('On-call')).toBe(10);

    // Put back and taken out again: a decision of its own, which is one of ten and passes.
    await integration.scim.addMembers(group, users[0]!);
    await scimify.settled(integration, ['synced', 'partial']);
    await integration.scim.removeMembers(group, users[0]!);
    await waitFor(
      'the one to leave',
      () => size('On-call'),
      (members) => members === 9,
    );

    expect((await scimify.admin.delete(`/held-changes/${change.id}`)).status).toBe(204);
    await untilHeld();
    expect(size('On-call')).toBe(9);
  });

  it('holds single deactivations once they are a large part of all memberships', async () => {
    for (let team = 0; team < 12; team++) {
      await integration.scim.createGroup(`Team ${team}`, users.slice(team * 5, team * 5 + 5));
    }
    const large = await integration.scim.createGroup('Large', users);
    await scimify.settled(integration);
    for (const user of users) await integration.scim.setActive(user, false);
    await waitFor(
      'every change to be looked at',
      () => scimify.groups(integration),
      (groups) =>
        groups.every(({ state }) => state !== 'pending' && state !== 'syncing' && state !== 'retrying'),
    );
    expect((await heldChanges()).length).toBeGreaterThan(0);
    const left = Object.values(scimify.teams()).reduce((members, emails) => members + emails.length, 0);
    expect(left).toBeGreaterThanOrEqual(120 - 50);
    expect(large).toBeDefined();
  });

  it('holds the eleventh team that is deleted within an hour, and deletes it once approved', async () => {
    const groups: string[] = [];
    for (let team = 0; team < 12; team++) groups.push(await integration.scim.createGroup(`Team ${team}`));
    await scimify.settled(integration);
    for (const group of groups) await integration.scim.delete(`/Groups/${group}`);
    await untilHeld();
    expect(Object.keys(scimify.teams())).toHaveLength(2);
    const [change] = await heldChanges();
    expect(change).toMatchObject({ scope: 'deletions', itemCount: 2 });
    expect(change.items[0]).toMatchObject({ kind: 'team_deletion', remoteUserId: null });
    await decide(change.id, 'approve');
    await waitFor(
      'the teams to be gone',
      () => Object.keys(scimify.teams()),
      (names) => names.length === 0,
    );
  });

  it('shows and decides nothing of another integration’s', async () => {
    expect((await decide('00000000-0000-7000-8000-000000000000', 'approve')).status).toBe(404);
  });
});
