import { Logger } from '@nestjs/common';
import { pino } from 'pino';
import { NestLog } from '../../src/observability/logging';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';

const NAMES = ['ada', 'bo', 'cy', 'dee', 'eve', 'fay', 'gus', 'hal'];
const WARN = 40;
const INFO = 30;

interface Line {
  level: number;
  msg: string;
  event?: string;
  [field: string]: unknown;
}

describe('the log says when it happens, once and with no people in it,', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let key: string;
  let users: Record<string, string>;
  const lines: Line[] = [];

  beforeAll(async () => {
    scimify = await Scimify.start();
    const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line) as Line) });
    Logger.overrideLogger(new NestLog(log));
    scimify.pagerDuty.addUsers(NAMES.map((name) => ({ email: email(name) })));
    for (const name of ['First', 'Second']) scimify.pagerDuty.addTeam({ name });
  });
  afterAll(() => scimify.stop());

  beforeEach(async () => {
    lines.length = 0;
    key = scimify.pagerDuty.addApiKey();
    const tenantId = await scimify.createTenant('Acme "Nord"');
    const options = { authMethod: 'api_key', secret: key, tenantId, enable: false } as const;
    integration = await scimify.createIntegration(options);
    const ids = await integration.scim.createUsers(NAMES.map(email));
    users = Object.fromEntries(NAMES.map((name, index) => [name, ids[index]!]));
  });
  afterEach(async () => {
    await scimify.admin.delete(path('?teams=leave'));
    // Readers of logs need not know who works where.
    const text = JSON.stringify(lines);
    for (const name of NAMES) {
      for (const told of [email(name), users[name]!, scimify.pagerDuty.user(email(name))!.id]) {
        expect(text).not.toContain(told);
      }
    }
  });

  const email = (name: string) => `${name}@people.example`;
  const path = (rest = '') => `/integrations/${integration.id}${rest}`;
  const act = async (verb: string) =>
    expect((await scimify.admin.post(path(`/${verb}`))).status).toBeLessThan(300);
  const push = (group: string, ...names: string[]) =>
    integration.scim.createGroup(
      group,
      names.map((name) => users[name]!),
    );
  const told = (event: string) =>
    lines.filter((line) => line.event === event && line['integrationId'] === integration.id);
  const untilTold = (event: string) =>
    waitFor(
      `a line of ${event}`,
      () => told(event),
      ({ length }) => length > 0,
    );
  const expectTold = (event: string, level: number, text: string | RegExp, more: object = {}) => {
    expect(told(event)).toEqual([
      {
        level,
        time: expect.any(Number),
        context: 'Integrations',
        msg: expect.stringMatching(text),
        event,
        tenantId: integration.tenantId,
        tenant: 'Acme "Nord"',
        integrationId: integration.id,
        integration: 'PagerDuty',
        ...more,
      },
    ]);
    expect(told(event)[0]!.msg).toContain('Integration "PagerDuty" of tenant "Acme \\"Nord\\"" ');
  };

  it('that an integration is enabled, paused, disabled and deleted, at info', async () => {
    for (const [verb, mode] of [
      ['enable', 'enabled'],
      ['pause', 'paused'],
      ['disable', 'disabled'],
    ] as const) {
      // A request for the current mode is no news.
      for (let time = 0; time < 2; time++) await act(verb);
      expectTold(`integration.${mode}`, INFO, new RegExp(`is ${mode}$`));
    }
    await scimify.admin.delete(path('?teams=leave'));
    await untilTold('integration.deleted');
    expectTold('integration.deleted', INFO, /is deleted$/);
  });

  it('that one is in step for the first time, at info', async () => {
    await act('enable');
    await push('First', 'ada', 'bo');
    await scimify.settled(integration);
    await untilTold('integration.first_synced');
    await integration.scim.addMembers(await push('Second', 'ada'), users.cy!);
    await scimify.settled(integration);
    await act('sync');
    await scimify.settled(integration);
    expectTold('integration.first_synced', INFO, /is in step for the first time$/, { synced: 1, waiting: 0 });
  });

  it('that one is suspended, however often it is probed, and that it resumes, at warn', async () => {
    await act('enable');
    await push('Third', 'ada');
    await scimify.settled(integration);
    scimify.pagerDuty.disableKey(key);
    await push('Other', 'bo');
    await untilTold('integration.suspended');
    scimify.pagerDuty.clearCalls();
    await act('sync');
    await waitFor(
      'another probe to fail',
      () => scimify.pagerDuty.calls(),
      ({ length }) => length > 0,
    );
    await act('sync');
    expectTold('integration.suspended', WARN, /is suspended: unauthorized$/, { reason: 'unauthorized' });
    expect(told('integration.resumed')).toEqual([]);
    scimify.pagerDuty.removeKey(key);
    scimify.pagerDuty.addApiKey({ key });
    await act('sync');
    await scimify.settled(integration);
    await untilTold('integration.resumed');
    expectTold('integration.resumed', WARN, /resumes; it was suspended: unauthorized$/, {
      reason: 'unauthorized',
    });
    expectTold('integration.suspended', WARN, /is suspended/, { reason: 'unauthorized' });
  });

  it('that one holds changes, however many come to them, at warn', async () => {
    await act('enable');
    const group = await push('Held', ...NAMES);
    await scimify.settled(integration);
    await integration.scim.removeMembers(group, ...NAMES.slice(0, 6).map((name) => users[name]!));
    await scimify.settled(integration, ['held']);
    await integration.scim.removeMembers(group, users.gus!);
    await waitFor(
      'one more to be held',
      () => scimify.members(integration, group),
      (members) => members.filter(({ reason }) => reason === 'mass_change_held').length === 7,
    );
    const [held] = (await scimify.admin.get(path('/held-changes'))).body.items;
    expectTold('held_change.opened', WARN, /holds removals until an admin decides$/, {
      heldChangeId: held.id,
      scope: 'team',
    });
  });

  it('that one keeps a leaver, however often their removal is tried, at warn', async () => {
    await act('enable');
    const group = await push('Policy', 'ada', 'bo', 'cy');
    await scimify.settled(integration);
    const person = scimify.pagerDuty.user(email('ada'))!.id;
    const team = scimify.pagerDuty.team('Policy')!.id;
    scimify.pagerDuty.associate(team, 'Escalation Policies', { userIds: [person] });
    const tries = () => scimify.pagerDuty.calls({ method: 'DELETE', path: `/teams/${team}/users/${person}` });
    // A user that only left the group is no leaver yet.
    await integration.scim.removeMembers(group, users.ada!);
    await scimify.settled(integration, ['partial']);
    expect(told('leaver_still_on_team')).toEqual([]);
    await integration.scim.setActive(users.ada!, false);
    await act('sync');
    await untilTold('leaver_still_on_team');
    const before = tries().length;
    await act('sync');
    await waitFor(
      'another try',
      () => tries().length,
      (count) => count > before,
    );
    await scimify.settled(integration, ['partial']);
    expectTold(
      'leaver_still_on_team',
      WARN,
      /has a team that still contains a user who left the IdP: member_on_escalation_policy$/,
      {
        groupId: group,
        people: 1,
        reason: 'member_on_escalation_policy',
      },
    );
  });

  it('that a leaver stays whose removal fails for the third time in a row, at warn', async () => {
    await act('enable');
    const group = await push('Failing', 'ada', 'bo', 'cy');
    await scimify.settled(integration);
    const person = (name: string) => scimify.pagerDuty.user(email(name))!.id;
    const team = scimify.pagerDuty.team('Failing')!.id;
    const fail = (name: string, times?: number) =>
      scimify.pagerDuty.inject({
        ...{ method: 'DELETE', path: `/teams/${team}/users/${person(name)}`, status: 500 },
        ...(times === undefined ? {} : { times }),
      });
    // This failure is temporary.
    fail('bo', 2);
    await integration.scim.setActive(users.bo!, false);
    await scimify.settled(integration);
    expect(told('leaver_still_on_team')).toEqual([]);
    const fault = fail('ada');
    await integration.scim.setActive(users.ada!, false);
    await untilTold('leaver_still_on_team');
    expect(fault.hits()).toBeGreaterThanOrEqual(3);
    await act('sync');
    await waitFor('another try', fault.hits, (hits) => hits > 3);
    fault.remove();
    await act('sync');
    await scimify.settled(integration);
    expectTold(
      'leaver_still_on_team',
      WARN,
      /has a team that still contains a user who left the IdP: [a-z_]+$/,
      {
        groupId: group,
        people: 1,
        reason: expect.any(String),
      },
    );
  });
});
