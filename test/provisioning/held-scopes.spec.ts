import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { deleteWithTeams } from './support/integration-deletion';
import { letTimePassSinceHeld } from './support/passing-time';

const AN_HOUR_AND_MORE = 61 * 60_000;

const email = (user: number) => `user.${user}@example.com`;

describe('what is held', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: string[];

  beforeAll(async () => {
    scimify = await Scimify.start();
    scimify.pagerDuty.addUsers(Array.from({ length: 24 }, (_, user) => ({ email: email(user) })));
  });
  afterAll(() => scimify.stop());
  afterEach(() => deleteWithTeams(scimify, integration));

  const connect = async (guard: object) => {
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: { guard } });
    users = await integration.scim.createUsers(Array.from({ length: 24 }, (_, user) => email(user)));
  };
  const path = (rest: string) => `/integrations/${integration.id}${rest}`;
  const act = (verb: string) => scimify.admin.post(path(`/${verb}`));
  const heldChanges = async (): Promise<any[]> => (await scimify.admin.get(path('/held-changes'))).body.items;
  const untilHeld = (count: number) =>
    waitFor(`${count} items to be held`, heldChanges, (changes) => itemsIn(changes) === count);
  const itemsIn = (changes: any[]) => changes.reduce((sum, { itemCount }) => sum + itemCount, 0);
  const planned = async (group: string) =>
    (await scimify.admin.get(path('/plan'))).body.groups.find((one: any) => one.groupId === group);
  const size = (team: string) => scimify.teams()[team]?.length;
  const untilLeft = (team: string, members: number | undefined) =>
    waitFor(
      `${members} to be left in ${team}`,
      () => size(team),
      (left) => left === members,
    );

  /** The group's plan while the integration is paused. Then the integration continues. */
  const planOf = async (group: string, change: () => Promise<unknown>) => {
    await act('pause');
    await change();
    const plan = await planned(group);
    await act('enable');
    return plan;
  };

  it('by too many deletions are deletions, and whoever leaves another team leaves it', async () => {
    await connect({ deletedTeams: 2 });
    const doomed: string[] = [];
    for (const name of ['One', 'Two', 'Three', 'Four']) {
      doomed.push(await integration.scim.createGroup(name, users.slice(0, 3)));
    }
    const group = await integration.scim.createGroup('Healthy', users.slice(10, 20));
    await scimify.settled(integration);
    for (const one of doomed) await integration.scim.delete(`/Groups/${one}`);
    await untilHeld(2);
    const plan = await planOf(group, () => integration.scim.setActive(users[10]!, false));
    expect(plan.counts).toMatchObject({ remove: 1, held: 0 });
    await untilLeft('Healthy', 9);
    await integration.scim.removeMembers(group, users[11]!);
    await untilLeft('Healthy', 8);
    expect(await heldChanges()).toMatchObject([{ scope: 'deletions', itemCount: 2 }]);

    const last = await planOf(group, () => integration.scim.delete(`/Groups/${group}`));
    expect(last).toMatchObject({ action: 'delete', reason: 'mass_change_held' });
    await untilHeld(3);
    expect(size('Healthy')).toBe(8);
  });

  it('by too many deletions is none for one that is off, as the group was made anew', async () => {
    await connect({ deletedTeams: 1 });
    const one = await integration.scim.createGroup('One', users.slice(0, 3));
    const two = await integration.scim.createGroup('Two', users.slice(0, 3));
    await scimify.settled(integration);
    scimify.pagerDuty.inject({ method: 'DELETE', path: /^\/teams\/\w+$/, status: 400 });
    await integration.scim.delete(`/Groups/${one}`);
    await scimify.settled(integration, ['synced', 'blocked']);
    scimify.pagerDuty.clearFaults();
    await integration.scim.createGroup('One', users.slice(0, 3));
    await scimify.settled(integration);
    await integration.scim.delete(`/Groups/${two}`);
    await untilLeft('Two', undefined);
    expect(size('One')).toBe(3);
  });

  it('by the threshold of one team are removals from it and its deletion, and nothing of another team', async () => {
    await connect({});
    const emptied = await integration.scim.createGroup('Emptied', users.slice(0, 10));
    const healthy = await integration.scim.createGroup('Healthy', users.slice(10, 20));
    const old = await integration.scim.createGroup('Old', users.slice(0, 3));
    await scimify.settled(integration);
    await integration.scim.removeMembers(emptied, ...users.slice(0, 6));
    await untilHeld(6);
    const plan = await planOf(healthy, () => integration.scim.setActive(users[10]!, false));
    expect(plan.counts).toMatchObject({ remove: 1, held: 0 });
    await untilLeft('Healthy', 9);
    await integration.scim.delete(`/Groups/${old}`);
    await untilLeft('Old', undefined);
    await integration.scim.removeMembers(emptied, users[6]!);
    await untilHeld(7);
    const deletion = await planOf(emptied, () => integration.scim.delete(`/Groups/${emptied}`));
    expect(deletion).toMatchObject({ action: 'delete', reason: 'mass_change_held' });
    await untilHeld(8);
    expect(await heldChanges()).toMatchObject([{ scope: 'team', groupId: emptied }]);
    expect(size('Emptied')).toBe(10);
  });

  it('by the threshold of the integration are removals from every team, and no deletion of a team without them', async () => {
    await connect({ integrationMembers: 5, integrationPercent: 20, teamPercent: 0 });
    const large = await integration.scim.createGroup('Large', users.slice(0, 15));
    const other = await integration.scim.createGroup('Other', users.slice(15, 20));
    const old = await integration.scim.createGroup('Old', users.slice(20));
    await scimify.settled(integration);
    await integration.scim.removeMembers(large, ...users.slice(0, 6));
    await untilHeld(6);
    const plan = await planOf(other, () => integration.scim.setActive(users[15]!, false));
    expect(plan.counts).toMatchObject({ remove: 0, held: 1 });
    await untilHeld(7);
    const deletion = await planOf(old, () => integration.scim.delete(`/Groups/${old}`));
    expect(deletion).toMatchObject({ action: 'delete', reason: null });
    await untilLeft('Old', undefined);
    await integration.scim.delete(`/Groups/${other}`);
    await untilHeld(8);
    expect(await heldChanges()).toMatchObject([{ scope: 'integration' }]);
    expect([size('Large'), size('Other')]).toEqual([15, 5]);
  });

  it('by the threshold of one team counts for the one of the integration within the hour, and no longer', async () => {
    await connect({ teamMembers: 3, integrationMembers: 5, integrationPercent: 20 });
    const emptied = await integration.scim.createGroup('Emptied', users.slice(0, 6));
    const healthy = await integration.scim.createGroup('Healthy', users.slice(10, 20));
    await scimify.settled(integration);
    await integration.scim.removeMembers(emptied, ...users.slice(0, 4));
    await untilHeld(4);
    await act('pause');
    await integration.scim.removeMembers(healthy, users[10]!);
    expect((await planned(healthy)).counts).toMatchObject({ remove: 0, held: 1 });
    await letTimePassSinceHeld(scimify, AN_HOUR_AND_MORE);
    expect((await planned(healthy)).counts).toMatchObject({ remove: 1, held: 0 });
    await act('enable');
    await untilLeft('Healthy', 9);
    expect(await heldChanges()).toMatchObject([{ scope: 'team', groupId: emptied, itemCount: 4 }]);
  });
});
