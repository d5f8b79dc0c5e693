import type { FaultSpec, SimAccount } from '../../simulator/simulator';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { addressIn, ownAccount } from './support/own-account';
import { letTimePass, letTimePassSinceCreations } from './support/passing-time';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const NAMES = ['ada', 'bo', 'cy', 'dee', 'eve', 'fay', 'gus', 'hal'];

describe('a person whose addition PagerDuty answers with 404 although team and person are there', () => {
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

  beforeEach(async () => {
    worlds += 1;
    ({ account, integration, users } = await ownAccount(scimify, {
      tenantId,
      subdomain: `acme-${worlds}`,
      people: NAMES,
      policies: WITHOUT_GUARD,
    }));
    group = await integration.scim.createGroup('On-call', [users.ada!]);
    await scimify.settled(integration);
    await letTimePassSinceCreations(scimify, 3 * MINUTE);
    scimify.pagerDuty.clearCalls();
  });
  afterEach(async () => {
    scimify.pagerDuty.clearFaults();
    await scimify.admin.post(`/integrations/${integration.id}/disable`);
  });

  const email = (name: string) => addressIn(`acme-${worlds}`, name);
  const personOf = (name: string) => account.user(email(name))!.id;
  const inTeam = () =>
    account
      .team('On-call')!
      .members.map(({ email: address }) => address.split('@')[0])
      .sort()
      .join();
  const fail = (fault: FaultSpec) =>
    scimify.pagerDuty.inject({ ...fault, account: `us.${account.subdomain}` });
  const notFound = (...names: string[]) =>
    fail({
      method: 'PUT',
      path: new RegExp(`^/teams/\\w+/users/(${names.map(personOf).join('|')})$`),
      status: 404,
    });
  const idsOf = (...names: string[]) => names.map((name) => users[name]!);
  const member = async (name: string) =>
    (await scimify.members(integration, group)).find(({ userId }) => userId === users[name]);
  const untilMember = (name: string, what: string, isSo: (shown: any) => boolean) =>
    waitFor(
      what,
      () => member(name),
      (shown) => Boolean(shown && isSo(shown)),
    );
  const untilInTeam = (...names: string[]) =>
    waitFor(`the team to be ${names.join()}`, inTeam, (seen) => seen === names.join());
  const calls = () =>
    scimify.pagerDuty.calls().filter(({ credential }) => credential.account === `us.${account.subdomain}`);
  const untilTried = (fault: { hits(): number }, times: number) =>
    waitFor(
      `call ${times}`,
      () => fault.hits(),
      (hits) => hits >= times,
    );
  const failures = async () =>
    (
      await scimify.admin.get(
        `/tenants/${tenantId}/audit-events?integrationId=${integration.id}&action=team_member.added&outcome=failed&limit=200`,
      )
    ).body.items as any[];

  const untilUnseen = () =>
    untilMember(
      'bo',
      'bo to wait to be seen',
      ({ reason, nextAttemptAt }) => reason === 'not_visible_yet' && Date.parse(nextAttemptAt) > Date.now(),
    );
  const untilRefused = async () => {
    await untilUnseen();
    await letTimePass(scimify, 2 * MINUTE);
    return untilMember('bo', 'bo to be refused', ({ reason }) => reason === 'addition_not_found');
  };

  it('is asked for at longer and longer intervals for two minutes, then refused with a reason of their own', async () => {
    const fault = notFound('bo');
    await integration.scim.addMembers(group, users.bo!);
    const startedAt = Date.now();
    const waits: number[] = [];
    for (let tried = 1; ; tried++) {
      await untilTried(fault, tried);
      const shown = await untilMember(
        'bo',
        'the next attempt',
        ({ nextAttemptAt }) => Date.parse(nextAttemptAt) > Date.now() + SECOND,
      );
      const wait = Date.parse(shown.nextAttemptAt) - Date.now();
      if (shown.reason !== 'not_visible_yet') {
        expect(shown).toMatchObject({ state: 'blocked', reason: 'addition_not_found' });
        expect(shown.message).toContain('shows both the team and the user');
        expect(wait).toBeGreaterThan(HOUR - MINUTE);
        expect(wait).toBeLessThanOrEqual(HOUR);
        break;
      }
      expect(shown.state).toBe('pending');
      waits.push(wait);
      await letTimePass(scimify, wait);
    }
    expect(waits.length).toBeLessThan(9);
    const inAll = waits.reduce((sum, wait) => sum + wait, 0);
    expect(inAll).toBeLessThanOrEqual(2 * MINUTE);
    expect(inAll + Date.now() - startedAt).toBeGreaterThanOrEqual(2 * MINUTE);
    await scimify.settled(integration, ['partial']);
    const [shown] = await scimify.groups(integration);
    expect(shown).toMatchObject({
      reason: 'addition_not_found',
      members: { desired: 2, applied: 1, pending: 1 },
    });
  });

  it('is tried again after an hour, then every six, with one call to add them, and joins once that works', async () => {
    const fault = notFound('bo');
    await integration.scim.addMembers(group, users.bo!);
    await untilRefused();
    for (const [passed, next] of [
      [HOUR, 6 * HOUR],
      [6 * HOUR, 6 * HOUR],
    ] as const) {
      const before = fault.hits();
      await letTimePass(scimify, passed);
      await untilTried(fault, before + 1);
      const shown = await untilMember(
        'bo',
        'the next attempt',
        ({ reason, nextAttemptAt }) =>
          reason === 'addition_not_found' && Date.parse(nextAttemptAt) > Date.now() + MINUTE,
      );
      const wait = Date.parse(shown.nextAttemptAt) - Date.now();
      expect(wait).toBeGreaterThan(next - MINUTE);
      expect(wait).toBeLessThanOrEqual(next);
      await scimify.settled(integration, ['partial']);
      expect(fault.hits()).toBe(before + 1);
    }
    fault.hits();
    scimify.pagerDuty.clearFaults();
    await letTimePass(scimify, 6 * HOUR);
    await untilInTeam('ada', 'bo');
    await scimify.settled(integration);
  });

  it('holds up none of the others, be they few or many', async () => {
    const sick = ['bo', 'cy', 'dee', 'eve', 'fay'];
    notFound(...sick);
    await integration.scim.addMembers(group, ...idsOf(...sick, 'gus', 'hal'));
    await untilInTeam('ada', 'gus', 'hal');
    expect(calls().filter(({ method, status }) => method === 'PUT' && status === 404)).toHaveLength(
      sick.length,
    );
    await integration.scim.removeMembers(group, users.gus!);
    await integration.scim.setActive(users.hal!, false);
    await untilInTeam('ada', 'gus');
  });

  it('keeps whom they replace in the team for these two minutes and no longer', async () => {
    notFound('bo');
    await integration.scim.patchOperations(
      `/Groups/${group}`,
      { op: 'add', path: 'members', value: [{ value: users.bo }] },
      { op: 'remove', path: `members[value eq "${users.ada}"]` },
    );
    await untilMember('ada', 'ada to wait', ({ reason }) => reason === 'waits_for_additions');
    expect(inTeam()).toBe('ada');
    // It may be put off again and again, up to a quarter of an hour.
    await scimify.app
      .get(TransactionRunner)
      .run((tx) =>
        tx.query("UPDATE remote_member SET nextAttemptAt = ? WHERE reason = 'waits_for_additions'", [
          Date.now() + 15 * MINUTE,
        ]),
      );
    await untilRefused();
    await untilInTeam();
    await scimify.settled(integration, ['partial']);
  });

  it('says of a team that was just made that it takes nobody yet, so that three calls in a row are enough', async () => {
    notFound(...NAMES);
    const fresh = await integration.scim.createGroup('Fresh', idsOf(...NAMES));
    const teamId = await waitFor('the team', () => account.team('Fresh')?.id, Boolean);
    const additions = () => calls().filter(({ method, path }) => method === 'PUT' && path.includes(teamId!));
    const shown = () => scimify.members(integration, fresh);
    await waitFor('everybody to wait', shown, (all) =>
      all.every(({ reason }) => reason === 'not_visible_yet'),
    );
    expect(additions()).toHaveLength(3);
    scimify.pagerDuty.clearFaults();
    await letTimePass(scimify, 5 * SECOND);
    await scimify.settled(integration);
    expect(additions()).toHaveLength(3 + NAMES.length);
  });

  it('who joins within the two minutes was only not shown yet', async () => {
    const fault = notFound('bo');
    await integration.scim.addMembers(group, users.bo!);
    await untilTried(fault, 1);
    await untilMember('bo', 'bo to wait', ({ reason }) => reason === 'not_visible_yet');
    scimify.pagerDuty.clearFaults();
    await letTimePass(scimify, 5 * SECOND);
    await untilInTeam('ada', 'bo');
    await scimify.settled(integration);
  });

  it('is told of in one audit event for each reason and request, which counts the attempts', async () => {
    const fault = notFound('bo');
    await integration.scim.addMembers(group, users.bo!);
    const { nextAttemptAt } = await untilUnseen();
    await letTimePass(scimify, Date.parse(nextAttemptAt) - Date.now());
    await untilTried(fault, 2);
    await untilRefused();
    await letTimePass(scimify, HOUR);
    await untilTried(fault, 4);
    await scimify.settled(integration, ['partial']);
    const events = await waitFor(
      'every attempt to be counted',
      failures,
      (items) => items.reduce((sum, { attempts }) => sum + attempts, 0) === 4,
    );
    expect(events.map(({ detail, attempts }) => [detail.reason, attempts])).toEqual([
      ['addition_not_found', 2],
      ['not_visible_yet', 2],
    ]);
    const [refused, unseen] = events;
    expect(refused).toMatchObject({ detail: { remoteUserId: personOf('bo'), userIds: [users.bo] } });
    expect(Date.parse(refused.lastAt)).toBeGreaterThan(Date.parse(refused.at));
    expect(refused.requestId).toBe(unseen.requestId);

    await integration.scim.removeMembers(group, users.bo!);
    await integration.scim.addMembers(group, users.bo!);
    const [anew, ...before] = await waitFor(
      'the other request to be told',
      failures,
      ({ length }) => length === 3,
    );
    expect(anew).toMatchObject({ attempts: 1, lastAt: anew.at });
    expect(anew.requestId).not.toBe(refused.requestId);
    expect(before).toEqual(events);
  });
});

