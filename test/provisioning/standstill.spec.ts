import { waitFor } from '../support/wait';
import { AccountsInTurn } from './support/own-account';

const NAMES = ['ada', 'bo', 'cy', 'dee', 'eve', 'fay', 'gus', 'hal'];
const UNKNOWN = ['who', 'what', 'when', 'where'];

const PAUSED = 'The integration is paused: nothing is written until an admin enables it.';
const DISABLED =
  /^The integration is disabled: changes .* are refused, and nothing is written until an admin enables it\.$/;

describe('what is said of groups, members and users', () => {
  const own = new AccountsInTurn('standing', NAMES);
  const { email, path, push } = own;

  beforeEach(async () => {
    await own.begin({ guard: {} }, { strangers: UNKNOWN });
  });
  afterEach(() => act('disable'));

  const read = async (rest = '') => (await own.scimify.admin.get(path(rest))).body;
  const act = async (verb: string) =>
    expect((await own.scimify.admin.post(path(`/${verb}`))).status).toBeLessThan(300);
  const idsOf = (...names: string[]) => names.map((name) => own.users[name]!);
  const stated = async (state: string) =>
    (await read(`/groups?state=${state}`)).items.map(({ displayName }: any) => displayName);

  const stop = {
    paused: () => act('pause'),
    disabled: () => act('disable'),
    suspended: async () => {
      own.scimify.pagerDuty.disableKey(own.secret);
      await push('Probe');
      await waitFor('the suspension', read, ({ suspension }) => suspension !== null);
    },
  };

  it('of an integration that an admin stopped is that it was, and that nothing comes by itself', async () => {
    const partial = await push('Partial', 'ada', 'who');
    const synced = await push('Synced', 'bo');
    await own.scimify.settled(own.integration, ['partial', 'synced']);
    await act('pause');
    const fresh = await push('Fresh', 'cy', 'dee');
    await own.integration.scim.addMembers(synced, own.users.eve!);

    for (const [verb, reason, message] of [
      ['pause', 'integration_paused', PAUSED],
      ['disable', 'integration_disabled', expect.stringMatching(DISABLED)],
    ] as const) {
      await act(verb);
      const stopped = { reason, message, nextAttemptAt: null };
      expect(await read(`/groups/${fresh}`)).toMatchObject({ state: 'pending', ...stopped });
      expect(await read(`/groups/${synced}`)).toMatchObject({ state: 'pending', ...stopped });
      // Problems that people have to solve are still shown, but nothing is retried.
      expect(await read(`/groups/${partial}`)).toMatchObject({
        state: 'partial',
        reason: 'user_not_found',
        nextAttemptAt: null,
      });
      const joining = (await own.scimify.members(own.integration, synced)).find(
        ({ userId }) => userId === own.users.eve,
      );
      expect(joining).toMatchObject({ state: 'pending', ...stopped });
      expect(await own.scimify.members(own.integration, fresh)).toMatchObject([stopped, stopped]);
      const [waiting] = (await read('/users?search=cy@')).items;
      expect(waiting).toMatchObject({ state: 'unknown', ...stopped });
      const [inNoGroup] = (await read('/users?search=hal@')).items;
      expect(inNoGroup).toMatchObject({ state: 'unknown', reason: null, message: null });
    }
    await act('enable');
    await own.scimify.settled(own.integration, ['partial', 'synced']);
  });

  it('of a suspended integration is why, and when it is probed next', async () => {
    const synced = await push('Synced', 'ada');
    await own.scimify.settled(own.integration);
    await stop.suspended();
    const fresh = await push('Fresh', 'bo');
    await own.integration.scim.addMembers(synced, own.users.cy!);
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
    expect(await own.scimify.members(own.integration, fresh)).toMatchObject([
      { state: 'pending', ...suspended },
    ]);
    expect((await read('/users?search=bo@')).items).toMatchObject([{ state: 'unknown', ...suspended }]);
    // The pause and the suspension both have to end, so both are shown.
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
      await own.scimify.settled(own.integration, ['partial', 'synced']);
      own.scimify.pagerDuty.inject({
        method: 'POST',
        path: '/teams',
        status: 503,
        account: own.credentialAccount,
      });
      await push('Failing', 'cy');
      await waitFor(
        'it to be retried',
        () => stated('retrying'),
        ({ length }) => length === 1,
      );
      own.scimify.pagerDuty.clearFaults();
      await stop[how]();
      const { items } = await read('/groups');
      const { groups: counted } = await read('/overview');
      for (const [state, count] of Object.entries(counted)) {
        const shown = items.filter((group: any) => group.state === state);
        expect(await stated(state)).toEqual(shown.map(({ displayName }: any) => displayName));
        expect(shown).toHaveLength(count as number);
      }
      // A suspended integration is probed, so the group is retried automatically.
      expect(await stated(how === 'suspended' ? 'retrying' : 'pending')).toContain('Failing');
      expect(await stated('syncing')).toEqual([]);
    },
  );

  it('for several people ends in how many more they are', async () => {
    const lone = await push('Lone', 'ada', 'who');
    const several = await push('Several', 'ada', ...UNKNOWN);
    await own.scimify.settled(own.integration, ['partial']);
    expect((await read(`/groups/${lone}`)).message).not.toContain('more');
    const { message } = await read(`/groups/${several}`);
    expect(message).toMatch(/^No PagerDuty user has the login address .* and 3 more$/);
    await own.integration.scim.removeMembers(several, own.users.who!);
    await waitFor(
      'one of them to be gone',
      () => read(`/groups/${several}`),
      (group) => group.state === 'partial' && / and 2 more$/.test(group.message),
    );
  });

  it('of several leavers whom PagerDuty keeps ends in how many more they are', async () => {
    const group = await push('On-call', ...NAMES);
    await own.scimify.settled(own.integration);
    own.account.associate(own.account.team('On-call')!.id, 'Escalation Policies', {
      userIds: ['ada', 'bo', 'cy'].map((name) => own.account.user(email(name))!.id),
    });
    for (const name of ['ada', 'bo', 'cy']) await own.integration.scim.setActive(own.users[name]!, false);
    const { message, members } = await waitFor(
      'all three to be kept',
      () => read(`/groups/${group}`),
      (shown) => shown.state === 'partial' && / and 2 more$/.test(shown.message),
    );
    expect(message).toMatch(
      /^A user that the identity provider deactivated or deleted is still in the team\. /,
    );
    expect(members).toEqual({ desired: 5, applied: 8, pending: 3 });
  });

  it('counts those who are still in the team of a held group', async () => {
    const group = await push('On-call', ...NAMES);
    await own.scimify.settled(own.integration);
    await own.integration.scim.removeMembers(group, ...idsOf(...NAMES.slice(0, 6)));
    await own.scimify.settled(own.integration, ['held']);
    expect((await read(`/groups/${group}`)).members).toEqual({ desired: 2, applied: 8, pending: 6 });
    await own.integration.scim.removeMembers(group, ...idsOf(...NAMES.slice(6)));
    await waitFor(
      'all to be held',
      () => read(`/groups/${group}`),
      ({ state, members }) => state === 'held' && members.desired === 0,
    );
    expect((await read(`/groups/${group}`)).members).toEqual({ desired: 0, applied: 8, pending: 8 });
  });

  it('counts those who are still in the team of a group whose deletion is held', async () => {
    await own.scimify.admin.patch(path(), { policies: { guard: { deletedTeams: 1 } } });
    const groups = [await push('One', 'ada', 'bo'), await push('Two', 'cy', 'dee', 'eve')];
    await own.scimify.settled(own.integration);
    for (const group of groups) await own.integration.scim.delete(`/Groups/${group}`);
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
