import { v7 as uuid } from 'uuid';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { DEFAULT_GUARD } from '../../src/integrations/policies';
import { RemovalScreen, type ScreenedGroup } from '../../src/provisioning/guard/removal-screen';
import fc from '../support/properties';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { deleteWithTeams } from './support/integration-deletion';

const email = (user: number) => `user.${user}@example.com`;
const AN_HOUR_AND_MORE = 61 * 60_000;

describe('the guard against mass changes counts whom a team has lost,', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
    scimify.pagerDuty.addUsers(Array.from({ length: 20 }, (_, user) => ({ email: email(user) })));
  });
  afterAll(() => scimify.stop());

  describe('of a group', () => {
    let integration: TestIntegration;
    let users: string[];
    let group: string;

    afterEach(async () => {
      scimify.pagerDuty.clearFaults();
      await deleteWithTeams(scimify, integration);
    });

    const connect = async (members: number, guard: object = {}) => {
      integration = await scimify.createIntegration({ authMethod: 'api_key', policies: { guard } });
      users = await integration.scim.createUsers(Array.from({ length: 20 }, (_, user) => email(user)));
      group = await integration.scim.createGroup('On-call', users.slice(0, members));
      await scimify.settled(integration);
    };
    const act = (verb: string) => scimify.admin.post(`/integrations/${integration.id}/${verb}`);
    const plan = async () => (await scimify.admin.get(`/integrations/${integration.id}/plan`)).body.groups[0];
    const heldChanges = async (): Promise<any[]> =>
      (await scimify.admin.get(`/integrations/${integration.id}/held-changes`)).body.items;
    const left = (...out: number[]) =>
      users
        .map((_, user) => user)
        .filter((user) => !out.includes(user))
        .map(email);
    const untilIn = (...members: number[]) =>
      waitFor(
        `${members.join()} to be the team`,
        () => scimify.teams()['On-call']!,
        (emails) => emails.join() === members.map(email).sort().join(),
      );
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
    const take = (...out: number[]) =>
      integration.scim.removeMembers(group, ...out.map((user) => users[user]!));
    const put = (...back: number[]) =>
      integration.scim.addMembers(group, ...back.map((user) => users[user]!));

    it('and not how often it loses one of two', async () => {
      await connect(2);
      for (let time = 0; time < 4; time++) {
        await take(0);
        await untilIn(1);
        await put(0);
        await untilIn(0, 1);
      }
      await act('pause');
      await take(0);
      expect((await plan()).counts).toMatchObject({ remove: 1, held: 0 });
      await act('enable');
      await untilIn(1);
      expect(await heldChanges()).toEqual([]);
    });

    it('and of an integration which memberships, not how often they end', async () => {
      await connect(10, { integrationMembers: 3, integrationPercent: 20, teamPercent: 0 });
      for (let time = 0; time < 4; time++) {
        await take(0);
        await untilIn(...range(1, 10));
        await put(0);
        await untilIn(...range(0, 10));
      }
      await take(0, 1);
      await untilIn(...range(2, 10));
      await take(2);
      await waitFor('the third to be held', heldChanges, ([change]) => change?.itemCount === 1);
      expect(await heldChanges()).toMatchObject([{ scope: 'integration' }]);
    });

    it('whoever has come back meanwhile', async () => {
      await connect(10);
      await take(...range(0, 5));
      await untilIn(...range(5, 10));
      await put(0, 1);
      await untilIn(0, 1, ...range(5, 10));
      // Whether the same two leave or two others, five members are gone.
      await take(5, 6);
      await untilIn(0, 1, 7, 8, 9);
      await act('pause');
      await take(0);
      expect((await plan()).counts).toMatchObject({ remove: 0, held: 1 });
      await act('enable');
      await scimify.settled(integration, ['held']);
      expect(scimify.teams()['On-call']).toEqual(left(...range(2, 7), ...range(10, 20)));
    });

    it('also whom the IdP has put back, as long as PagerDuty does not take them', async () => {
      await connect(10);
      await take(...range(0, 5));
      await untilIn(...range(5, 10));
      const fault = scimify.pagerDuty.inject({ method: 'PUT', path: /^\/teams\/\w+\/users\//, status: 503 });
      await put(...range(0, 5));
      await waitFor('a failure', fault.hits, (hits) => hits > 0);
      await integration.scim.setActive(users[5]!, false);
      await waitFor('the leaver to be held', heldChanges, ([change]) => change?.itemCount === 1);
      expect(scimify.teams()['On-call']).toEqual(range(5, 10).map(email));
    });

    it('and no longer those who come back with the change that takes others out', async () => {
      await connect(10);
      await take(...range(0, 5));
      await untilIn(...range(5, 10));
      await act('pause');
      await put(...range(0, 5));
      await take(...range(5, 10));
      expect((await plan()).counts).toMatchObject({ add: 5, remove: 5, held: 0 });
      await act('enable');
      await untilIn(...range(0, 5));
      expect(await heldChanges()).toEqual([]);
    });
  });

  /**
   * The guard's definition: of all members of an hour ago, it counts those that are gone and those that are to
   * leave.
   */
  class Model {
    readonly present: Set<string>;
    gone = new Set<string>();
    readonly held = new Set<string>();

    constructor(members: readonly string[]) {
      this.present = new Set(members);
    }

    takes(person: string): boolean {
      const start = this.present.size + this.gone.size;
      const lost = this.gone.size + this.held.size + 1;
      const isTooMuch = lost >= 5 && lost * 2 > start;
      const isEmptied = start >= 3 && lost >= start;
      if (isTooMuch || isEmptied) {
        this.held.add(person);
        return false;
      }
      this.present.delete(person);
      this.gone.add(person);
      return true;
    }

    putBack(person: string): void {
      this.gone.delete(person);
      this.held.delete(person);
      this.present.add(person);
    }
  }

  it('however they are taken out and put back, in this hour and the next', async () => {
    const transactions = scimify.app.get(TransactionRunner);
    const screen = scimify.app.get(RemovalScreen);
    const person = fc.nat({ max: 11 });
    const deed = fc.oneof(
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('take' as const), person }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('put back' as const), person }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('an hour passes' as const), person }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 12 }),
        fc.array(deed, { maxLength: 40 }),
        async (size, deeds) => {
          const members = Array.from({ length: size }, (_, index) => `P${index}`);
          const model = new Model(members);
          const team: ScreenedGroup = {
            integrationId: uuid(),
            groupId: uuid(),
            remoteGroupId: uuid(),
            displayName: 'On-call',
            policy: { ...DEFAULT_GUARD, integrationPercent: 0 },
          };
          const join = (remoteUserId: string, joinedAt: number | null) =>
            transactions.run((tx) =>
              tx.query(
                `INSERT INTO remote_member (remoteGroupId, remoteUserId, state, managed, preexisting, attempts, joinedAt)
                 VALUES (?, ?, 'present', 1, 0, 0, ?)`,
                [team.remoteGroupId, remoteUserId, joinedAt],
              ),
            );
          await transactions.run((tx) =>
            tx.query(
              `INSERT INTO remote_group (id, integrationId, groupId, groupName, appliedGeneration, state, attempts,
                 nameAttempts, writeSeq) VALUES (?, ?, ?, 'On-call', 1, 'synced', 0, 0, 0)`,
              [team.remoteGroupId, team.integrationId, team.groupId],
            ),
          );
          for (const member of members) await join(member, null);
          for (const { kind, person: index } of deeds) {
            const one = members[index % size]!;
            if (kind === 'take' && model.present.has(one) && !model.held.has(one)) {
              const passed = await transactions.run(async (tx) => {
                const allowed = await screen.removals(tx, team, [one], []);
                await tx.query(
                  `DELETE FROM remote_member WHERE remoteGroupId = ? AND remoteUserId = ?`,
                  allowed.length > 0 ? [team.remoteGroupId, one] : ['', ''],
                );
                return allowed.length > 0;
              });
              expect(passed).toBe(model.takes(one));
            }
            if (kind === 'put back' && (model.gone.has(one) || model.held.has(one))) {
              await transactions.run((tx) => screen.wantedAgain(tx, team.groupId, [one]));
              if (model.gone.has(one)) await join(one, Date.now());
              model.putBack(one);
            }
            if (kind === 'an hour passes') {
              await transactions.run(async (tx) => {
                for (const [table, column] of [
                  ['guard_event', 'at'],
                  ['guard_event', 'joinedAt'],
                  ['remote_member', 'joinedAt'],
                ]) {
                  await tx.query(
                    `UPDATE ${table} SET ${column} = ${column} - ${AN_HOUR_AND_MORE} WHERE remoteGroupId = ?`,
                    [team.remoteGroupId],
                  );
                }
              });
              model.gone = new Set();
            }
          }
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);
});
