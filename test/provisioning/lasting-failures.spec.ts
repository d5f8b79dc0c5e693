import type { FaultSpec } from '../../simulator/faults';
import type { SimAccount } from '../../simulator/simulator';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { addressIn, ownAccount } from './support/own-account';
import { letTimePass } from './support/passing-time';
import { comeToReconciliation } from './support/reconciliation';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NAMES = ['ada', 'bo', 'cy', 'dee'];
const OF_A_TEAM = 500;

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

const subdomain = () => `lasting-${worlds}`;
const email = (name: string) => addressIn(subdomain(), name);
const personOf = (name: string) => account.user(email(name))!.id;
const path = (rest = '') => `/integrations/${integration.id}${rest}`;

async function connect(): Promise<void> {
  worlds += 1;
  ({ account, integration, users } = await ownAccount(scimify, {
    tenantId,
    subdomain: subdomain(),
    people: NAMES,
    policies: WITHOUT_GUARD,
  }));
}

const push = async (name: string, ...members: string[]) => {
  const group = await integration.scim.createGroup(
    name,
    members.map((member) => users[member]!),
  );
  await scimify.settled(integration);
  return group;
};
const setMembers = (group: string, ...names: string[]) =>
  integration.scim.patchOperations(`/Groups/${group}`, {
    op: 'replace',
    path: 'members',
    value: names.map((name) => ({ value: users[name] })),
  });
const fail = (spec: FaultSpec) => scimify.pagerDuty.inject({ account: `us.${subdomain()}`, ...spec });
const additionFails = (name: string, how: FaultSpec) =>
  fail({ method: 'PUT', path: new RegExp(`/users/${personOf(name)}$`), ...how });
const emailsIn = (team: string) => account.team(team)!.members.map((member) => member.email);
const untilIn = (name: string, timeoutMs?: number) =>
  waitFor(
    `${name} to be in the team`,
    () => emailsIn('On-call'),
    (seen) => seen.includes(email(name)),
    timeoutMs,
  );
const untilOut = (name: string) =>
  waitFor(
    `${name} to be out of the team`,
    () => emailsIn('On-call'),
    (seen) => !seen.includes(email(name)),
  );
const memberShown = async (group: string, name: string) =>
  (await scimify.members(integration, group)).find((member) => member.userId === users[name]);
const writes = () =>
  scimify.pagerDuty
    .calls()
    .filter(({ method, credential }) => method !== 'GET' && credential.account === `us.${subdomain()}`);

describe('somebody whose addition to a team keeps failing in passing', () => {
  it.each<[string, FaultSpec]>([
    ['an error of PagerDuty', { status: 500 }],
    ['PagerDuty being unavailable', { status: 503 }],
    ['a connection that breaks', { drop: true }],
  ])('keeps nobody in their old place after a third attempt: with %s', async (_, how) => {
    await connect();
    const group = await push('On-call', 'ada', 'bo');
    const fault = additionFails('cy', how);
    await setMembers(group, 'ada', 'cy', 'dee');
    await untilOut('bo');
    expect(fault.hits()).toBeGreaterThanOrEqual(3);
    await untilIn('dee');
    fault.remove();
    await letTimePass(scimify, HOUR);
    await untilIn('cy');
    await scimify.settled(integration);
  });

  it('keeps them in it for as long as nothing of the account is reached', async () => {
    await connect();
    const group = await push('On-call', 'ada', 'bo');
    const fault = fail({ status: 503 });
    await setMembers(group, 'ada', 'cy');
    for (let failed = fault.hits(), turn = 0; turn < 5; turn += 1) {
      failed = await waitFor('another failure', fault.hits, (hits) => hits > failed);
      await letTimePass(scimify, HOUR);
    }
    scimify.pagerDuty.clearCalls();
    fault.remove();
    await letTimePass(scimify, HOUR);
    await untilOut('bo');
    const done = writes().filter(({ status }) => status !== null && status < 300);
    expect(done.map(({ method }) => method)).toEqual(['PUT', 'DELETE']);
    expect(emailsIn('On-call').sort()).toEqual([email('ada'), email('cy')]);
  });
});

