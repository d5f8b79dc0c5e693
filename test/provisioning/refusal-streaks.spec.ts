import type { FaultSpec } from '../../simulator/faults';
import { waitFor } from '../support/wait';
import { AccountsInTurn } from './support/own-account';
import { letTimePass } from './support/passing-time';

const HOUR = 60 * 60_000;
const ODD = ['odd-1', 'odd-2', 'odd-3'];
const OTHERS = ['ada', 'bo', 'cy', 'dee'];
/** Far fewer than there are people or teams to call for. */
const FEW_CALLS = 30;

const own = new AccountsInTurn('streaks', [...ODD, ...OTHERS]);
const { email, path, pushed } = own;

const emails = (...names: string[]) => names.map(email).sort();
const idsOf = (names: readonly string[]) => names.map((name) => own.users[name]!);

/** The odd ones have the lower ids, so they come first. */
async function connect(people: readonly string[] = [...ODD, ...OTHERS]): Promise<void> {
  await own.begin({}, { people });
}

const refuse = (spec: FaultSpec) =>
  own.scimify.pagerDuty.inject({ account: own.credentialAccount, status: 403, ...spec });
const refuseFor = (names: readonly string[], method?: string) => {
  const people = names.map((name) => own.account.user(email(name))!.id);
  return refuse({ method, path: new RegExp(`^/teams/\\w+/users/(${people.join('|')})$`) });
};
const shown = async () => (await own.scimify.admin.get(path())).body;
const membersOf = (team: string) =>
  own.account
    .team(team)
    ?.members.map((member) => member.email)
    .sort();
const untilTeam = (team: string, ...names: string[]) =>
  waitFor(
    `${team} to be ${names.join(', ')}`,
    () => membersOf(team)?.join(),
    (seen) => seen === emails(...names).join(),
  );
const untilSuspended = () => waitFor('a suspension', shown, ({ suspension }) => suspension !== null);
const expectNoSuspension = async () => expect((await shown()).suspension).toBeNull();
const callsOf = (status?: number) =>
  own.scimify.pagerDuty
    .calls({ status })
    .filter(({ credential }) => credential.account === own.credentialAccount);
const refusedCalls = () => callsOf(403);

describe('three people in a row whom PagerDuty refuses the credential', () => {
  it('hold up nobody who is to join the team behind them, nor anybody who is to leave it', async () => {
    await connect();
    const group = await pushed('On-call', 'ada', 'bo');
    refuseFor(ODD);
    const members = idsOf([...ODD, 'ada', 'cy', 'dee']).map((value) => ({ value }));
    await own.integration.scim.patchOperations(`/Groups/${group}`, {
      op: 'replace',
      path: 'members',
      value: members,
    });
    await untilTeam('On-call', 'ada', 'cy', 'dee');
    await own.scimify.settled(own.integration, ['partial']);
    for (const name of ODD) {
      const row = (await own.scimify.members(own.integration, group)).find(
        ({ userId }) => userId === own.users[name],
      );
      expect(row).toMatchObject({ state: 'blocked', reason: 'access_denied' });
    }
    await own.integration.scim.setActive(own.users.dee!, false);
    await untilTeam('On-call', 'ada', 'cy');
    await expectNoSuspension();
  });

  it('hold up nobody when they are tried again together with somebody new', async () => {
    await connect();
    const group = await pushed('On-call', 'ada');
    const fault = refuseFor(ODD);
    await own.integration.scim.addMembers(group, ...idsOf(ODD));
    await own.scimify.settled(own.integration, ['partial']);
    await letTimePass(own.scimify, HOUR);
    await own.integration.scim.addMembers(group, own.users.bo!);
    await untilTeam('On-call', 'ada', 'bo');
    fault.remove();
    await letTimePass(own.scimify, 7 * HOUR);
    await untilTeam('On-call', 'ada', 'bo', ...ODD);
    await own.scimify.settled(own.integration);
  });

  it('hold up nobody else who is to leave the team, when it is their removal that is refused', async () => {
    await connect();
    const group = await pushed('On-call', ...ODD, 'ada', 'bo', 'cy');
    const fault = refuseFor(ODD, 'DELETE');
    await own.integration.scim.removeMembers(group, ...idsOf([...ODD, 'ada', 'bo']));
    await untilTeam('On-call', ...ODD, 'cy');
    await expectNoSuspension();
    fault.remove();
    await own.scimify.admin.post(path(`/groups/${group}/retry`));
    await untilTeam('On-call', 'cy');
    await own.scimify.settled(own.integration);
  });

  it('hold up no leaver, when it is the removal of leavers that is refused', async () => {
    await connect();
    await pushed('On-call', ...ODD, 'ada', 'bo');
    refuseFor(ODD, 'DELETE');
    for (const name of [...ODD, 'ada']) await own.integration.scim.setActive(own.users[name]!, false);
    await untilTeam('On-call', ...ODD, 'bo');
    await expectNoSuspension();
  });

  it('in three teams of three do not suspend the integration', async () => {
    await connect();
    const teams = ['One', 'Two', 'Three'];
    const groups: string[] = [];
    for (const name of teams) groups.push(await pushed(name, 'ada'));
    refuseFor(ODD);
    for (const [index, group] of groups.entries())
      await own.integration.scim.addMembers(group, own.users[ODD[index]!]!);
    await waitFor(
      'a refusal in each',
      () => own.scimify.groups(own.integration),
      (all) => all.every(({ state, reason }) => state === 'partial' && reason === 'access_denied'),
    );
    await expectNoSuspension();
    await own.integration.scim.addMembers(groups[1]!, own.users.bo!);
    await untilTeam('Two', 'ada', 'bo');
    await expectNoSuspension();
  });
});

