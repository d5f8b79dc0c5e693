import type { FaultSpec } from '../../simulator/faults';
import { waitFor } from '../support/wait';
import { AccountsInTurn } from './support/own-account';
import { letTimePass } from './support/passing-time';
import { comeToReconciliation } from './support/reconciliation';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NAMES = ['ada', 'bo', 'cy', 'dee'];
const OF_A_TEAM = 500;

const own = new AccountsInTurn('lasting', NAMES);
const { email, personOf, path, pushed, fail } = own;

const setMembers = (group: string, ...names: string[]) =>
  own.integration.scim.patchOperations(`/Groups/${group}`, {
    op: 'replace',
    path: 'members',
    value: names.map((name) => ({ value: own.users[name] })),
  });
const additionFails = (name: string, how: FaultSpec) =>
  fail({ method: 'PUT', path: new RegExp(`/users/${personOf(name)}$`), ...how });
const emailsIn = (team: string) => own.account.team(team)!.members.map((member) => member.email);
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
  (await own.scimify.members(own.integration, group)).find((member) => member.userId === own.users[name]);
const writes = () =>
  own.scimify.pagerDuty
    .calls()
    .filter(({ method, credential }) => method !== 'GET' && credential.account === own.credentialAccount);

describe('somebody whose addition to a team keeps failing in passing', () => {
  it.each<[string, FaultSpec]>([
    ['an error of PagerDuty', { status: 500 }],
    ['PagerDuty being unavailable', { status: 503 }],
    ['a connection that breaks', { drop: true }],
  ])('keeps nobody in their old place after a third attempt: with %s', async (_, how) => {
    await own.begin();
    const group = await pushed('On-call', 'ada', 'bo');
    const fault = additionFails('cy', how);
    await setMembers(group, 'ada', 'cy', 'dee');
    await untilOut('bo');
    expect(fault.hits()).toBeGreaterThanOrEqual(3);
    await untilIn('dee');
    fault.remove();
    await letTimePass(own.scimify, HOUR);
    await untilIn('cy');
    await own.scimify.settled(own.integration);
  });

  it('keeps them in it for as long as nothing of the account is reached', async () => {
    await own.begin();
    const group = await pushed('On-call', 'ada', 'bo');
    const fault = fail({ status: 503 });
    await setMembers(group, 'ada', 'cy');
    for (let failed = fault.hits(), turn = 0; turn < 5; turn += 1) {
      failed = await waitFor('another failure', fault.hits, (hits) => hits > failed);
      await letTimePass(own.scimify, HOUR);
    }
    own.scimify.pagerDuty.clearCalls();
    fault.remove();
    await letTimePass(own.scimify, HOUR);
    await untilOut('bo');
    const done = writes().filter(({ status }) => status !== null && status < 300);
    expect(done.map(({ method }) => method)).toEqual(['PUT', 'DELETE']);
    expect(emailsIn('On-call').sort()).toEqual([email('ada'), email('cy')]);
  });
});

describe('a place in a full team', () => {
  /** A team with this many free places. People that the IdP does not have take the others. */
  const addTeam = (left: number) => {
    const { id } = own.account.addTeam({ name: 'On-call' });
    const people = own.account.addUsers(OF_A_TEAM - left);
    for (const person of people) own.account.addMember(id, person.id);
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
      await own.integration.scim.addMembers(group, own.users[name]!);
      await untilReason(group, name, 'team_full');
    }
  };

  it('goes to the next who waits where the addition of the first keeps failing', async () => {
    await own.begin();
    addTeam(1);
    const group = await pushed('On-call', 'ada');
    await waiting(group, 'bo', 'cy');
    const fault = additionFails('bo', { status: 500 });
    await own.integration.scim.removeMembers(group, own.users.ada!);
    await untilIn('cy');
    fault.remove();
    await letTimePass(own.scimify, HOUR);
    await untilReason(group, 'bo', 'team_full');
  });

  it('goes to the next at once where the first is nobody in PagerDuty any more', async () => {
    await own.begin();
    addTeam(1);
    const group = await pushed('On-call', 'ada');
    await waiting(group, 'bo', 'cy');
    own.account.removeUser(personOf('bo'));
    await own.integration.scim.removeMembers(group, own.users.ada!);
    await untilIn('cy');
  });

  it('goes to the next at once where the first turns out to be somebody who is in the team', async () => {
    await own.begin();
    const { people } = addTeam(1);
    const group = await pushed('On-call', 'ada');
    await waiting(group, 'bo', 'cy');
    await own.scimify.admin.post(path('/pause'));
    await own.scimify.admin.put(path(`/users/${own.users.bo}/remote-link`), { remoteUserId: people[0]!.id });
    await own.integration.scim.removeMembers(group, own.users.ada!);
    await own.scimify.admin.post(path('/enable'));
    await untilIn('cy');
  });

  it('goes one after the other to those who wait until as many have come as there are places', async () => {
    await own.begin();
    addTeam(2);
    const group = await pushed('On-call', 'ada', 'dee');
    await waiting(group, 'bo', 'cy');
    own.account.updateUser(personOf('bo'), { role: 'read_only_user' });
    await own.integration.scim.setActive(own.users.ada!, false);
    await own.integration.scim.setActive(own.users.dee!, false);
    await untilIn('cy');
    await untilReason(group, 'bo', 'user_is_stakeholder');
    own.account.updateUser(personOf('bo'), { role: 'user' });
    await letTimePass(own.scimify, 7 * HOUR);
    await untilIn('bo');
  });

  it('goes to who waits at once where a leaver frees it while a run is at the team', async () => {
    await own.begin();
    const { id } = addTeam(1);
    const group = await pushed('On-call', 'ada');
    await waiting(group, 'bo');
    const slow = fail({ method: 'PUT', path: `/teams/${id}`, latencyMs: 1_500 });
    await own.integration.scim.renameGroup(group, 'Renamed');
    await waitFor('a call under way', slow.hits, (hits) => hits > 0);
    await own.integration.scim.setActive(own.users.ada!, false);
    await waitFor(
      'bo to have the place',
      () => own.account.team(id)!.members.map((member) => member.email),
      (seen) => seen.includes(email('bo')) && !seen.includes(email('ada')),
    );
    await waitFor(
      'the name',
      () => own.account.team(id)!.name,
      (name) => name === 'Renamed',
    );
  });

  it('goes to who waits once somebody was taken out by hand, as soon as that is seen', async () => {
    await own.begin();
    const { id, people } = addTeam(1);
    const group = await pushed('On-call', 'ada');
    await waiting(group, 'bo');
    own.account.removeMember(id, people[0]!.id);
    await comeToReconciliation(own.scimify, own.integration);
    await untilIn('bo');
    await own.scimify.settled(own.integration);
  });
});