describe('a place in a full team', () => {
  /** A team that has so many places left, the others being taken by people of whom the IdP knows nothing. */
  const addTeam = (left: number) => {
    const { id } = account.addTeam({ name: 'On-call' });
    const people = account.addUsers(OF_A_TEAM - left);
    for (const person of people) account.addMember(id, person.id);
    return { id, people };
  };
  const untilReason = (group: string, name: string, reason: string) =>
    waitFor(
      `${name} to be shown as ${reason}`,
      () => memberShown(group, name),
      (shown) => shown?.reason === reason,
    );
  const waiting = async (group: string, ...names: string[]) => {
    for (const name of names) {
      await integration.scim.addMembers(group, users[name]!);
      await untilReason(group, name, 'team_full');
    }
  };

  it('goes to the next who waits where the addition of the first keeps failing', async () => {
    await connect();
    addTeam(1);
    const group = await push('On-call', 'ada');
    await waiting(group, 'bo', 'cy');
    const fault = additionFails('bo', { status: 500 });
    await integration.scim.removeMembers(group, users.ada!);
    await untilIn('cy');
    fault.remove();
    await letTimePass(scimify, HOUR);
    await untilReason(group, 'bo', 'team_full');
  });

  it('goes to the next at once where the first is nobody in PagerDuty any more', async () => {
    await connect();
    addTeam(1);
    const group = await push('On-call', 'ada');
    await waiting(group, 'bo', 'cy');
    account.removeUser(personOf('bo'));
    await integration.scim.removeMembers(group, users.ada!);
    await untilIn('cy');
  });

  it('goes to the next at once where the first turns out to be somebody who is in the team', async () => {
    await connect();
    const { people } = addTeam(1);
    const group = await push('On-call', 'ada');
    await waiting(group, 'bo', 'cy');
    await scimify.admin.post(path('/pause'));
    await scimify.admin.put(path(`/users/${users.bo}/remote-link`), { remoteUserId: people[0]!.id });
    await integration.scim.removeMembers(group, users.ada!);
    await scimify.admin.post(path('/enable'));
    await untilIn('cy');
  });

  it('goes one after the other to those who wait until as many have come as there are places', async () => {
    await connect();
    addTeam(2);
    const group = await push('On-call', 'ada', 'dee');
    await waiting(group, 'bo', 'cy');
    account.updateUser(personOf('bo'), { role: 'read_only_user' });
    await integration.scim.setActive(users.ada!, false);
    await integration.scim.setActive(users.dee!, false);
    await untilIn('cy');
    await untilReason(group, 'bo', 'user_is_stakeholder');
    account.updateUser(personOf('bo'), { role: 'user' });
    await letTimePass(scimify, 7 * HOUR);
    await untilIn('bo');
  });

  it('goes to who waits at once where a leaver frees it while a run is at the team', async () => {
    await connect();
    const { id } = addTeam(1);
    const group = await push('On-call', 'ada');
    await waiting(group, 'bo');
    const slow = fail({ method: 'PUT', path: `/teams/${id}`, latencyMs: 1_500 });
    await integration.scim.renameGroup(group, 'Renamed');
    await waitFor('a call under way', slow.hits, (hits) => hits > 0);
    await integration.scim.setActive(users.ada!, false);
    await waitFor(
      'bo to have the place',
      () => account.team(id)!.members.map((member) => member.email),
      (seen) => seen.includes(email('bo')) && !seen.includes(email('ada')),
    );
    await waitFor(
      'the name',
      () => account.team(id)!.name,
      (name) => name === 'Renamed',
    );
  });

  it('goes to who waits once somebody was taken out by hand, as soon as that is seen', async () => {
    await connect();
    const { id, people } = addTeam(1);
    const group = await push('On-call', 'ada');
    await waiting(group, 'bo');
    account.removeMember(id, people[0]!.id);
    await comeToReconciliation(scimify, integration);
    await untilIn('bo');
    await scimify.settled(integration);
  });
});