describe('what PagerDuty refuses of several teams', () => {
  const TEAMS = ['One', 'Two', 'Three', 'Four'];
  const push = async () => {
    const groups: Record<string, string> = {};
    for (const name of TEAMS) groups[name] = await own.integration.scim.createGroup(name, idsOf(['ada']));
    await own.scimify.settled(own.integration);
    return groups;
  };
  const ofTeams = (...names: string[]) => {
    const ids = names.map((name) => own.account.team(name)!.id);
    return new RegExp(`^/teams/(${ids.join('|')})$`);
  };

  it('their new names: no other team and no member waits for that', async () => {
    await connect();
    const groups = await push();
    refuse({ method: 'PUT', path: ofTeams('One', 'Two', 'Three') });
    for (const name of ['One', 'Two', 'Three'])
      await own.integration.scim.renameGroup(groups[name]!, `${name} new`);
    await waitFor(
      'three refusals',
      () => refusedCalls().length,
      (length) => length >= 3,
    );
    await own.integration.scim.renameGroup(groups.Four!, 'Four new');
    await own.integration.scim.addMembers(groups.One!, own.users.bo!);
    await untilTeam('Four new', 'ada');
    await untilTeam('One', 'ada', 'bo');
    await expectNoSuspension();
  });

  it('their deletion: no other one waits for that', async () => {
    await connect();
    const groups = await push();
    refuse({ method: 'DELETE', path: ofTeams('One', 'Two', 'Three') });
    for (const name of ['One', 'Two', 'Three']) await own.integration.scim.delete(`/Groups/${groups[name]}`);
    await waitFor(
      'three refusals',
      () => refusedCalls().length,
      (length) => length >= 3,
    );
    await own.integration.scim.delete(`/Groups/${groups.Four}`);
    await waitFor(
      'the team to be deleted',
      () => own.account.team('Four'),
      (team) => team === undefined,
    );
    await expectNoSuspension();
  });

  it('their creation: those behind them are created', async () => {
    await connect();
    const fault = refuse({ method: 'POST', path: '/teams', times: 3 });
    await own.scimify.admin.post(path('/pause'));
    const names = Array.from({ length: 8 }, (_, index) => `Team ${index}`);
    for (const name of names) await own.integration.scim.createGroup(name, idsOf(['ada']));
    await own.scimify.admin.post(path('/enable'));
    await waitFor(
      'the others',
      () => own.account.teams().filter(({ members }) => members.length > 0).length,
      (length) => length === names.length - 3,
    );
    expect(fault.hits()).toBe(3);
    await expectNoSuspension();
  });

  it('every member of one: it costs a few calls, and its other work and other teams go on', async () => {
    const many = Array.from({ length: 40 }, (_, index) => `person-${index}`);
    await connect(['ada', ...many]);
    const group = await pushed('One', 'ada');
    const other = await pushed('Two', 'ada');
    const fault = refuse({
      method: 'PUT',
      path: new RegExp(`^/teams/${own.account.team('One')!.id}/users/`),
    });
    await own.integration.scim.addMembers(group, ...idsOf(many));
    await own.integration.scim.addMembers(other, own.users['person-0']!);
    await own.integration.scim.renameGroup(group, 'First');
    await untilTeam('Two', 'ada', 'person-0');
    await own.scimify.settled(own.integration, ['synced', 'partial']);
    expect(own.account.team('First')).toBeDefined();
    expect(refusedCalls().length).toBeLessThan(FEW_CALLS / 3);
    const people = await own.scimify.members(own.integration, group);
    for (const { userId, reason } of people)
      expect(reason).toBe(userId === own.users.ada ? null : 'access_denied');
    await expectNoSuspension();
    fault.remove();
    await letTimePass(own.scimify, 7 * HOUR);
    await untilTeam('First', 'ada', ...many);
    await own.scimify.settled(own.integration);
  });
});

