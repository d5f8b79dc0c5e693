import type { FaultSpec } from '../../simulator/faults';
import type { SimAccount } from '../../simulator/simulator';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { addressIn, ownAccount } from './support/own-account';
import { letTimePass } from './support/passing-time';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NAMES = ['ada', 'bo', 'cy'];

let scimify: Scimify;
let tenantId: string;
let account: SimAccount;
let integration: TestIntegration;
let users: Record<string, string>;
let worlds = 0;

beforeAll(async () => {
  scimify = await Scimify.start();
  tenantId = await scimify.createTenant();
});
afterAll(() => scimify.stop());

const subdomain = () => `ladders-${worlds}`;
const email = (name: string) => addressIn(subdomain(), name);
const personOf = (name: string) => account.user(email(name))!.id;
const path = (rest = '') => `/integrations/${integration.id}${rest}`;

async function connect(policies: object = {}): Promise<void> {
  worlds += 1;
  ({ account, integration, users } = await ownAccount(scimify, {
    tenantId,
    subdomain: subdomain(),
    people: NAMES,
    policies: { ...WITHOUT_GUARD, ...policies },
  }));
}

const push = (name: string, ...members: string[]) =>
  integration.scim.createGroup(
    name,
    members.map((member) => users[member]!),
  );
const fail = (spec: FaultSpec) => scimify.pagerDuty.inject({ account: `us.${subdomain()}`, ...spec });
const callsFail = (method: string, name: string, how: FaultSpec) =>
  fail({ method, path: new RegExp(`/users/${personOf(name)}$`), ...how });
const untilTeam = (team: string, ...names: string[]) =>
  waitFor(
    `${team} to be ${names.join(', ')}`,
    () =>
      account
        .team(team)
        ?.members.map((member) => member.email)
        .sort()
        .join(),
    (seen) => seen === names.map(email).sort().join(),
  );
const groupShown = async (groupId: string) => (await scimify.admin.get(path(`/groups/${groupId}`))).body;
const memberShown = async (groupId: string, name: string) =>
  (await scimify.members(integration, groupId)).find((member) => member.userId === users[name]);
const minutesUntil = (shown: { nextAttemptAt: string }) =>
  Math.round((Date.parse(shown.nextAttemptAt) - Date.now()) / MINUTE);

it('whoever left the IdP and is kept in a team is tried again on their own ladder, however long the group is put off', async () => {
  const random = jest.spyOn(Math, 'random').mockReturnValue(0.999);
  try {
    await connect();
    const group = await push('On-call', 'ada', 'bo');
    await scimify.settled(integration);
    account.associate(account.team('On-call')!.id, 'Escalation Policies', { userIds: [personOf('bo')] });
    const fault = callsFail('PUT', 'cy', { status: 503 });
    await integration.scim.addMembers(group, users.cy!);
    for (let failed = 0, turn = 0; turn < 10; turn += 1) {
      failed = await waitFor('another failure', fault.hits, (hits) => hits > failed);
      await letTimePass(scimify, HOUR);
    }
    await scimify.admin.post(path('/pause'));
    await integration.scim.setActive(users.bo!, false);
    await letTimePass(scimify, HOUR);
    await scimify.admin.post(path('/enable'));
    await waitFor(
      'bo to be kept, and the group to be put off',
      async () => ({ bo: await memberShown(group, 'bo'), group: await groupShown(group) }),
      (shown) => shown.bo?.reason === 'leaver_still_on_team' && shown.group.state === 'retrying',
    );
    account.dissociate(account.team('On-call')!.id, 'Escalation Policies', { userIds: [personOf('bo')] });
    const before = fault.hits();
    await letTimePass(scimify, 2 * MINUTE);
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
    await connect();
    const fault = callsFail('PUT', 'cy', { status: 500 });
    const group = await push('On-call', 'ada', 'cy');
    await waitFor('failures', fault.hits, (hits) => hits >= 3);
    account.updateUser(personOf('cy'), { role: 'read_only_user' });
    fault.remove();
    await letTimePass(scimify, HOUR);
    const shown = await waitFor(
      'a refusal',
      () => memberShown(group, 'cy'),
      (seen) => seen?.reason === 'user_is_stakeholder',
    );
    expect(minutesUntil(shown)).toBe(60);
  });

  it('for a group', async () => {
    await connect({ existingTeams: 'fail' });
    const fault = fail({ method: 'GET', path: /^\/teams\?.*query/, status: 503 });
    const group = await push('Taken', 'ada');
    await waitFor('failures', fault.hits, (hits) => hits >= 3);
    account.addTeam({ name: 'Taken' });
    fault.remove();
    await letTimePass(scimify, HOUR);
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
    scimify.pagerDuty.calls({ method: 'PUT', path: new RegExp(`/users/${personOf('cy')}$`) }).length;

  it.each([
    ['another group is tried again', (other: string) => scimify.admin.post(path(`/groups/${other}/retry`))],
    [
      'a setting is changed',
      () => scimify.admin.patch(path(), { settings: { groupDescription: 'Of {tenant_id}' } }),
    ],
  ])('when %s during a run', async (_, act) => {
    await connect();
    account.updateUser(personOf('cy'), { role: 'read_only_user' });
    const group = await push('Refused', 'ada', 'cy');
    const other = await push('Another', 'ada');
    await scimify.settled(integration, ['synced', 'partial']);
    const before = refusedCalls();
    const slow = callsFail('PUT', 'bo', { latencyMs: 1_500 });
    await integration.scim.addMembers(other, users.bo!);
    await waitFor('a call under way', slow.hits, (hits) => hits > 0);
    expect((await act(other)).status).toBeLessThan(300);
    await untilTeam('Another', 'ada', 'bo');
    await scimify.settled(integration, ['synced', 'partial']);
    expect(refusedCalls()).toBe(before);
    expect(minutesUntil(await memberShown(group, 'cy'))).toBe(60);
  });

  it('but for the group itself, whatever comes of it in the run that is going on', async () => {
    await connect({ existingTeams: 'fail' });
    account.addTeam({ name: 'Taken' });
    const slow = fail({ method: 'GET', path: /^\/teams\?.*query/, latencyMs: 1_500 });
    const group = await push('Taken', 'ada');
    await waitFor('a call under way', slow.hits, (hits) => hits > 0);
    await scimify.admin.post(path(`/groups/${group}/retry`));
    account.removeTeam(account.team('Taken')!.id);
    slow.remove();
    await untilTeam('Taken', 'ada');
  });
});

it('whose role was refused is tried again once another role is to be given', async () => {
  await connect();
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
  const { status } = await scimify.admin.patch(path(), { policies: { memberRole: 'responder' } });
  expect(status).toBe(200);
  await untilTeam('On-call', 'ada', 'cy');
});
