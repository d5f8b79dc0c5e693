import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';

/** Calls that are in progress when the admin gets the response may still end: at most this many. */
const UNDER_WAY = 4;
const MEMBERS = 60;
const email = (user: number) => `user.${user}@example.com`;
const ALL = Array.from({ length: MEMBERS }, (_, user) => email(user)).sort();

describe('an integration that is stopped in the middle of a push', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];

  beforeEach(async () => {
    scimify = await Scimify.start();
    scimify.pagerDuty.addUsers(ALL.map((address) => ({ email: address })));
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    users = await integration.scim.createUsers(ALL);
    scimify.pagerDuty.inject({ latencyMs: 60 });
  });

  afterEach(() => scimify.stop());

  const path = () => `/integrations/${integration.id}`;
  const act = (verb: string) => scimify.admin.post(`${path()}/${verb}`);
  const additions = () => scimify.pagerDuty.calls({ method: 'PUT' });
  const callsSoFar = () => scimify.pagerDuty.calls().length;

  const pushOneLargeGroup = () => integration.scim.createGroup('Large', users);
  const pushManyGroups = async () => {
    const starts = Array.from({ length: MEMBERS / 5 }, (_, index) => index * 5);
    await Promise.all(
      starts.map((start) => integration.scim.createGroup(`Team ${start}`, users.slice(start, start + 5))),
    );
  };

  const untilInTheMiddle = (added = 8) =>
    waitFor('some to be added', additions, (calls) => calls.length >= added);

  /** A run that continues would make about twenty more calls in this time. */
  const runEnds = () =>
    waitFor(
      'nobody to work on it',
      async () => {
        const database = scimify.app.get<DataSource>(getDataSourceToken());
        return database.query<{ owner: string | null }[]>('SELECT owner FROM lease');
      },
      (leases) => leases.every(({ owner }) => owner === null),
    );

  const expectAlmostNoFurtherCall = async (before: number) => {
    await runEnds();
    expect(callsSoFar() - before).toBeLessThanOrEqual(UNDER_WAY);
    expect(additions().length).toBeLessThan(MEMBERS);
  };

  const everybodyIsIn = () =>
    waitFor(
      'everybody to be in',
      () => Object.values(scimify.teams()).flat().sort(),
      (emails) => JSON.stringify(emails) === JSON.stringify(ALL),
    );

  describe.each([
    ['one large group', pushOneLargeGroup],
    ['many groups', pushManyGroups],
  ])('of %s', (_, push) => {
    it.each(['pause', 'disable'])('makes no further call after "%s", and loses nothing', async (verb) => {
      await push();
      await untilInTheMiddle();
      expect((await act(verb)).status).toBe(200);
      await expectAlmostNoFurtherCall(callsSoFar());
      scimify.pagerDuty.clearFaults();
      await act('enable');
      await everybodyIsIn();
      const [shown] = await scimify.settled(integration);
      expect(shown.state).toBe('synced');
      const created = scimify.pagerDuty.calls({ method: 'POST', path: '/teams' });
      expect(created).toHaveLength(Object.keys(scimify.teams()).length);
    });

    it('calls nothing any more once it is deleted and its teams are left', async () => {
      await push();
      await untilInTheMiddle();
      expect((await scimify.admin.delete(`${path()}?teams=leave`)).status).toBe(202);
      await expectAlmostNoFurtherCall(callsSoFar());
    });
  });

  it('stops letting its teams go once it is told to leave them', async () => {
    scimify.pagerDuty.clearFaults();
    await pushOneLargeGroup();
    await everybodyIsIn();
    await scimify.settled(integration);
    scimify.pagerDuty.inject({ latencyMs: 200 });
    await scimify.admin.delete(`${path()}?teams=release`);
    const removals = () => scimify.pagerDuty.calls({ method: 'DELETE' }).length;
    await waitFor('some to be removed', removals, (count) => count >= 5);
    await scimify.admin.delete(`${path()}?teams=leave`);
    const before = callsSoFar();
    await runEnds();
    expect(callsSoFar() - before).toBeLessThanOrEqual(UNDER_WAY);
    expect(scimify.teams().Large!.length).toBeGreaterThan(MEMBERS / 2);
  });

  it('is stopped within a second where another process pauses it', async () => {
    await pushOneLargeGroup();
    await untilInTheMiddle(1);
    // This process gets no notice of the pause.
    await scimify.app
      .get(TransactionRunner)
      .run((tx) => tx.query("UPDATE integration SET mode = 'paused', revision = revision + 1"));
    const pausedAt = Date.now();
    await runEnds();
    const last = additions().at(-1)!;
    expect(last.at - pausedAt).toBeLessThan(3_000);
    expect(additions().length).toBeLessThan(MEMBERS / 2);
  });

  it('goes on with what is new after a change that stops nothing', async () => {
    await pushOneLargeGroup();
    await untilInTheMiddle();
    expect((await scimify.admin.patch(path(), { name: 'Renamed' })).status).toBe(200);
    await everybodyIsIn();
    await scimify.settled(integration);
    expect(additions().length).toBeLessThanOrEqual(MEMBERS + UNDER_WAY);
  });
});
