import type { FaultSpec } from '../../simulator/faults';
import { waitFor } from '../support/wait';
import { AccountsInTurn } from './support/own-account';
import { letTimePass } from './support/passing-time';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NAMES = ['ada', 'bo', 'cy'];

const own = new AccountsInTurn('ladders', NAMES);
const { email, personOf, path, push, fail } = own;

const callsFail = (method: string, name: string, how: FaultSpec) =>
  fail({ method, path: new RegExp(`/users/${personOf(name)}$`), ...how });
const untilTeam = (team: string, ...names: string[]) =>
  waitFor(
    `${team} to be ${names.join(', ')}`,
    () =>
      own.account
        .team(team)
        ?.members.map((member) => member.email)
        .sort()
        .join(),
    (seen) => seen === names.map(email).sort().join(),
  );
const groupShown = async (groupId: string) => (await own.scimify.admin.get(path(`/groups/${groupId}`))).body;
const memberShown = async (groupId: string, name: string) =>
  (await own.scimify.members(own.integration, groupId)).find((member) => member.userId === own.users[name]);
const minutesUntil = (shown: { nextAttemptAt: string }) =>
  Math.round((Date.parse(shown.nextAttemptAt) - Date.now()) / MINUTE);

it('whoever left the IdP and is kept in a team is tried again on their own ladder, however long the group is put off', async () => {
  const random = jest.spyOn(Math, 'random').mockReturnValue(0.999);
  try {
    await own.begin();
    const group = await push('On-call', 'ada', 'bo');
    await own.scimify.settled(own.integration);
    own.account.associate(own.account.team('On-call')!.id, 'Escalation Policies', {
      userIds: [personOf('bo')],
    });
    const fault = callsFail('PUT', 'cy', { status: 503 });
    await own.integration.scim.addMembers(group, own.users.cy!);
    for (let failed = 0, turn = 0; turn < 10; turn += 1) {
      failed = await waitFor('another failure', fault.hits, (hits) => hits > failed);
      await letTimePass(own.scimify, HOUR);
    }
    await own.scimify.admin.post(path('/pause'));
    await own.integration.scim.setActive(own.users.bo!, false);
    await letTimePass(own.scimify, HOUR);
    await own.scimify.admin.post(path('/enable'));
    await waitFor(
      'bo to be kept, and the group to be put off',
      async () => ({ bo: await memberShown(group, 'bo'), group: await groupShown(group) }),
      (shown) => shown.bo?.reason === 'leaver_still_on_team' && shown.group.state === 'retrying',
    );
    own.account.dissociate(own.account.team('On-call')!.id, 'Escalation Policies', {
      userIds: [personOf('bo')],
    });
    const before = fault.hits();
    await letTimePass(own.scimify, 2 * MINUTE);
    await untilTeam('On-call', 'ada');
    expect(fault.hits()).toBe(before);
    await waitFor(
      'the group to be put off as before',
      async () => minutesUntil(await groupShown(group)),
      (minutes) => minutes > 5,
    );
  } finally {
    random.mockRestore();
  }
});

describe('failures that pass are no steps on the ladder of refusals', () => {
  it('for a member', async () => {
    await own.begin();
    const fault = callsFail('PUT', 'cy', { status: 500 });
    const group = await push('On-call', 'ada', 'cy');
    await waitFor('failures', fault.hits, (hits) => hits >= 3);
    own.account.updateUser(personOf('cy'), { role: 'read_only_user' });
    fault.remove();
    await letTimePass(own.scimify, HOUR);
    const shown = await waitFor(
      'a refusal',
      () => memberShown(group, 'cy'),
      (seen) => seen?.reason === 'user_is_stakeholder',
    );
    expect(minutesUntil(shown)).toBe(60);
  });

  it('for a group', async () => {
    await own.begin({ existingTeams: 'fail' });
    const fault = fail({ method: 'GET', path: /^\/teams\?.*query/, status: 503 });
    const group = await push('Taken', 'ada');
    await waitFor('failures', fault.hits, (hits) => hits >= 3);
    own.account.addTeam({ name: 'Taken' });
    fault.remove();
    await letTimePass(own.scimify, HOUR);
    const shown = await waitFor(
      'a refusal',
      () => groupShown(group),
      ({ reason }) => reason === 'team_exists',
    );
    expect(minutesUntil(shown)).toBe(60);
  });
});

describe('what was refused waits as it did', () => {
  const refusedCalls = () =>
    own.scimify.pagerDuty.calls({ method: 'PUT', path: new RegExp(`/users/${personOf('cy')}$`) }).length;

  it.each([
    [
      'another group is tried again',
      (other: string) => own.scimify.admin.post(path(`/groups/${other}/retry`)),
    ],
    [
      'a setting is changed',
      () => own.scimify.admin.patch(path(), { settings: { groupDescription: 'Of {tenant_id}' } }),
    ],
  ])('when %s during a run', async (_, act) => {
    await own.begin();
    own.account.updateUser(personOf('cy'), { role: 'read_only_user' });
    const group = await push('Refused', 'ada', 'cy');
    const other = await push('Another', 'ada');
    await own.scimify.settled(own.integration, ['synced', 'partial']);
    const before = refusedCalls();
    const slow = callsFail('PUT', 'bo', { latencyMs: 1_500 });
    await own.integration.scim.addMembers(other, own.users.bo!);
    await waitFor('a call under way', slow.hits, (hits) => hits > 0);
    expect((await act(other)).status).toBeLessThan(300);
    await untilTeam('Another', 'ada', 'bo');
    await own.scimify.settled(own.integration, ['synced', 'partial']);
    expect(refusedCalls()).toBe(before);
    expect(minutesUntil(await memberShown(group, 'cy'))).toBe(60);
  });

  it('but for the group itself, whatever comes of it in the run that is going on', async () => {
    await own.begin({ existingTeams: 'fail' });
    own.account.addTeam({ name: 'Taken' });
    const slow = fail({ method: 'GET', path: /^\/teams\?.*query/, latencyMs: 1_500 });
    const group = await push('Taken', 'ada');
    await waitFor('a call under way', slow.hits, (hits) => hits > 0);
    await own.scimify.admin.post(path(`/groups/${group}/retry`));
    own.account.removeTeam(own.account.team('Taken')!.id);
    slow.remove();
    await untilTeam('Taken', 'ada');
  });
});

it('whose role was refused is tried again once another role is to be given', async () => {
  await own.begin();
  const fault = callsFail('PUT', 'cy', {
    status: 400,
    body: { error: { message: 'Invalid Input Provided', code: 2001, errors: ['Role is not allowed'] } },
  });
  const group = await push('On-call', 'ada', 'cy');
  await waitFor(
    'a refusal',
    () => memberShown(group, 'cy'),
    (shown) => shown?.reason === 'role_refused',
  );
  fault.remove();
  const { status } = await own.scimify.admin.patch(path(), { policies: { memberRole: 'responder' } });
  expect(status).toBe(200);
  await untilTeam('On-call', 'ada', 'cy');
});
