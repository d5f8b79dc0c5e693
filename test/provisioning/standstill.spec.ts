import type { SimAccount } from '../../simulator/simulator';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { addressIn, ownAccount } from './support/own-account';

const NAMES = ['ada', 'bo', 'cy', 'dee', 'eve', 'fay', 'gus', 'hal'];
const UNKNOWN = ['who', 'what', 'when', 'where'];

const PAUSED = 'The integration is paused: nothing is written until an admin enables it.';
const DISABLED =
  /^The integration is disabled: changes .* are refused, and nothing is written until an admin enables it\.$/;

describe('what is said of groups, members and users', () => {
  let scimify: Scimify;
  let tenantId: string;
  let account: SimAccount;
  let secret: string;
  let integration: TestIntegration;
  let users: Record<string, string>;
  let worlds = 0;

  beforeAll(async () => {
    scimify = await Scimify.start();
    tenantId = await scimify.createTenant();
  });
  afterAll(() => scimify.stop());

  beforeEach(async () => {
    worlds += 1;
    const own = { tenantId, subdomain: `acme-${worlds}`, people: NAMES, strangers: UNKNOWN };
    ({ account, secret, integration, users } = await ownAccount(scimify, own));
  });
  afterEach(() => act('disable'));

  const email = (name: string) => addressIn(`acme-${worlds}`, name);
  const path = (rest = '') => `/integrations/${integration.id}${rest}`;
  const read = async (rest = '') => (await scimify.admin.get(path(rest))).body;
  const act = async (verb: string) =>
    expect((await scimify.admin.post(path(`/${verb}`))).status).toBeLessThan(300);
  const idsOf = (...names: string[]) => names.map((name) => users[name]!);
  const push = (group: string, ...names: string[]) => integration.scim.createGroup(group, idsOf(...names));
  const stated = async (state: string) =>
    (await read(`/groups?state=${state}`)).items.map(({ displayName }: any) => displayName);

  const stop = {
    paused: () => act('pause'),
    disabled: () => act('disable'),
    suspended: async () => {
      scimify.pagerDuty.disableKey(secret);
      await push('Probe');
      await waitFor('the suspension', read, ({ suspension }) => suspension !== null);
    },
  };

  it('of an integration that an admin stopped is that it was, and that nothing comes by itself', async () => {
    const partial = await push('Partial', 'ada', 'who');
    const synced = await push('Synced', 'bo');
    await scimify.settled(integration, ['partial', 'synced']);
    await act('pause');
    const fresh = await push('Fresh', 'cy', 'dee');
    await integration.scim.addMembers(synced, users.eve!);

    for (const [verb, reason, message] of [
      ['pause', 'integration_paused', PAUSED],
      ['disable', 'integration_disabled', expect.stringMatching(DISABLED)],
    ] as const) {
      await act(verb);
      const stopped = { reason, message, nextAttemptAt: null };
      expect(await read(`/groups/${fresh}`)).toMatchObject({ state: 'pending', ...stopped });
      expect(await read(`/groups/${synced}`)).toMatchObject({ state: 'pending', ...stopped });
      // What people have to settle stays said, but nothing is tried meanwhile.
      expect(await read(`/groups/${partial}`)).toMatchObject({
        state: 'partial',
        reason: 'user_not_found',
        nextAttemptAt: null,
      });
      const joining = (await scimify.members(integration, synced)).find(({ userId }) => userId === users.eve);
      expect(joining).toMatchObject({ state: 'pending', ...stopped });
      expect(await scimify.members(integration, fresh)).toMatchObject([stopped, stopped]);
      const [waiting] = (await read('/users?search=cy@')).items;
      expect(waiting).toMatchObject({ state: 'unknown', ...stopped });
      const [inNoGroup] = (await read('/users?search=hal@')).items;
      expect(inNoGroup).toMatchObject({ state: 'unknown', reason: null, message: null });
    }
    await act('enable');
    await scimify.settled(integration, ['partial', 'synced']);
  });

  it('of a suspended integration is why, and when it is probed next', async () => {
    const synced = await push('Synced', 'ada');
    await scimify.settled(integration);
    await stop.suspended();
    const fresh = await push('Fresh', 'bo');
    await integration.scim.addMembers(synced, users.cy!);
    const { suspension } = await read();
    const suspended = {
      reason: 'unauthorized',
      message: `The integration is suspended. ${suspension.message}`,
      nextAttemptAt: suspension.nextProbeAt,
    };
    expect(suspension.nextProbeAt).toEqual(expect.any(String));
    for (const group of [fresh, synced]) {
      expect(await read(`/groups/${group}`)).toMatchObject({ state: 'pending', ...suspended });
    }
    expect(await scimify.members(integration, fresh)).toMatchObject([{ state: 'pending', ...suspended }]);
    expect((await read('/users?search=bo@')).items).toMatchObject([{ state: 'unknown', ...suspended }]);
    // Whoever ends the one has to end the other, too.
    await act('pause');
    expect(await read(`/groups/${fresh}`)).toMatchObject({
      reason: 'integration_paused',
      message: `${PAUSED} ${suspended.message}`,
      nextAttemptAt: null,
    });
  });

  it.each(['paused', 'disabled', 'suspended'] as const)(
    'is found under its state, and counted there, while the integration is %s',
    async (how) => {
      await push('Synced', 'ada');
      await push('Partial', 'bo', 'who');
      await scimify.settled(integration, ['partial', 'synced']);
      scimify.pagerDuty.inject({
        method: 'POST',
        path: '/teams',
        status: 503,
        account: `us.${account.subdomain}`,
      });
      await push('Failing', 'cy');
      await waitFor(
        'it to be retried',
        () => stated('retrying'),
        ({ length }) => length === 1,
      );
      scimify.pagerDuty.clearFaults();
      await stop[how]();
      const { items } = await read('/groups');
      const { groups: counted } = await read('/overview');
      for (const [state, count] of Object.entries(counted)) {
        const shown = items.filter((group: any) => group.state === state);
        expect(await stated(state)).toEqual(shown.map(({ displayName }: any) => displayName));
        expect(shown).toHaveLength(count as number);
      }
      // A suspended one is probed: it is tried again by itself.
      expect(await stated(how === 'suspended' ? 'retrying' : 'pending')).toContain('Failing');
      expect(await stated('syncing')).toEqual([]);
    },
  );

  it('for several people ends in how many more they are', async () => {
    const lone = await push('Lone', 'ada', 'who');
    const several = await push('Several', 'ada', ...UNKNOWN);
    await scimify.settled(integration, ['partial']);
    expect((await read(`/groups/${lone}`)).message).not.toContain('more');
    const { message } = await read(`/groups/${several}`);
    expect(message).toMatch(/^No PagerDuty user has the login address .* and 3 more$/);
    await integration.scim.removeMembers(several, users.who!);
    await waitFor(
      'one of them to be gone',
      () => read(`/groups/${several}`),
      (group) => group.state === 'partial' && / and 2 more$/.test(group.message),
    );
  });

  it('of several leavers whom PagerDuty keeps ends in how many more they are', async () => {
    const group = await push('On-call', ...NAMES);
    await scimify.settled(integration);
    account.associate(account.team('On-call')!.id, 'Escalation Policies', {
      userIds: ['ada', 'bo', 'cy'].map((name) => account.user(email(name))!.id),
    });
    for (const name of ['ada', 'bo', 'cy']) await integration.scim.setActive(users[name]!, false);
    const { message, members } = await waitFor(
      'all three to be kept',
      () => read(`/groups/${group}`),
      (shown) => shown.state === 'partial' && / and 2 more$/.test(shown.message),
    );
    expect(message).toMatch(
      /^Somebody whom the identity provider deactivated or deleted is still in the team\. /,
    );
    expect(members).toEqual({ desired: 5, applied: 8, pending: 3 });
  });

  it('counts those who are still in the team of a held group', async () => {
    const group = await push('On-call', ...NAMES);
    await scimify.settled(integration);
    await integration.scim.removeMembers(group, ...idsOf(...NAMES.slice(0, 6)));
    await scimify.settled(integration, ['held']);
    expect((await read(`/groups/${group}`)).members).toEqual({ desired: 2, applied: 8, pending: 6 });
    await integration.scim.removeMembers(group, ...idsOf(...NAMES.slice(6)));
    await waitFor(
      'all to be held',
      () => read(`/groups/${group}`),
      ({ state, members }) => state === 'held' && members.desired === 0,
    );
    expect((await read(`/groups/${group}`)).members).toEqual({ desired: 0, applied: 8, pending: 8 });
  });

  it('counts those who are still in the team of a group whose deletion is held', async () => {
    await scimify.admin.patch(path(), { policies: { guard: { deletedTeams: 1 } } });
    const groups = [await push('One', 'ada', 'bo'), await push('Two', 'cy', 'dee', 'eve')];
    await scimify.settled(integration);
    for (const group of groups) await integration.scim.delete(`/Groups/${group}`);
    const [held] = await waitFor(
      'one of them to be held',
      async () => (await read('/groups')).items.filter(({ state }: any) => state === 'held'),
      ({ length }) => length > 0,
    );
    const inIt = held.displayName === 'One' ? 2 : 3;
    expect(held).toMatchObject({
      reason: 'mass_change_held',
      members: { desired: 0, applied: inIt, pending: inIt },
    });
  });
});
