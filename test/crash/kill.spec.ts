import type { Simulator } from '../../simulator/simulator';
import type { HttpClient } from '../support/http';
import { Installation, adminOf, scimOf, setUp } from '../support/installation';
import { type ScimClient } from '../support/scim-client';
import { WITHOUT_GUARD } from '../support/scimify';
import type { ScimifyProcess } from '../support/scimify-process';
import { waitFor } from '../support/wait';

const GROUPS = 20;
const MEMBERS = 30;

const groupName = (group: number) => `Team ${String(group).padStart(2, '0')}`;
const email = (user: number) => `user.${String(user).padStart(3, '0')}@example.com`;
/** Each user is in three groups, so teams share users. */
const membersOf = (group: number) =>
  Array.from({ length: MEMBERS }, (_, index) => (group * 10 + index) % 200);

describe('a process that is killed on the way, while PagerDuty fails', () => {
  let installation: Installation;
  let pagerDuty: Simulator;
  let scimify: ScimifyProcess;
  let admin: HttpClient;
  let scim: ScimClient;
  let integrationId: string;
  let users: string[];
  const groups: string[] = [];

  beforeAll(async () => {
    installation = await Installation.create({ rateLimit: 1_000_000 });
    ({ pagerDuty } = installation);
    scimify = await installation.start();
    admin = adminOf(scimify);
    const { integrationId: id, scimKey } = await setUp(admin, pagerDuty.addApiKey(), WITHOUT_GUARD);
    integrationId = id;
    scim = scimOf(scimify, integrationId, scimKey);
    pagerDuty.addUsers(Array.from({ length: 200 }, (_, user) => ({ email: email(user) })));
    users = await scim.createUsers(Array.from({ length: 200 }, (_, user) => email(user)));
  }, 60_000);

  afterAll(() => installation.remove());

  const failing = () => {
    pagerDuty.inject({ probability: 0.2, seed: 1, status: 503 });
    pagerDuty.inject({ probability: 0.1, seed: 2, status: 500, afterEffect: true });
  };

  const writes = () => pagerDuty.calls().filter(({ method }) => method !== 'GET').length;

  const killAndRestart = async (before = writes()) => {
    // On MySQL the lease of a killed process has to expire first.
    await waitFor('some more calls', writes, (count) => count > before + 40, 60_000);
    await scimify.kill();
    await scimify.start();
  };

  const teams = () =>
    pagerDuty
      .teams()
      .map(({ name, members }) => ({ name, members: members.map((member) => member.email).sort() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));

  const desired = (keep: (user: number) => boolean) =>
    Array.from({ length: GROUPS }, (_, group) => ({
      name: groupName(group),
      members: membersOf(group).filter(keep).map(email).sort(),
    }));

  const synced = () =>
    waitFor(
      'every group to be synced',
      async () => {
        const { body } = await admin.get(`/integrations/${integrationId}/groups?limit=200`);
        return body.items.map(({ displayName, state, reason, message, nextAttemptAt }: any) => ({
          displayName,
          state,
          reason,
          message,
          nextAttemptAt,
        }));
      },
      (states) => states.every(({ state }: any) => state === 'synced'),
      150_000,
    );

  it('ends with PagerDuty exactly as desired and no team twice', async () => {
    failing();
    for (let group = 0; group < GROUPS; group++) {
      groups.push(
        await scim.createGroup(
          groupName(group),
          membersOf(group).map((user) => users[user]!),
        ),
      );
    }
    for (let kill = 0; kill < 3; kill++) await killAndRestart();
    pagerDuty.clearFaults();
    await synced();
    expect(teams()).toEqual(desired(() => true));
  }, 180_000);

  it('has made strangers of nobody: whom the IdP takes out of their groups leaves their teams', async () => {
    failing();
    const stays = (user: number) => user % 2 === 0;
    const before = writes();
    for (const [group, id] of groups.entries()) {
      const leaving = membersOf(group).filter((user) => !stays(user));
      await scim.removeMembers(id, ...leaving.map((user) => users[user]!));
    }
    await killAndRestart(before);
    pagerDuty.clearFaults();
    await synced();
    expect(teams()).toEqual(desired(stays));
  }, 180_000);
});
