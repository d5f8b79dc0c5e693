import { DataSource } from 'typeorm';
import { WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { AccountsInTurn } from './support/own-account';
import { letTimePass } from './support/passing-time';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NAMES = ['ada', 'bo', 'cy', 'dee'];
/** The second of two deletions within an hour waits for an admin. */
const ONE_DELETION_AN_HOUR = { guard: { ...WITHOUT_GUARD.guard, deletedTeams: 1 } };

let group: string;
const own = new AccountsInTurn('deleting', NAMES);
const { email, personOf, path, pushed } = own;

const membersOf = (team: string) =>
  own.account
    .team(team)
    ?.members.map((member) => member.email)
    .sort();
const onTeam = (...names: string[]) => names.map(email);
const teamId = () => own.account.team('On-call')!.id;
const callsFor = (method: string, pattern: RegExp) =>
  own.scimify.pagerDuty.calls().filter((call) => call.method === method && pattern.test(call.path));

const shown = async () => (await own.scimify.admin.get(path(`/groups/${group}`))).body;
const member = async (name: string) =>
  (await own.scimify.members(own.integration, group)).find(({ userId }) => userId === own.users[name]);
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
  own.account.associate(teamId(), 'Escalation Policies', { userIds: names.map(personOf) });

/** PagerDuty refuses to delete the team of a deleted group. */
async function deletedInVain(...members: string[]): Promise<void> {
  group = await pushed('On-call', ...members);
  own.account.associate(teamId(), 'Schedules');
  await own.integration.scim.delete(`/Groups/${group}`);
  await untilGroup('team_in_use');
}

/** The guard holds the deletion of the team. */
async function deletionHeld(...members: string[]): Promise<string> {
  await own.begin(ONE_DELETION_AN_HOUR);
  const first = await pushed('First');
  group = await pushed('On-call', ...members);
  await own.integration.scim.delete(`/Groups/${first}`);
  await waitFor(
    'the first to be gone',
    () => membersOf('First'),
    (first) => first === undefined,
  );
  await own.integration.scim.delete(`/Groups/${group}`);
  await untilGroup('mass_change_held');
  return (await own.scimify.admin.get(path('/held-changes'))).body.items[0].id;
}

describe('whoever leaves the IdP leaves the team of a deleted group', () => {
  it('that PagerDuty does not let go, whether they are deactivated or deleted', async () => {
    await own.begin();
    await deletedInVain('ada', 'bo', 'cy');
    own.scimify.pagerDuty.clearCalls();
    await own.integration.scim.setActive(own.users.ada!, false);
    await untilTeamIs('bo', 'cy');
    await own.integration.scim.delete(`/Users/${own.users.bo}`);
    await untilTeamIs('cy');
    await waitFor(
      'the list to show it',
      () => own.scimify.members(own.integration, group),
      ({ length }) => length === 1,
    );
    expect(await member('cy')).toMatchObject({ state: 'applied' });
    // No admin requests a retry of the team itself.
    expect(callsFor('DELETE', /^\/teams\/[^/]+$/)).toHaveLength(0);
    expect(await shown()).toMatchObject({ state: 'blocked', reason: 'team_in_use' });
  });

  it('whose deletion the guard holds, also once an admin has rejected it', async () => {
    const change = await deletionHeld('ada', 'bo', 'cy');
    await own.integration.scim.setActive(own.users.ada!, false);
    await untilTeamIs('bo', 'cy');
    expect(await shown()).toMatchObject({ state: 'held', reason: 'mass_change_held' });
    expect((await own.scimify.admin.post(`/held-changes/${change}/reject`)).status).toBe(202);
    await untilGroup('removal_rejected');
    await own.integration.scim.delete(`/Users/${own.users.bo}`);
    await untilTeamIs('cy');
    expect(await shown()).toMatchObject({ state: 'blocked', reason: 'removal_rejected' });
    const { body } = await own.scimify.admin.get(path('/held-changes'));
    expect(body.items).toMatchObject([{ id: change, decision: 'rejected', itemCount: 1 }]);
  });

  it('and whom PagerDuty keeps is told as everywhere, and is tried again within minutes', async () => {
    await own.begin();
    await deletedInVain('ada', 'bo');
    keep('ada');
    await own.integration.scim.setActive(own.users.ada!, false);
    // The removal may be tried twice in a row, and its state is read between two calls.
    const told = async () => ({
      ada: await member('ada'),
      group: await shown(),
      figures: (await own.scimify.admin.get(path('/overview'))).body,
    });
    await waitFor('the refusal to be told everywhere', told, ({ ada, group: { nextAttemptAt }, figures }) => {
      const isTold = ada?.reason === 'leaver_still_on_team' && ada.state === 'removing';
      const isSoon = Date.parse(nextAttemptAt) < Date.now() + 2 * MINUTE;
      return isTold && isSoon && ada.nextAttemptAt === nextAttemptAt && figures.leaversStillOnTeam === 1;
    });
    own.account.dissociate(teamId(), 'Escalation Policies', { userIds: [personOf('ada')] });
    own.scimify.pagerDuty.clearCalls();
    await letTimePass(own.scimify, MINUTE);
    await untilTeamIs('bo');
    expect(callsFor('DELETE', /^\/teams\/[^/]+$/)).toHaveLength(0);
    await waitFor('the deletion to wait as before', shown, (one) => {
      return Date.parse(one.nextAttemptAt) > Date.now() + 50 * MINUTE;
    });
    expect((await own.scimify.admin.get(path('/overview'))).body).toMatchObject({ leaversStillOnTeam: 0 });
  });

  it('from which PagerDuty keeps somebody who is to be released', async () => {
    await own.begin({ onGroupDelete: 'release' });
    const { id } = own.account.addTeam({ name: 'On-call' });
    for (const name of ['cy', 'dee']) own.account.addMember(id, personOf(name));
    group = await pushed('On-call', 'ada', 'cy', 'dee');
    keep('ada');
    await own.integration.scim.delete(`/Groups/${group}`);
    await untilGroup('member_on_escalation_policy');
    expect(membersOf('On-call')).toEqual(onTeam('ada', 'cy', 'dee'));
    // A pre-existing member stays, but not after leaving the IdP.
    await own.integration.scim.setActive(own.users.cy!, false);
    await untilTeamIs('ada', 'dee');
    own.account.dissociate(teamId(), 'Escalation Policies', { userIds: [personOf('ada')] });
    await own.scimify.admin.post(path(`/groups/${group}/retry`));
    await untilGone();
    expect(membersOf('On-call')).toEqual(onTeam('dee'));
  });

  it('also where they left before it, were in the team before us, and PagerDuty kept them', async () => {
    await own.begin({ onGroupDelete: 'release' });
    const { id } = own.account.addTeam({ name: 'On-call' });
    for (const name of ['cy', 'dee']) own.account.addMember(id, personOf(name));
    group = await pushed('On-call', 'ada', 'cy', 'dee');
    keep('cy');
    await own.integration.scim.setActive(own.users.cy!, false);
    await waitFor(
      'the refusal',
      () => member('cy'),
      (cy) => cy?.reason === 'leaver_still_on_team',
    );
    await own.integration.scim.delete(`/Groups/${group}`);
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
    own.account.dissociate(teamId(), 'Escalation Policies', { userIds: [personOf('cy')] });
    await own.scimify.admin.post(path(`/groups/${group}/retry`));
    await untilGone();
    expect(membersOf('On-call')).toEqual(onTeam('dee'));
  });

  it('and is looked for by nobody once an admin has left the team as it is', async () => {
    await own.begin();
    await deletedInVain('ada', 'bo');
    await own.scimify.admin.post(path(`/groups/${group}/release`), { mode: 'leave' });
    await untilGone();
    own.scimify.pagerDuty.clearCalls();
    await own.integration.scim.setActive(own.users.ada!, false);
    const other = await pushed('Other', 'bo');
    expect(await own.scimify.members(own.integration, other)).toMatchObject([{ state: 'applied' }]);
    expect(membersOf('On-call')).toEqual(onTeam('ada', 'bo'));
    expect(callsFor('DELETE', /./)).toHaveLength(0);
  });

  it('that a new group of its name takes over, in whichever order', async () => {
    await own.begin();
    await deletedInVain('ada', 'bo', 'cy');
    await own.scimify.admin.post(path('/pause'));
    await own.integration.scim.setActive(own.users.ada!, false);
    group = await own.integration.scim.createGroup('On-call', [own.users.cy!]);
    await own.integration.scim.delete(`/Users/${own.users.bo}`);
    await own.scimify.admin.post(path('/enable'));
    await untilTeamIs('cy');
    await own.scimify.settled(own.integration);
  });

  it('as a plan says before: of the team itself it says that it stays', async () => {
    await own.begin();
    await deletedInVain('ada', 'bo');
    await own.scimify.admin.post(path('/pause'));
    await own.integration.scim.setActive(own.users.ada!, false);
    const { body } = await own.scimify.admin.get(path('/plan'));
    expect(body.groups).toMatchObject([
      {
        groupId: group,
        action: 'delete',
        reason: 'team_in_use',
        counts: { remove: 1, held: 0 },
        removeMembers: [{ userId: own.users.ada, remoteUserId: personOf('ada') }],
      },
    ]);
    own.scimify.pagerDuty.clearCalls();
    await own.scimify.admin.post(path('/enable'));
    await untilTeamIs('bo');
  });

  it('for the request by which they left, as the audit says', async () => {
    await own.begin();
    await deletedInVain('ada', 'bo');
    const answer = await own.integration.scim.setActive(own.users.ada!, false);
    await untilTeamIs('bo');
    const events = `/tenants/${own.tenantId}/audit-events?action=team_member.removed&targetId=${group}`;
    const { items } = (
      await waitFor(
        'the removal to be audited',
        () => own.scimify.admin.get(events),
        ({ body }) => body.items.length > 0,
      )
    ).body;
    expect(items).toMatchObject([
      { requestId: answer.headers.get('x-request-id'), detail: { userIds: [own.users.ada] } },
    ]);
  });

  it('as a removal that the guard counts, and holds where it is too much', async () => {
    await own.begin({ guard: { ...WITHOUT_GUARD.guard, teamPercent: 30, teamMembers: 2 } });
    await deletedInVain('ada', 'bo', 'cy', 'dee');
    await own.integration.scim.setActive(own.users.ada!, false);
    await untilTeamIs('bo', 'cy', 'dee');
    await own.integration.scim.setActive(own.users.bo!, false);
    const held = await waitFor(
      'the second to be held',
      () => member('bo'),
      (bo) => bo?.reason === 'mass_change_held',
    );
    expect(held).toMatchObject({ state: 'removing' });
    const { body } = await own.scimify.admin.get(path('/held-changes'));
    expect(body.items).toMatchObject([
      {
        message: expect.stringContaining('"On-call"'),
        itemCount: 1,
        items: [{ userName: email('bo') }],
      },
    ]);
    await own.scimify.admin.post(`/held-changes/${body.items[0].id}/approve`);
    await untilTeamIs('cy', 'dee');
  });

  it('as does whose removal had begun before the group was deleted', async () => {
    await own.begin();
    group = await pushed('On-call', 'ada', 'bo', 'cy');
    keep('ada', 'bo');
    await own.integration.scim.removeMembers(group, own.users.ada!);
    await own.integration.scim.setActive(own.users.bo!, false);
    await waitFor(
      'both refusals',
      async () => [(await member('ada'))?.reason, (await member('bo'))?.reason],
      ([ada, bo]) => ada === 'member_on_escalation_policy' && bo === 'leaver_still_on_team',
    );
    await own.integration.scim.delete(`/Groups/${group}`);
    await untilGroup('team_in_use');
    // No user is wanted in the team of a deleted group, even if the user comes back.
    await own.integration.scim.setActive(own.users.bo!, true);
    own.account.dissociate(teamId(), 'Escalation Policies', { userIds: ['ada', 'bo'].map(personOf) });
    await letTimePass(own.scimify, HOUR);
    await untilTeamIs('cy');
    await untilGroup('team_in_use');
  });

  it('and is forgotten once they have, also where they left before the group did', async () => {
    await own.begin();
    group = await pushed('On-call', 'ada', 'bo', 'cy');
    own.account.associate(teamId(), 'Schedules');
    await own.scimify.admin.post(path('/pause'));
    await own.integration.scim.delete(`/Users/${own.users.ada}`);
    await own.integration.scim.delete(`/Groups/${group}`);
    await own.scimify.admin.post(path('/enable'));
    await untilTeamIs('bo', 'cy');
    await own.integration.scim.delete(`/Users/${own.users.bo}`);
    await untilTeamIs('cy');
    await waitFor(
      'their rows to go',
      () =>
        own.scimify.app
          .get(DataSource)
          .query('SELECT id FROM scim_user WHERE id IN (?, ?)', [own.users.ada, own.users.bo]),
      ({ length }) => length === 0,
    );
  }, 60_000);

  it('whose integration is being deleted', async () => {
    await own.begin();
    group = await pushed('On-call', 'ada', 'bo');
    own.account.associate(teamId(), 'Schedules');
    await own.scimify.admin.post(path('/pause'));
    await own.integration.scim.setActive(own.users.ada!, false);
    await own.scimify.admin.delete(`${path()}?teams=delete`);
    await untilTeamIs('bo');
    await untilGroup('team_in_use');
  });
});