describe('a credential that may write nothing', () => {
  const many = Array.from({ length: 6 }, (_, index) => `person-${index}`);
  const TEAMS = Array.from({ length: 30 }, (_, index) => `Team ${index}`);
  const exchangeKey = (readOnly: boolean) => {
    own.scimify.pagerDuty.removeKey(own.secret);
    own.account.addApiKey({ key: own.secret, readOnly });
  };

  it('is found out by a few calls, however many teams and members there are to write to', async () => {
    await connect(['ada', ...many]);
    await own.scimify.admin.post(path('/pause'));
    const groups: string[] = [];
    for (const name of TEAMS) groups.push(await own.integration.scim.createGroup(name, idsOf(['ada'])));
    await own.scimify.admin.post(path('/enable'));
    await own.scimify.settled(own.integration);
    await own.scimify.admin.post(path('/pause'));
    for (const group of groups) await own.integration.scim.addMembers(group, ...idsOf(many));
    exchangeKey(true);
    own.scimify.pagerDuty.clearCalls();
    await own.scimify.admin.post(path('/enable'));
    const { suspension } = await untilSuspended();
    expect(suspension).toMatchObject({
      reason: 'access_denied',
      message: expect.stringContaining('read-only'),
    });
    expect(refusedCalls().length).toBeLessThan(FEW_CALLS);

    // The same is true for each probe.
    own.scimify.pagerDuty.clearCalls();
    await own.scimify.admin.post(path('/sync'));
    await waitFor(
      'a probe that failed',
      async () => ({ ...(await shown()), calls: callsOf().length }),
      ({ suspension: now, calls }) =>
        calls > 0 && now !== null && Date.parse(now.nextProbeAt) > Date.now() + 200_000,
    );
    expect(refusedCalls().length).toBeLessThan(FEW_CALLS);

    exchangeKey(false);
    await own.scimify.admin.post(path('/sync'));
    await own.scimify.settled(own.integration);
    // The run that synced the groups ends a moment after the last of them.
    await waitFor('the suspension to end', shown, ({ suspension: now }) => now === null);
    for (const name of TEAMS) expect(membersOf(name)).toHaveLength(many.length + 1);
  });

  it('is found out before any team is there, by the creations that it refuses', async () => {
    await connect(['ada']);
    await own.scimify.admin.post(path('/pause'));
    for (const name of TEAMS) await own.integration.scim.createGroup(name, idsOf(['ada']));
    exchangeKey(true);
    own.scimify.pagerDuty.clearCalls();
    await own.scimify.admin.post(path('/enable'));
    await untilSuspended();
    expect(refusedCalls().length).toBeLessThan(FEW_CALLS);
    exchangeKey(false);
    await own.scimify.admin.post(path('/sync'));
    await waitFor(
      'all teams',
      () => own.account.teams().length,
      (length) => length === TEAMS.length,
    );
  });
});
