import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePassSinceJoins } from './support/passing-time';

const AN_HOUR_AND_MORE = 61 * 60_000;

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
    // Five of ten may leave; each further removal within the hour waits. Two stay, and one has joined.
    expect(size('On-call')).toBeGreaterThanOrEqual(6);
    const [change] = await waitFor(
      'all the others to be held',
      heldChanges,
      ([one]) => one?.itemCount === size('On-call') - 3,
    );
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

    // Added again and removed again: a new decision, which is one of ten and passes.
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

  it('measures a team by who was in it before, however many join before they are taken out', async () => {
    const group = await integration.scim.createGroup('On-call', users.slice(0, 10));
    await scimify.settled(integration);
    await integration.scim.addMembers(group, ...users.slice(10, 25));
    await scimify.settled(integration);
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    await integration.scim.removeMembers(group, ...users.slice(0, 10));
    const plan = (await scimify.admin.get(`/integrations/${integration.id}/plan`)).body;
    expect(plan.groups).toMatchObject([{ counts: { remove: 0, held: 10 } }]);
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await untilHeld();
    expect(size('On-call')).toBe(25);
    expect(await heldChanges()).toMatchObject([{ scope: 'team', groupId: group, itemCount: 10 }]);
  });

  it('lets go again who joined by mistake within the hour', async () => {
    const group = await integration.scim.createGroup('On-call', users.slice(0, 10));
    await scimify.settled(integration);
    await integration.scim.addMembers(group, ...users.slice(10, 20));
    await scimify.settled(integration);
    await integration.scim.removeMembers(group, ...users.slice(10, 20));
    await scimify.settled(integration);
    expect(size('On-call')).toBe(10);
  });

  it('measures an integration by its members before, however many a new group brings', async () => {
    await scimify.admin.patch(`/integrations/${integration.id}`, {
      policies: { guard: { teamPercent: 0, integrationMembers: 5 } },
    });
    const group = await integration.scim.createGroup('On-call', users.slice(0, 20));
    await scimify.settled(integration);
    await letTimePassSinceJoins(scimify, AN_HOUR_AND_MORE);
    await integration.scim.createGroup('New', users);
    await scimify.settled(integration);
    await integration.scim.removeMembers(group, ...users.slice(0, 5));
    await waitFor(
      'five of twenty to be held',
      async () => (await heldChanges()).length > 0 || size('On-call') < 20,
      (decided) => decided,
    );
    expect(await heldChanges()).toMatchObject([{ scope: 'integration', itemCount: 5 }]);
    expect(size('On-call')).toBe(20);
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

  it('leaves in the audit what was decided and why, also once the decision is lifted', async () => {
    const group = await integration.scim.createGroup('On-call', users.slice(0, 10));
    await scimify.settled(integration);
    const decideAnew = async (decision: string, body?: object) => {
      await untilHeld();
      const undecided = (await heldChanges()).find((change: any) => change.decision === null);
      await decide(undecided.id, decision, body);
      return undecided.id;
    };
    await integration.scim.removeMembers(group, ...users.slice(0, 8));
    const rejected = await decideAnew('reject', { reason: 'A rule in the IdP was wrong' });
    await scimify.settled(integration, ['synced', 'partial']);
    await scimify.admin.delete(`/held-changes/${rejected}`);
    expect((await scimify.admin.delete(`/held-changes/${rejected}`)).status).toBe(404);
    const approved = await decideAnew('approve');

    const { items } = (
      await scimify.admin.get(`/tenants/${integration.tenantId}/audit-events?action=held_change`)
    ).body;
    const about = { scope: 'team', groupId: group, displayName: 'On-call', items: 8 };
    const note = 'A rule in the IdP was wrong';
    expect(items.reverse()).toMatchObject([
      { action: 'held_change.rejected', target: { id: rejected }, detail: { ...about, note } },
      { action: 'held_change.lifted', target: { id: rejected }, detail: { ...about, note } },
      { action: 'held_change.approved', target: { id: approved }, detail: { ...about, note: null } },
    ]);
  });

  it('shows and decides nothing of another integration’s', async () => {
    expect((await decide('00000000-0000-7000-8000-000000000000', 'approve')).status).toBe(404);
  });
});
