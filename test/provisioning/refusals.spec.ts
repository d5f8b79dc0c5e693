import { waitFor } from '../support/wait';
import { AccountsInTurn } from './support/own-account';
import { comeToReconciliation } from './support/reconciliation';
import { letTimePass } from './support/passing-time';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NAMES = ['ada', 'bo', 'cy', 'dee'];

const own = new AccountsInTurn('refusing', NAMES);
const { email, personOf, path, push, pushed } = own;

type Shown = { reason: string | null; nextAttemptAt: string | null; [field: string]: any };

const groupShown = async (groupId: string): Promise<Shown> =>
  (await own.scimify.admin.get(path(`/groups/${groupId}`))).body;
const memberShown = async (groupId: string, name: string): Promise<Shown | undefined> =>
  (await own.scimify.members(own.integration, groupId)).find((member) => member.userId === own.users[name]);

/** Waits until the next attempt is this far away. A time that was shown before does not count. */
async function untilTriedAgainIn(
  delayMs: number,
  look: () => Promise<Shown | undefined>,
  isSo: (shown: Shown) => boolean = () => true,
): Promise<void> {
  await waitFor(`another attempt in ${delayMs / MINUTE} minutes`, look, (shown) => {
    if (!shown?.nextAttemptAt || !isSo(shown)) return false;
    const waits = Date.parse(shown.nextAttemptAt) - Date.now();
    return waits <= delayMs && waits > delayMs - MINUTE / 2;
  });
}

describe('an attempt of the IdP’s that follows another one closely is no step on the ladder of attempts', () => {
  it('for a group that PagerDuty refuses', async () => {
    await own.begin({ existingTeams: 'fail' });
    own.account.addTeam({ name: 'Taken' });
    const group = await push('Taken');
    const look = () => groupShown(group);
    await untilTriedAgainIn(HOUR, look, ({ reason }) => reason === 'team_exists');
    const before = (await look()).nextAttemptAt;
    await own.integration.scim.addMembers(group, own.users.ada!);
    await untilTriedAgainIn(HOUR, look, ({ nextAttemptAt }) => nextAttemptAt !== before);
    await letTimePass(own.scimify, HOUR);
    await untilTriedAgainIn(6 * HOUR, look);
  });

  it('for the name of a team', async () => {
    await own.begin();
    const group = await pushed('On-call');
    const look = () => groupShown(group);
    await own.integration.scim.renameGroup(group, 'x'.repeat(101));
    await untilTriedAgainIn(HOUR, look, ({ reason }) => reason === 'name_too_long');
    const before = (await look()).nextAttemptAt;
    await own.integration.scim.addMembers(group, own.users.ada!);
    await untilTriedAgainIn(HOUR, look, ({ nextAttemptAt }) => nextAttemptAt !== before);
    await letTimePass(own.scimify, HOUR);
    await untilTriedAgainIn(6 * HOUR, look);
  });

  it('for somebody whom PagerDuty does not take into the team', async () => {
    await own.begin();
    own.account.updateUser(personOf('ada'), { role: 'read_only_user' });
    const group = await push('On-call', 'ada');
    const look = () => memberShown(group, 'ada');
    await untilTriedAgainIn(HOUR, look, ({ reason }) => reason === 'user_is_stakeholder');
    const before = (await look())!.nextAttemptAt;
    const link = path(`/users/${own.users.ada}/remote-link`);
    expect((await own.scimify.admin.put(link, { remoteUserId: personOf('ada') })).status).toBe(204);
    await untilTriedAgainIn(HOUR, look, ({ nextAttemptAt }) => nextAttemptAt !== before);
    await letTimePass(own.scimify, HOUR);
    await untilTriedAgainIn(6 * HOUR, look);
  });
});

describe('somebody on an escalation policy whom PagerDuty keeps in the team', () => {
  const keep = (name: string) =>
    own.account.associate(own.account.team('On-call')!.id, 'Escalation Policies', {
      userIds: [personOf(name)],
    });

  it('is tried again in 1, 5 and 15 minutes once they have left the IdP, and then in 1 and in 6 hours', async () => {
    await own.begin();
    const group = await pushed('On-call', 'ada', 'bo');
    keep('ada');
    await own.integration.scim.setActive(own.users.ada!, false);
    const look = () => groupShown(group);
    for (const delayMs of [1, 5, 15, 60, 360].map((minutes) => minutes * MINUTE)) {
      await untilTriedAgainIn(delayMs, look, ({ reason }) => reason === 'leaver_still_on_team');
      await letTimePass(own.scimify, delayMs);
    }
    await untilTriedAgainIn(6 * HOUR, look);
  });

  it('is tried again in an hour while they are only out of the group, and in a minute once they leave the IdP too', async () => {
    await own.begin();
    const group = await pushed('On-call', 'ada', 'bo');
    keep('ada');
    await own.integration.scim.removeMembers(group, own.users.ada!);
    const look = () => groupShown(group);
    await untilTriedAgainIn(HOUR, look, ({ reason }) => reason === 'member_on_escalation_policy');
    await letTimePass(own.scimify, HOUR);
    await untilTriedAgainIn(6 * HOUR, look);
    await own.integration.scim.setActive(own.users.ada!, false);
    await untilTriedAgainIn(MINUTE, look, ({ reason }) => reason === 'leaver_still_on_team');
  });
});