describe('an attempt that fails again and again', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];
  const addresses = ['ada@example.com', 'bo@example.com'];

  beforeAll(async () => {
    scimify = await Scimify.start();
    for (const address of addresses) scimify.pagerDuty.addUser({ email: address });
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    users = await integration.scim.createUsers(addresses);
  });
  afterAll(() => scimify.stop());
  afterEach(() => scimify.pagerDuty.clearFaults());

  const untilGroup = async (group: string, state: string) =>
    waitFor(
      `the group to be ${state}`,
      async () => (await scimify.admin.get(`/integrations/${integration.id}/groups/${group}`)).body,
      (shown) => shown.state === state,
    );
  const events = async (action: string, targetId: string) =>
    (
      await scimify.admin.get(
        `/tenants/${integration.tenantId}/audit-events?action=${action}&targetId=${targetId}&limit=200`,
      )
    ).body.items as any[];

  it('to remove somebody is one audit event with a count until the person has left', async () => {
    const group = await integration.scim.createGroup('Kept', users);
    await untilGroup(group, 'synced');
    const team = scimify.pagerDuty.team('Kept')!.id;
    const bo = scimify.pagerDuty.user(addresses[1]!)!.id;
    scimify.pagerDuty.associate(team, 'Escalation Policies', { userIds: [bo] });
    await integration.scim.removeMembers(group, users[1]!);
    for (const attempts of [1, 2, 3]) {
      const [event] = await waitFor(
        `${attempts} attempts`,
        async () => await events('team_member.removed', group),
        ([first]) => first?.attempts === attempts,
      );
      expect(event).toMatchObject({ outcome: 'failed', detail: { reason: 'member_on_escalation_policy' } });
      await untilGroup(group, 'partial');
      if (attempts < 3) await letTimePass(scimify, 6 * HOUR);
    }
    scimify.pagerDuty.dissociate(team, 'Escalation Policies');
    await letTimePass(scimify, 6 * HOUR);
    await untilGroup(group, 'synced');
    const told = (await events('team_member.removed', group)).map(({ outcome, attempts }) => [
      outcome,
      attempts,
    ]);
    expect(told).toEqual([
      ['succeeded', 1],
      ['failed', 3],
    ]);
  });

  it('to rename a team is one audit event with a count until it has its name', async () => {
    const group = await integration.scim.createGroup('First', users);
    await untilGroup(group, 'synced');
    const path = `/teams/${scimify.pagerDuty.team('First')!.id}`;
    const refuse = () =>
      scimify.pagerDuty.inject({ method: 'PUT', path, status: 400, body: { error: { message: 'No' } } });
    const rename = (displayName: string) =>
      integration.scim.patchOperations(`/Groups/${group}`, { op: 'replace', value: { displayName } });
    refuse();
    await rename('Second');
    for (const attempts of [1, 2, 3]) {
      await waitFor(
        `${attempts} attempts`,
        () => events('team.renamed', group),
        ([first]) => first?.attempts === attempts,
      );
      await untilGroup(group, 'partial');
      if (attempts < 3) await letTimePass(scimify, 6 * HOUR);
    }
    scimify.pagerDuty.clearFaults();
    await letTimePass(scimify, 6 * HOUR);
    await untilGroup(group, 'synced');
    expect((await events('team.renamed', group)).map(({ outcome, attempts }) => [outcome, attempts])).toEqual(
      [
        ['succeeded', 1],
        ['failed', 3],
      ],
    );
  });
});
