import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePass } from './support/passing-time';
import { beginReconciliation, reconciliationToEnd } from './support/reconciliation';

const email = (user: number) => `user.${user}@example.com`;
const QUARTER_OF_AN_HOUR = 900_000;

describe('held changes', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];

  beforeEach(async () => {
    scimify = await Scimify.start();
    scimify.pagerDuty.addUsers(Array.from({ length: 24 }, (_, user) => ({ email: email(user) })));
  });

  afterEach(() => scimify.stop());

  const connect = async (policies?: object) => {
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies });
    users = await integration.scim.createUsers(Array.from({ length: 24 }, (_, user) => email(user)));
  };
  const syncedGroup = async (name: string, members: readonly string[] = []) => {
    const group = await integration.scim.createGroup(name, members);
    await scimify.settled(integration);
    return group;
  };
  const path = (rest: string) => `/integrations/${integration.id}${rest}`;
  const heldChanges = async (): Promise<any[]> => (await scimify.admin.get(path('/held-changes'))).body.items;
  const open = async () => (await heldChanges()).filter(({ decision }) => decision === null);
  const decide = (id: string, decision: 'approve' | 'reject', body?: object) =>
    scimify.admin.post(`/held-changes/${id}/${decision}`, body);
  const groupShown = async (group: string) => (await scimify.admin.get(path(`/groups/${group}`))).body;
  const plan = async () => (await scimify.admin.get(path('/plan'))).body.groups;
  const size = (team: string) => scimify.teams()[team]?.length;
  const until = (members: number) =>
    waitFor(
      `${members} to be left`,
      () => size('On-call'),
      (left) => left === members,
    );
  const personOf = (user: number) => scimify.pagerDuty.user(email(user))!.id;
  const reconcile = async () => {
    await beginReconciliation(scimify, integration);
    await reconciliationToEnd(scimify, integration);
  };
  const failDeletions = () =>
    scimify.pagerDuty.inject({ method: 'DELETE', path: /^\/teams\/[^/]+$/, status: 503 });

  describe('while more comes to them', () => {
    let group: string;

    beforeEach(async () => {
      await connect();
      group = await syncedGroup('On-call', users.slice(0, 20));
      await integration.scim.removeMembers(group, ...users.slice(0, 11));
      await scimify.settled(integration, ['held']);
    });

    /** Does not read the list, because that would show the new items to the admin. */
    const moreIsHeld = async () => {
      for (const user of users.slice(11, 20)) await integration.scim.removeMembers(group, user);
      await waitFor(
        'all twenty to be held',
        () => scimify.members(integration, group),
        (members) => members.filter(({ reason }) => reason === 'mass_change_held').length === 20,
      );
    };

    it('are approved as they were listed, and what came since stays held and is listed on its own', async () => {
      const [listed] = await heldChanges();
      expect(listed).toMatchObject({ itemCount: 11 });
      await moreIsHeld();
      expect(size('On-call')).toBe(20);
      expect((await decide(listed.id, 'approve')).status).toBe(202);
      await until(9);
      await scimify.settled(integration, ['held']);
      expect(size('On-call')).toBe(9);
      const [later] = await open();
      expect(later).toMatchObject({ scope: 'team', groupId: group, itemCount: 9 });
      await decide(later.id, 'approve');
      await until(0);
    });

    it('are approved as they were at the revision that is named, whoever listed them since', async () => {
      const [listed] = await heldChanges();
      await moreIsHeld();
      expect(await heldChanges()).toMatchObject([{ id: listed.id, itemCount: 20 }]);
      const ahead = await decide(listed.id, 'approve', { revision: 1_000 });
      expect([ahead.status, ahead.body.errors[0].field]).toEqual([400, 'revision']);
      expect((await decide(listed.id, 'approve', { revision: listed.revision })).status).toBe(202);
      await until(9);
      expect(await open()).toMatchObject([{ itemCount: 9 }]);
    });

    it('are rejected as they were listed, and what came since stays held', async () => {
      const [listed] = await heldChanges();
      await moreIsHeld();
      expect((await decide(listed.id, 'reject')).status).toBe(202);
      expect(await open()).toMatchObject([{ itemCount: 9 }]);
    });

    it('are decided by nobody before they were listed', async () => {
      const [listed] = await heldChanges();
      await moreIsHeld();
      await decide(listed.id, 'approve');
      const { body } = await scimify.admin.get(
        `/tenants/${integration.tenantId}/audit-events?action=held_change.approved`,
      );
      const { heldLater } = body.items[0].detail;
      expect(await decide(heldLater, 'approve')).toMatchObject({ status: 409, body: { code: 'not_listed' } });
      expect((await open())[0].id).toBe(heldLater);
    });

    it('have all their items in pages', async () => {
      await moreIsHeld();
      const [{ id, items }] = await heldChanges();
      const paged: any[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: any = await scimify.admin.get(
          `/held-changes/${id}/items?limit=6${cursor && `&cursor=${cursor}`}`,
        );
        expect(page.status).toBe(200);
        paged.push(...page.body.items);
        cursor = page.body.nextCursor;
      }
      expect(paged).toEqual(items);
      expect(paged).toHaveLength(20);
      expect((await scimify.admin.get(`/held-changes/${id}/items?cursor=nonsense`)).status).toBe(400);
    });
  });

  describe('about deletions of teams', () => {
    it.each(['delete', 'release'])(
      'are not made by one whose %s fails again and again',
      async (onGroupDelete) => {
        await connect({ onGroupDelete, guard: { deletedTeams: 2 } });
        const group = await syncedGroup('On-call', [users[0]!]);
        const fault = scimify.pagerDuty.inject({ method: 'DELETE', status: 503 });
        await integration.scim.delete(`/Groups/${group}`);
        for (let attempt = 1; attempt <= 5; attempt++) {
          await waitFor(
            'another attempt',
            () => fault.hits(),
            (hits) => hits >= attempt,
          );
          await letTimePass(scimify, QUARTER_OF_AN_HOUR);
        }
        expect(await heldChanges()).toEqual([]);
        fault.remove();
        await letTimePass(scimify, QUARTER_OF_AN_HOUR);
        await waitFor(
          'the group to be gone',
          () => scimify.groups(integration),
          (groups) => groups.length === 0,
        );
      },
    );

    it('are not made by a few of them in an outage', async () => {
      await connect({ guard: { deletedTeams: 4 } });
      const groups: string[] = [];
      for (const name of ['One', 'Two', 'Three', 'Four']) groups.push(await syncedGroup(name));
      const fault = failDeletions();
      for (const group of groups) await integration.scim.delete(`/Groups/${group}`);
      for (let attempt = 1; attempt <= 4; attempt++) {
        const { length } = scimify.pagerDuty.calls();
        await waitFor(
          'more attempts',
          () => scimify.pagerDuty.calls(),
          (calls) => calls.length > length,
        );
        await letTimePass(scimify, QUARTER_OF_AN_HOUR);
      }
      expect(await heldChanges()).toEqual([]);
      fault.remove();
      await letTimePass(scimify, QUARTER_OF_AN_HOUR);
      await waitFor(
        'the teams to be gone',
        () => scimify.teams(),
        (teams) => Object.keys(teams).length === 0,
      );
    });

    it('say of one that was rejected that it was, as the plan does', async () => {
      await connect({ guard: { deletedTeams: 1 } });
      const first = await syncedGroup('First');
      const group = await syncedGroup('On-call', [users[0]!]);
      await integration.scim.delete(`/Groups/${first}`);
      // If two arrive at once, the guard may let either of them through.
      await waitFor(
        'the first to be gone',
        () => scimify.teams(),
        (teams) => !('First' in teams),
      );
      await integration.scim.delete(`/Groups/${group}`);
      const [change] = await waitFor('the second to be held', heldChanges, ({ length }) => length === 1);
      await decide(change.id, 'reject');
      const rejected = await waitFor(
        'the group to say so',
        () => groupShown(group),
        ({ reason }) => reason === 'removal_rejected',
      );
      expect(rejected).toMatchObject({
        state: 'blocked',
        message: expect.stringContaining('An admin rejected it'),
        nextAttemptAt: expect.any(String),
      });
      const planned = (await plan()).find(({ groupId }: { groupId: string }) => groupId === group);
      expect(planned).toMatchObject({ reason: 'removal_rejected' });
      expect(size('On-call')).toBe(1);
      expect((await scimify.admin.delete(`/held-changes/${change.id}`)).status).toBe(204);
      await waitFor(
        'it to be held again',
        () => groupShown(group),
        ({ reason }) => reason === 'mass_change_held',
      );
    });
  });

  describe('of one scope', () => {
    it('take in the deletion of a team whose members are held, and deciding about them decides about it', async () => {
      await connect();
      const group = await syncedGroup('On-call', users.slice(0, 3));
      await integration.scim.removeMembers(group, ...users.slice(0, 3));
      await scimify.settled(integration, ['held']);
      await integration.scim.delete(`/Groups/${group}`);
      await waitFor('the deletion to be held', heldChanges, ([change]) => change?.itemCount === 4);
      expect(await groupShown(group)).toMatchObject({ state: 'held', reason: 'mass_change_held' });
      expect((await plan())[0]).toMatchObject({ action: 'delete', reason: 'mass_change_held' });
      expect(size('On-call')).toBe(3);
      const [change] = await heldChanges();
      expect(change).toMatchObject({ scope: 'team', groupId: group });
      await decide(change.id, 'approve');
      await waitFor(
        'the team to be gone',
        () => scimify.teams(),
        (teams) => teams['On-call'] === undefined,
      );
    });
  });

  describe('of which nothing is left', () => {
    let group: string;

    beforeEach(async () => {
      await connect();
      group = await syncedGroup('On-call', users.slice(0, 4));
      await integration.scim.removeMembers(group, ...users.slice(0, 4));
      await scimify.settled(integration, ['held']);
      expect(await open()).toHaveLength(1);
    });

    const untilNoneIsOpen = () => waitFor('it to be closed', heldChanges, ({ length }) => length === 0);

    it('are closed once the IdP wants everybody again', async () => {
      await integration.scim.addMembers(group, ...users.slice(0, 4));
      await untilNoneIsOpen();
      await scimify.settled(integration);
      expect(size('On-call')).toBe(4);
    });

    it('are closed once a new group takes the team over', async () => {
      await scimify.admin.post(path('/pause'));
      await integration.scim.delete(`/Groups/${group}`);
      await integration.scim.createGroup('On-call', users.slice(0, 4));
      await scimify.admin.post(path('/enable'));
      await untilNoneIsOpen();
      await scimify.settled(integration);
      expect(size('On-call')).toBe(4);
    });

    it('are closed once people in PagerDuty took out by hand whom the IdP wants out', async () => {
      const { id } = scimify.pagerDuty.team('On-call')!;
      for (const user of [0, 1, 2, 3]) scimify.pagerDuty.removeMember(id, personOf(user));
      await reconcile();
      await untilNoneIsOpen();
      await scimify.settled(integration);
      expect((await scimify.admin.get(path('/drift'))).body.items).toEqual([]);
      expect(scimify.teams()).toEqual({ 'On-call': [] });
    });

    it('are closed for those of them only who left', async () => {
      scimify.pagerDuty.removeMember(scimify.pagerDuty.team('On-call')!.id, personOf(0));
      await reconcile();
      await waitFor('one item less', heldChanges, ([change]) => change?.itemCount === 3);
      expect(await groupShown(group)).toMatchObject({ state: 'held' });
    });
  });

  it('hold nobody who was to join, and was taken out before', async () => {
    await connect();
    const outage = scimify.pagerDuty.inject({ method: 'PUT', path: /^\/teams\/\w+\/users\//, status: 503 });
    const group = await integration.scim.createGroup('On-call', users.slice(0, 6));
    await waitFor('a failure', outage.hits, (hits) => hits > 0);
    await integration.scim.removeMembers(group, ...users.slice(0, 6));
    await scimify.settled(integration);
    expect(await heldChanges()).toEqual([]);
    scimify.pagerDuty.clearFaults();
    await reconcile();
    await scimify.settled(integration);
    expect(size('On-call')).toBe(0);
  });

  it('leave out whoever was to join, also once they are rejected', async () => {
    await connect();
    const group = await syncedGroup('On-call', users.slice(0, 7));
    const fault = scimify.pagerDuty.inject({
      method: 'PUT',
      path: new RegExp(`/users/${personOf(7)}$`),
      status: 500,
    });
    await integration.scim.addMembers(group, users[7]!);
    await waitFor('a failure', fault.hits, (hits) => hits > 0);
    await integration.scim.removeMembers(group, ...users.slice(1, 8));
    const [change] = await waitFor('the others to be held', heldChanges, ([one]) => one?.itemCount === 6);
    expect(change.items.map(({ userName }: { userName: string }) => userName)).not.toContain(email(7));
    await decide(change.id, 'reject');
    const shown = await waitFor(
      'the rejection to show',
      () => scimify.members(integration, group),
      (members) => members.filter(({ reason }) => reason === 'removal_rejected').length === 6,
    );
    expect(shown.map(({ userName }) => userName)).not.toContain(email(7));
    expect(size('On-call')).toBe(7);
  });
});
