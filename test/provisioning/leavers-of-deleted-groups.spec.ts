import { DataSource } from 'typeorm';
import type { SimAccount } from '../../simulator/simulator';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { addressIn, ownAccount } from './support/own-account';
import { letTimePass } from './support/passing-time';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NAMES = ['ada', 'bo', 'cy', 'dee'];
/** The second of two deletions within an hour waits for an admin. */
const ONE_DELETION_AN_HOUR = { guard: { ...WITHOUT_GUARD.guard, deletedTeams: 1 } };

let scimify: Scimify;
let tenantId: string;
let account: SimAccount;
let integration: TestIntegration;
let users: Record<string, string>;
let group: string;
let worlds = 0;

beforeAll(async () => {
  scimify = await Scimify.start();
  tenantId = await scimify.createTenant();
});
afterAll(() => scimify.stop());

const email = (name: string) => addressIn(`deleting-${worlds}`, name);
const personOf = (name: string) => account.user(email(name))!.id;
const path = (rest = '') => `/integrations/${integration.id}${rest}`;
const membersOf = (team: string) =>
  account
    .team(team)
    ?.members.map((member) => member.email)
    .sort();
const onTeam = (...names: string[]) => names.map(email);
const teamId = () => account.team('On-call')!.id;
const callsFor = (method: string, pattern: RegExp) =>
  scimify.pagerDuty.calls().filter((call) => call.method === method && pattern.test(call.path));

async function connect(policies: object = {}): Promise<void> {
  worlds += 1;
  ({ account, integration, users } = await ownAccount(scimify, {
    tenantId,
    subdomain: `deleting-${worlds}`,
    people: NAMES,
    policies: { ...WITHOUT_GUARD, ...policies },
  }));
}

async function pushed(name: string, ...members: string[]): Promise<string> {
  const id = await integration.scim.createGroup(
    name,
    members.map((member) => users[member]!),
  );
  await scimify.settled(integration);
  return id;
}

const shown = async () => (await scimify.admin.get(path(`/groups/${group}`))).body;
const member = async (name: string) =>
  (await scimify.members(integration, group)).find(({ userId }) => userId === users[name]);
const untilGroup = (reason: string) =>
  waitFor(`the group to wait for ${reason}`, shown, (one) => one.reason === reason);
const untilTeamIs = (...names: string[]) =>
  waitFor(
    `${names.join(', ')} to be left`,
    () => membersOf('On-call'),
    (left) => JSON.stringify(left) === JSON.stringify(onTeam(...names)),
  );
const untilGone = () => waitFor('the group to be gone', shown, (one) => one.status === 404);
const keep = (...names: string[]) =>
  account.associate(teamId(), 'Escalation Policies', { userIds: names.map(personOf) });

/** PagerDuty does not let go of the team of a deleted group. */
async function deletedInVain(...members: string[]): Promise<void> {
  group = await pushed('On-call', ...members);
  account.associate(teamId(), 'Schedules');
  await integration.scim.delete(`/Groups/${group}`);
  await untilGroup('team_in_use');
}

/** The guard holds the deletion of the team. */
async function deletionHeld(...members: string[]): Promise<string> {
  await connect(ONE_DELETION_AN_HOUR);
  const first = await pushed('First');
  group = await pushed('On-call', ...members);
  await integration.scim.delete(`/Groups/${first}`);
  await waitFor(
    'the first to be gone',
    () => membersOf('First'),
    (first) => first === undefined,
  );
  await integration.scim.delete(`/Groups/${group}`);
  await untilGroup('mass_change_held');
  return (await scimify.admin.get(path('/held-changes'))).body.items[0].id;
}

