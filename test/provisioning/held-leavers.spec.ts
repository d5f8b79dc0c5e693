import { Logger } from '@nestjs/common';
import { pino } from 'pino';
import { NestLog } from '../../src/observability/logging';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { deleteWithTeams } from './support/integration-deletion';
import { letTimePassSinceHeld } from './support/passing-time';

const email = (user: number) => `user.${user}@example.com`;
const HOUR = 60 * 60_000;
const WARN = 40;

interface Line {
  event?: string;
  [field: string]: unknown;
}

describe('whoever left the IdP and waits for a decision for more than a day', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];
  let group: string;
  const lines: Line[] = [];

  const logToHere = () => {
    const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line) as Line) });
    Logger.overrideLogger(new NestLog(log));
  };

  beforeAll(async () => {
    scimify = await Scimify.start();
    logToHere();
    scimify.pagerDuty.addUsers(Array.from({ length: 12 }, (_, user) => ({ email: email(user) })));
  });
  afterAll(() => scimify.stop());

  beforeEach(async () => {
    lines.length = 0;
    integration = await scimify.createIntegration({ authMethod: 'api_key' });
    users = await integration.scim.createUsers(Array.from({ length: 12 }, (_, user) => email(user)));
    group = await integration.scim.createGroup('On-call', users.slice(0, 10));
    await scimify.settled(integration);
    await integration.scim.removeMembers(group, ...users.slice(0, 6));
    await untilHeld(6);
  });
  afterEach(() => deleteWithTeams(scimify, integration));

  const path = (rest: string) => `/integrations/${integration.id}${rest}`;
  const held = async (): Promise<any> => (await scimify.admin.get(path('/held-changes'))).body.items[0];
  const untilHeld = (items: number) =>
    waitFor(`${items} to be held`, held, (one) => one?.itemCount === items);
  const shown = async () => (await scimify.admin.get(path(`/groups/${group}`))).body;
  const figure = async () => (await scimify.admin.get(path('/overview'))).body.leaversAwaitingDecision;
  const reasonOf = async (user: number) =>
    (await scimify.members(integration, group)).find(({ userId }) => userId === users[user])?.reason;
  const told = () =>
    lines.filter(
      ({ event, integrationId }) =>
        event === 'held_change.leavers_waiting' && integrationId === integration.id,
    );
  const audited = async (): Promise<any[]> =>
    (
      await scimify.admin.get(
        `/tenants/${integration.tenantId}/audit-events?action=held_change.leavers_waiting`,
      )
    ).body.items;
  const untilTold = (people: number) =>
    waitFor(`${people} to be counted`, figure, (count) => count === people);
  /**
   * Waits until a later leaver is announced. A leaver who is announced each time would be announced again by then.
   */
  const oneMoreIsTold = async (user: number, people: number) => {
    await integration.scim.setActive(users[user]!, false);
    await untilHeldOf(user);
    await letTimePassSinceHeld(scimify, 25 * HOUR);
    await untilTold(people);
  };
  const untilHeldOf = (user: number) =>
    waitFor(
      'the leaver to be held',
      () => reasonOf(user),
      (reason) => reason === 'mass_change_held',
    );

  it('is an alert: a line in the log, an event, a figure, and a reason of group and member, each once', async () => {
    await integration.scim.setActive(users[0]!, false);
    await integration.scim.delete(`/Users/${users[1]}`);
    await scimify.settled(integration, ['held']);
    await letTimePassSinceHeld(scimify, 23 * HOUR);
    expect([await figure(), await reasonOf(0), (await shown()).reason]).toEqual([
      0,
      'mass_change_held',
      'mass_change_held',
    ]);
    await letTimePassSinceHeld(scimify, 2 * HOUR);
    await untilTold(2);
    const change = await held();
    const detail = { scope: 'team', groupId: group, displayName: 'On-call', people: 2 };
    expect(await audited()).toMatchObject([{ target: { type: 'held_change', id: change.id }, detail }]);
    expect(told()).toMatchObject([
      {
        level: WARN,
        msg: expect.stringContaining('has kept leavers in their teams'),
        heldChangeId: change.id,
        people: 2,
      },
    ]);
    expect(await shown()).toMatchObject({
      state: 'held',
      reason: 'leaver_waits_for_decision',
      message: expect.stringMatching(/more than a day.*held-changes.* Not done for this person and 1 more$/),
    });
    expect([await reasonOf(0), await reasonOf(1), await reasonOf(2)]).toEqual([
      'leaver_waits_for_decision',
      'leaver_waits_for_decision',
      'mass_change_held',
    ]);

    await scimify.restart();
    logToHere();
    integration.scim = scimify.scimWith(integration.id, integration.scimKey);
    await oneMoreIsTold(6, 3);
    expect((await audited()).map(({ detail: { people } }) => people)).toEqual([1, 2]);
    expect(told().map(({ people }) => people)).toEqual([2, 1]);

    await scimify.admin.post(`/held-changes/${change.id}/approve`, { revision: (await held()).revision });
    await untilTold(0);
    await waitFor(
      'them to leave',
      () => scimify.teams()['On-call']!,
      ({ length }) => length === 3,
    );
    expect(await shown()).not.toMatchObject({ reason: 'leaver_waits_for_decision' });
    expect(told()).toHaveLength(2);
  });

  it('is none of those whom the IdP has again, nor whom an admin keeps', async () => {
    for (const user of [0, 1]) await integration.scim.setActive(users[user]!, false);
    await letTimePassSinceHeld(scimify, 25 * HOUR);
    await untilTold(2);
    await integration.scim.setActive(users[0]!, true);
    await letTimePassSinceHeld(scimify, 2 * HOUR);
    await untilTold(1);
    expect(await reasonOf(0)).toBe('mass_change_held');
    await scimify.admin.post(`/held-changes/${(await held()).id}/reject`);
    await untilTold(0);
    expect(await reasonOf(1)).toBe('removal_rejected');
    expect(told()).toHaveLength(1);
  });

  it('is told while the integration is paused, too', async () => {
    await scimify.admin.post(path('/pause'));
    await integration.scim.setActive(users[0]!, false);
    await letTimePassSinceHeld(scimify, 25 * HOUR);
    await untilTold(1);
    expect(told()).toHaveLength(1);
  });
});