describe('a place in a full team', () => {
  const OF_A_TEAM = 500;

  /** A team with this many free places. People that the IdP does not have take the others. */
  const addTeam = (name: string, left: number) => {
    const { id } = own.account.addTeam({ name });
    for (const person of own.account.addUsers(OF_A_TEAM - left)) own.account.addMember(id, person.id);
  };
  const untilReason = (group: string, name: string, reason: string) =>
    waitFor(
      `${name} to be shown as ${reason}`,
      () => memberShown(group, name),
      (shown) => shown?.reason === reason,
    );
  const inTeam = (name: string) =>
    waitFor(
      `${name} to be in the team`,
      () => own.account.team('On-call')!.members.map((member) => member.email),
      (emails) => emails.includes(email(name)),
    );

  it('goes to the next who waits where the first is refused for being in too many teams', async () => {
    await own.begin();
    addTeam('On-call', 1);
    own.account.setLimits({ teamsPerUser: 1 });
    own.account.addMember(own.account.addTeam({ name: 'Another' }).id, personOf('bo'));
    const group = await pushed('On-call', 'ada');
    for (const name of ['bo', 'cy']) {
      await own.integration.scim.addMembers(group, own.users[name]!);
      await untilReason(group, name, 'team_full');
    }
    await own.integration.scim.removeMembers(group, own.users.ada!);
    await inTeam('cy');
    await untilReason(group, 'bo', 'user_in_too_many_teams');
    expect((await memberShown(group, 'bo'))!.message).toContain('400');
  });

  it('goes to somebody for each of those who leave, however many they are', async () => {
    await own.begin();
    addTeam('On-call', 30);
    const people = (from: number) =>
      Array.from({ length: 30 }, (_, index) => email(`person-${from + index}`));
    own.account.addUsers([...people(0), ...people(30)].map((address) => ({ email: address })));
    const members = await own.integration.scim.createUsers(people(0));
    const group = await own.integration.scim.createGroup('On-call', members);
    await own.scimify.settled(own.integration);
    await own.integration.scim.addMembers(group, ...(await own.integration.scim.createUsers(people(30))));
    await waitFor(
      'the others to wait',
      () => groupShown(group),
      (shown) => shown.reason === 'team_full' && shown.members.pending === 30,
    );
    await own.scimify.admin.post(path('/pause'));
    for (const id of members) await own.integration.scim.setActive(id, false);
    await own.scimify.admin.post(path('/enable'));
    await own.scimify.settled(own.integration);
    const emails = own.account.team('On-call')!.members.map((member) => member.email);
    expect(emails).toHaveLength(OF_A_TEAM);
    expect(emails).toEqual(expect.arrayContaining(people(30)));
  });
});

describe('whoever was refused is not tried again', () => {
  const callsFor = (names: readonly string[]) => {
    const people = names.map(personOf);
    return own.scimify.pagerDuty
      .calls()
      .filter(
        ({ method, path: called }) => method !== 'GET' && people.some((id) => called.endsWith(`/${id}`)),
      )
      .map(({ method, path: called }) => `${method} ${called}`);
  };
  const setEmail = (name: string, value: string) =>
    own.integration.scim.patchOperations(`/Users/${own.users[name]}`, {
      op: 'replace',
      value: { emails: [{ primary: true, type: 'work', value }] },
    });

  it('because the e-mail address of somebody else changes', async () => {
    await own.begin();
    const refused = ['bo', 'cy'];
    for (const name of refused) own.account.updateUser(personOf(name), { role: 'read_only_user' });
    const group = await push('On-call', 'ada', 'dee', ...refused);
    await own.scimify.settled(own.integration, ['partial']);
    own.account.associate(own.account.team('On-call')!.id, 'Escalation Policies', {
      userIds: [personOf('dee')],
    });
    await own.integration.scim.removeMembers(group, own.users.dee!);
    await waitFor(
      'dee to be kept',
      async () => (await own.scimify.admin.get(path('/overview'))).body,
      () => callsFor(['dee']).some((call) => call.startsWith('DELETE')),
    );
    await own.scimify.settled(own.integration, ['partial']);
    const before = callsFor([...refused, 'dee']);

    own.account.addUser({ email: email('another') });
    await setEmail('ada', email('another'));
    await waitFor(
      'another to take the place of ada',
      () => own.account.team('On-call')!.members.map((member) => member.email),
      (emails) => emails.includes(email('another')) && !emails.includes(email('ada')),
    );
    await own.scimify.settled(own.integration, ['partial']);
    expect(callsFor([...refused, 'dee'])).toEqual(before);
    for (const name of refused) {
      expect(await memberShown(group, name)).toMatchObject({ reason: 'user_is_stakeholder' });
    }

    // But after an admin's retry, there is a call for each of them.
    await own.scimify.admin.post(path(`/groups/${group}/retry`));
    await waitFor(
      'a call for each of them',
      () => callsFor([...refused, 'dee']).slice(before.length),
      (calls) => [...refused, 'dee'].every((name) => calls.some((call) => call.endsWith(personOf(name)))),
    );
  });

  it('but in another team that takes the place of one that was deleted by hand', async () => {
    await own.begin();
    own.account.updateUser(personOf('bo'), { role: 'read_only_user' });
    await push('On-call', 'ada', 'bo');
    await own.scimify.settled(own.integration, ['partial']);
    own.account.updateUser(personOf('bo'), { role: 'user' });
    own.account.removeTeam(own.account.team('On-call')!.id);
    await comeToReconciliation(own.scimify, own.integration);
    await waitFor(
      'both to be in the new team',
      () =>
        own.account
          .team('On-call')
          ?.members.map((member) => member.email)
          .sort(),
      (emails) => emails?.join() === [email('ada'), email('bo')].join(),
    );
  });
});