describe('whoever leaves the IdP leaves the team of a deleted group', () => {
  it('that PagerDuty does not let go, whether they are deactivated or deleted', async () => {
    await connect();
    await deletedInVain('ada', 'bo', 'cy');
    scimify.pagerDuty.clearCalls();
    await integration.scim.setActive(users.ada!, false);
    await untilTeamIs('bo', 'cy');
    await integration.scim.delete(`/Users/${users.bo}`);
    await untilTeamIs('cy');
    await waitFor(
      'the list to show it',
      () => scimify.members(integration, group),
      ({ length }) => length === 1,
    );
    expect(await member('cy')).toMatchObject({ state: 'applied' });
    // Nobody asks for the team itself to be tried again.
    expect(callsFor('DELETE', /^\/teams\/[^/]+$/)).toHaveLength(0);
    expect(await shown()).toMatchObject({ state: 'blocked', reason: 'team_in_use' });
  });

  it('whose deletion the guard holds, also once an admin has rejected it', async () => {
    const change = await deletionHeld('ada', 'bo', 'cy');
    await integration.scim.setActive(users.ada!, false);
    await untilTeamIs('bo', 'cy');
    expect(await shown()).toMatchObject({ state: 'held', reason: 'mass_change_held' });
    expect((await scimify.admin.post(`/held-changes/${change}/reject`)).status).toBe(202);
    await untilGroup('removal_rejected');
    await integration.scim.delete(`/Users/${users.bo}`);
    await untilTeamIs('cy');
    expect(await shown()).toMatchObject({ state: 'blocked', reason: 'removal_rejected' });
    const { body } = await scimify.admin.get(path('/held-changes'));
    expect(body.items).toMatchObject([{ id: change, decision: 'rejected', itemCount: 1 }]);
  });

  it('and whom PagerDuty keeps is told as everywhere, and is tried again within minutes', async () => {
    await connect();
    await deletedInVain('ada', 'bo');
    keep('ada');
    await integration.scim.setActive(users.ada!, false);
    const kept = await waitFor(
      'the refusal',
      () => member('ada'),
      (ada) => ada?.reason === 'leaver_still_on_team',
    );
    expect(kept).toMatchObject({ state: 'removing', nextAttemptAt: expect.any(String) });
    expect((await scimify.admin.get(path('/overview'))).body).toMatchObject({ leaversStillOnTeam: 1 });
    const { nextAttemptAt } = await waitFor('the next attempt to be told', shown, (one) => {
      return Date.parse(one.nextAttemptAt) < Date.now() + 2 * MINUTE;
    });
    expect(nextAttemptAt).toBe(kept.nextAttemptAt);
    account.dissociate(teamId(), 'Escalation Policies', { userIds: [personOf('ada')] });
    scimify.pagerDuty.clearCalls();
    await letTimePass(scimify, MINUTE);
    await untilTeamIs('bo');
    expect(callsFor('DELETE', /^\/teams\/[^/]+$/)).toHaveLength(0);
    await waitFor('the deletion to wait as before', shown, (one) => {
      return Date.parse(one.nextAttemptAt) > Date.now() + 50 * MINUTE;
    });
    expect((await scimify.admin.get(path('/overview'))).body).toMatchObject({ leaversStillOnTeam: 0 });
  });

  it('from which PagerDuty keeps somebody who is to be released', async () => {
    await connect({ onGroupDelete: 'release' });
    const { id } = account.addTeam({ name: 'On-call' });
    for (const name of ['cy', 'dee']) account.addMember(id, personOf(name));
    group = await pushed('On-call', 'ada', 'cy', 'dee');
    keep('ada');
    await integration.scim.delete(`/Groups/${group}`);
    await untilGroup('member_on_escalation_policy');
    expect(membersOf('On-call')).toEqual(onTeam('ada', 'cy', 'dee'));
    // Who was there before us stays, but not once they left the IdP.
    await integration.scim.setActive(users.cy!, false);
    await untilTeamIs('ada', 'dee');
    account.dissociate(teamId(), 'Escalation Policies', { userIds: [personOf('ada')] });
    await scimify.admin.post(path(`/groups/${group}/retry`));
    await untilGone();
    expect(membersOf('On-call')).toEqual(onTeam('dee'));
  });

  it('also where they left before it, were in the team before us, and PagerDuty kept them', async () => {
    await connect({ onGroupDelete: 'release' });
    const { id } = account.addTeam({ name: 'On-call' });
    for (const name of ['cy', 'dee']) account.addMember(id, personOf(name));
    group = await pushed('On-call', 'ada', 'cy', 'dee');
    keep('cy');
    await integration.scim.setActive(users.cy!, false);
    await waitFor(
      'the refusal',
      () => member('cy'),
      (cy) => cy?.reason === 'leaver_still_on_team',
    );
    await integration.scim.delete(`/Groups/${group}`);
    await waitFor(
      'the release',
      () => membersOf('On-call'),
      (left) => left?.length === 2,
    );
    await untilGroup('member_on_escalation_policy');
    const kept = await waitFor(
      'the refusal to be told again',
      () => member('cy'),
      (cy) => cy?.reason === 'leaver_still_on_team',
    );
    expect(kept).toMatchObject({ state: 'removing' });
    account.dissociate(teamId(), 'Escalation Policies', { userIds: [personOf('cy')] });
    await scimify.admin.post(path(`/groups/${group}/retry`));
    await untilGone();
    expect(membersOf('On-call')).toEqual(onTeam('dee'));
  });

  it('and is looked for by nobody once an admin has left the team as it is', async () => {
    await connect();
    await deletedInVain('ada', 'bo');
    await scimify.admin.post(path(`/groups/${group}/release`), { mode: 'leave' });
    await untilGone();
    scimify.pagerDuty.clearCalls();
    await integration.scim.setActive(users.ada!, false);
    const other = await pushed('Other', 'bo');
    expect(await scimify.members(integration, other)).toMatchObject([{ state: 'applied' }]);
    expect(membersOf('On-call')).toEqual(onTeam('ada', 'bo'));
    expect(callsFor('DELETE', /./)).toHaveLength(0);
  });

  it('that a new group of its name takes over, in whichever order', async () => {
    await connect();
    await deletedInVain('ada', 'bo', 'cy');
    await scimify.admin.post(path('/pause'));
    await integration.scim.setActive(users.ada!, false);
    group = await integration.scim.createGroup('On-call', [users.cy!]);
    await integration.scim.delete(`/Users/${users.bo}`);
    await scimify.admin.post(path('/enable'));
    await untilTeamIs('cy');
    await scimify.settled(integration);
  });

  it('as a plan says before: of the team itself it says that it stays', async () => {
    await connect();
    await deletedInVain('ada', 'bo');
    await scimify.admin.post(path('/pause'));
    await integration.scim.setActive(users.ada!, false);
    const { body } = await scimify.admin.get(path('/plan'));
    expect(body.groups).toMatchObject([
      {
        groupId: group,
        action: 'delete',
        reason: 'team_in_use',
        counts: { remove: 1, held: 0 },
        removeMembers: [{ userId: users.ada, remoteUserId: personOf('ada') }],
      },
    ]);
    scimify.pagerDuty.clearCalls();
    await scimify.admin.post(path('/enable'));
    await untilTeamIs('bo');
  });

  it('for the request by which they left, as the audit says', async () => {
    await connect();
    await deletedInVain('ada', 'bo');
    const answer = await integration.scim.setActive(users.ada!, false);
    await untilTeamIs('bo');
    const events = `/tenants/${tenantId}/audit-events?action=team_member.removed&targetId=${group}`;
    const { items } = (
      await waitFor(
        'the removal to be audited',
        () => scimify.admin.get(events),
        ({ body }) => body.items.length > 0,
      )
    ).body;
    expect(items).toMatchObject([
      { requestId: answer.headers.get('x-request-id'), detail: { userIds: [users.ada] } },
    ]);
  });

  it('as a removal that the guard counts, and holds where it is too much', async () => {
    await connect({ guard: { ...WITHOUT_GUARD.guard, teamPercent: 30, teamMembers: 2 } });
    await deletedInVain('ada', 'bo', 'cy', 'dee');
    await integration.scim.setActive(users.ada!, false);
    await untilTeamIs('bo', 'cy', 'dee');
    await integration.scim.setActive(users.bo!, false);
    const held = await waitFor(
      'the second to be held',
      () => member('bo'),
      (bo) => bo?.reason === 'mass_change_held',
    );
    expect(held).toMatchObject({ state: 'removing' });
    const { body } = await scimify.admin.get(path('/held-changes'));
    expect(body.items).toMatchObject([
      {
        message: expect.stringContaining('"On-call"'),
        itemCount: 1,
        items: [{ userName: email('bo') }],
      },
    ]);
    await scimify.admin.post(`/held-changes/${body.items[0].id}/approve`);
    await untilTeamIs('cy', 'dee');
  });

  it('as does whose removal had begun before the group was deleted', async () => {
    await connect();
    group = await pushed('On-call', 'ada', 'bo', 'cy');
    keep('ada', 'bo');
    await integration.scim.removeMembers(group, users.ada!);
    await integration.scim.setActive(users.bo!, false);
    await waitFor(
      'both refusals',
      async () => [(await member('ada'))?.reason, (await member('bo'))?.reason],
      ([ada, bo]) => ada === 'member_on_escalation_policy' && bo === 'leaver_still_on_team',
    );
    await integration.scim.delete(`/Groups/${group}`);
    await untilGroup('team_in_use');
    // Nobody is wanted in the team of a group that is gone, whoever comes back.
    await integration.scim.setActive(users.bo!, true);
    account.dissociate(teamId(), 'Escalation Policies', { userIds: ['ada', 'bo'].map(personOf) });
    await letTimePass(scimify, HOUR);
    await untilTeamIs('cy');
    await untilGroup('team_in_use');
  });

  it('and is forgotten once they have, also where they left before the group did', async () => {
    await connect();
    group = await pushed('On-call', 'ada', 'bo', 'cy');
    account.associate(teamId(), 'Schedules');
    await scimify.admin.post(path('/pause'));
    await integration.scim.delete(`/Users/${users.ada}`);
    await integration.scim.delete(`/Groups/${group}`);
    await scimify.admin.post(path('/enable'));
    await untilTeamIs('bo', 'cy');
    await integration.scim.delete(`/Users/${users.bo}`);
    await untilTeamIs('cy');
    await waitFor(
      'their rows to go',
      () =>
        scimify.app
          .get(DataSource)
          .query('SELECT id FROM scim_user WHERE id IN (?, ?)', [users.ada, users.bo]),
      ({ length }) => length === 0,
    );
  }, 60_000);

  it('whose integration is being deleted', async () => {
    await connect();
    group = await pushed('On-call', 'ada', 'bo');
    account.associate(teamId(), 'Schedules');
    await scimify.admin.post(path('/pause'));
    await integration.scim.setActive(users.ada!, false);
    await scimify.admin.delete(`${path()}?teams=delete`);
    await untilTeamIs('bo');
    await untilGroup('team_in_use');
  });
});
