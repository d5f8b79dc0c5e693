import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePass } from './support/passing-time';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const email = (name: string) => `${name}@example.com`;
const NAMES = ['ada', 'bo', 'cy'];

describe('the person behind a member', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;

  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of NAMES) scimify.pagerDuty.addUser({ email: email(name) });
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    const ids = await integration.scim.createUsers(NAMES.map(email));
    users = Object.fromEntries(NAMES.map((name, index) => [name, ids[index]!]));
  });

  afterEach(() => scimify.stop());

  const act = (verb: string) => scimify.admin.post(`/integrations/${integration.id}/${verb}`);
  const personOf = (name: string) => scimify.pagerDuty.user(email(name))!.id;
  const changeEmail = (userId: string, value: string) =>
    integration.scim.patchOperations(`/Users/${userId}`, {
      op: 'replace',
      value: { emails: [{ primary: true, type: 'work', value }] },
    });
  const member = async (group: string, userId: string) =>
    (await scimify.members(integration, group)).find((shown) => shown.userId === userId);
  const user = async (userId: string) =>
    (await scimify.admin.get(`/integrations/${integration.id}/users?limit=200`)).body.items.find(
      ({ id }: { id: string }) => id === userId,
    );
  const untilTeam = (...names: string[]) =>
    waitFor(
      `the team to be ${names.join(', ')}`,
      () => scimify.teams()['On-call']!,
      (emails) => emails.join() === names.map(email).sort().join(),
    );
  /** Changes of members in the order in which PagerDuty received them. */
  const writes = () =>
    scimify.pagerDuty
      .calls()
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path }) => `${method} ${path.split('/').at(-1)}`);

  describe('who is that of several users', () => {
    let group: string;
    let twin: string;

    beforeEach(async () => {
      twin = await integration.scim.createUser('bo.admin@example.com', {
        emails: [{ primary: true, type: 'work', value: email('bo') }],
      });
      group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!, twin]);
      await scimify.settled(integration);
    });

    it('is in the team once, and both are told of the other', async () => {
      expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('bo')] });
      const shared = { reason: 'shared_remote_user', remoteUserId: personOf('bo') };
      const other = (name: string) => ({ message: expect.stringContaining(name) as string });
      expect(await member(group, users.bo!)).toMatchObject({
        ...shared,
        ...other('bo.admin@example.com'),
        state: 'applied',
      });
      expect(await member(group, twin)).toMatchObject({ ...shared, ...other(email('bo')), state: 'applied' });
      expect(await user(users.bo!)).toMatchObject({ ...shared, state: 'resolved' });
      expect(await user(twin)).toMatchObject({ ...shared, state: 'resolved' });
      expect(await member(group, users.ada!)).toMatchObject({
        state: 'applied',
        reason: null,
        message: null,
      });
      expect(await user(users.ada!)).toMatchObject({ reason: null, message: null });
    });

    it('stays while any of them is an active member, and leaves with the last', async () => {
      scimify.pagerDuty.clearCalls();
      await integration.scim.setActive(users.bo!, false);
      await scimify.settled(integration);
      expect(writes()).toEqual([]);
      expect(await member(group, twin)).toMatchObject({ state: 'applied', reason: null });
      await integration.scim.removeMembers(group, twin);
      await untilTeam('ada');
      await integration.scim.setActive(users.bo!, true);
      await untilTeam('ada', 'bo');
    });
  });

  describe('whose address the IdP changes to one that PagerDuty does not know', () => {
    let group: string;

    beforeEach(async () => {
      group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
      await scimify.settled(integration);
      scimify.pagerDuty.clearCalls();
    });

    const shownAs = (reason: string | null) =>
      waitFor(
        `bo to be shown with ${reason}`,
        () => member(group, users.bo!),
        (shown) => shown?.reason === reason,
      );

    it('stays in the team, and says that the addresses differ', async () => {
      await changeEmail(users.bo!, 'bo.renamed@example.com');
      const shown = await shownAs('email_differs');
      expect(shown).toMatchObject({ state: 'applied', remoteUserId: personOf('bo') });
      expect(shown.message).toContain('bo.renamed@example.com');
      expect(await user(users.bo!)).toMatchObject({ state: 'resolved', reason: 'email_differs' });
      await changeEmail(users.bo!, email('bo'));
      await shownAs(null);
      await scimify.settled(integration);
      expect(writes()).toEqual([]);
    });

    it('is looked for again after 5 minutes, 30 minutes, then every 6 hours, and gives way to whom is found', async () => {
      await changeEmail(users.bo!, 'bo.renamed@example.com');
      for (const wait of [5 * MINUTE, 30 * MINUTE, 6 * HOUR, 6 * HOUR]) {
        const shown = await waitFor(
          `the next look-up to be ${wait / MINUTE} minutes away`,
          () => member(group, users.bo!),
          (bo) => bo?.reason === 'email_differs' && Date.parse(bo.nextAttemptAt) > Date.now() + wait - MINUTE,
        );
        expect(Date.parse(shown.nextAttemptAt)).toBeLessThanOrEqual(Date.now() + wait + 1_000);
        expect(shown.state).toBe('applied');
        await scimify.settled(integration);
        if (wait < 6 * HOUR) await letTimePass(scimify, wait);
      }
      const { id } = scimify.pagerDuty.addUser({ email: 'bo.renamed@example.com' });
      scimify.pagerDuty.clearCalls();
      await letTimePass(scimify, 6 * HOUR);
      await waitFor(
        'the team to change',
        () => scimify.teams()['On-call']!.join(),
        (emails) => emails === [email('ada'), 'bo.renamed@example.com'].join(),
      );
      await scimify.settled(integration);
      expect(writes()).toEqual([`PUT ${id}`, `DELETE ${personOf('bo')}`]);
      expect(await member(group, users.bo!)).toMatchObject({
        state: 'applied',
        reason: null,
        remoteUserId: id,
        nextAttemptAt: null,
      });
    });

    it.each(['sync', 'retry of the group'])(
      'gives way at once to whom an admin’s %s finds, as the plan said before',
      async (request) => {
        await changeEmail(users.bo!, 'bo.renamed@example.com');
        await shownAs('email_differs');
        await scimify.settled(integration);
        const { id } = scimify.pagerDuty.addUser({ email: 'bo.renamed@example.com' });
        await act('pause');
        await act(request === 'sync' ? 'sync' : `groups/${group}/retry`);
        const { body } = await scimify.admin.get(`/integrations/${integration.id}/plan`);
        expect(body.groups).toMatchObject([
          {
            addMembers: [{ userId: users.bo, remoteUserId: id }],
            removeMembers: [{ remoteUserId: personOf('bo') }],
          },
        ]);
        await act('enable');
        await waitFor(
          'the team to change',
          () => scimify.teams()['On-call']!.join(),
          (emails) => emails === [email('ada'), 'bo.renamed@example.com'].join(),
        );
      },
    );

    it('keeps their place while PagerDuty refuses to look for the new address', async () => {
      await changeEmail(users.bo!, 'bo.renamed@example.com');
      await shownAs('email_differs');
      await scimify.settled(integration);
      scimify.pagerDuty.inject({
        path: '/users',
        status: 400,
        body: { error: { message: 'Invalid query' } },
      });
      await act('sync');
      const shown = await waitFor(
        'the refusal to be shown',
        () => member(group, users.bo!),
        // A search from before the sync is repeated once.
        (bo) =>
          bo?.message?.includes('Invalid query') && Date.parse(bo.nextAttemptAt) > Date.now() + 30 * MINUTE,
      );
      expect(shown).toMatchObject({ state: 'applied', reason: 'email_differs' });
      scimify.pagerDuty.clearFaults();
      await integration.scim.addMembers(group, users.cy!);
      await untilTeam('ada', 'bo', 'cy');
    });

    it('is no longer meant once the IdP gives the old address to another active user', async () => {
      await changeEmail(users.bo!, 'bo.renamed@example.com');
      await shownAs('email_differs');
      const successor = await integration.scim.createUser('bo.successor@example.com', {
        emails: [{ primary: true, type: 'work', value: email('bo') }],
      });
      const other = await integration.scim.createGroup('Other', [successor]);
      await untilTeam('ada');
      await scimify.settled(integration, ['synced', 'partial']);
      expect(scimify.teams()).toEqual({ 'On-call': [email('ada')], Other: [email('bo')] });
      expect(await member(group, users.bo!)).toMatchObject({
        state: 'pending',
        reason: 'user_not_found',
        remoteUserId: null,
      });
      expect(await member(other, successor)).toMatchObject({ state: 'applied', reason: null });
    });

    describe('is no longer meant, although the other one is in no group,', () => {
      const former = email('bo').toUpperCase();
      const withFormer = { emails: [{ primary: true, type: 'work', value: former }] };

      beforeEach(async () => {
        await changeEmail(users.bo!, 'bo.renamed@example.com');
        await shownAs('email_differs');
        await scimify.settled(integration);
      });

      const untilUndone = async () => {
        await untilTeam('ada');
        expect(await member(group, users.bo!)).toMatchObject({ state: 'pending', reason: 'user_not_found' });
        expect(writes()).toEqual([`DELETE ${personOf('bo')}`]);
      };

      it('when a new user gets the old address', async () => {
        await integration.scim.createUser('bo.successor@example.com', withFormer);
        await untilUndone();
      });

      it('when another user gets the old address', async () => {
        await changeEmail(users.cy!, former);
        await untilUndone();
      });

      it('when an inactive user with the old address becomes active', async () => {
        await integration.scim.setActive(users.cy!, false);
        await changeEmail(users.cy!, former);
        await scimify.settled(integration);
        expect(writes()).toEqual([]);
        await integration.scim.setActive(users.cy!, true);
        await untilUndone();
      });
    });

    it('is no longer meant where another active user has the old address already, in whatever group', async () => {
      await act('pause');
      await changeEmail(users.bo!, 'bo.renamed@example.com');
      await changeEmail(users.cy!, email('bo'));
      const { body } = await scimify.admin.get(`/integrations/${integration.id}/groups/${group}/plan`);
      expect(body.groups).toMatchObject([
        {
          removeMembers: [{ remoteUserId: personOf('bo') }],
          unresolved: [{ userId: users.bo, reason: 'user_not_found' }],
        },
      ]);
      await act('enable');
      await untilTeam('ada');
      expect(await member(group, users.bo!)).toMatchObject({ state: 'pending', reason: 'user_not_found' });
    });

    it('stays where the other user with the old address is not active', async () => {
      await integration.scim.setActive(users.cy!, false);
      await changeEmail(users.cy!, email('bo'));
      await changeEmail(users.bo!, 'bo.renamed@example.com');
      await shownAs('email_differs');
      await scimify.settled(integration);
      expect(writes()).toEqual([]);
    });
  });

  describe('who is not in PagerDuty', () => {
    const nextAttempt = async (group: string) => {
      await scimify.settled(integration, ['partial']);
      const shown = await waitFor(
        'the person to wait',
        () => member(group, users.ghost!),
        (waiting) => waiting?.state === 'pending' && Date.parse(waiting.nextAttemptAt) > Date.now(),
      );
      return Date.parse(shown.nextAttemptAt) - Date.now();
    };

    beforeEach(async () => {
      users.ghost = await integration.scim.createUser(email('ghost'));
    });

    it('is looked for after 5 minutes, 30 minutes, then every 6 hours, and joins by themselves once there', async () => {
      const group = await integration.scim.createGroup('On-call', [users.ada!, users.ghost!]);
      for (const wait of [5 * MINUTE, 30 * MINUTE, 6 * HOUR, 6 * HOUR]) {
        const left = await nextAttempt(group);
        expect(left).toBeLessThanOrEqual(wait + 1_000);
        expect(left).toBeGreaterThan(wait - MINUTE);
        scimify.pagerDuty.clearCalls();
        await letTimePass(scimify, wait);
        await waitFor(
          'a look-up',
          () => scimify.pagerDuty.calls({ method: 'GET', path: '/users' }).length,
          (looks) => looks > 0,
        );
      }
      await nextAttempt(group);
      scimify.pagerDuty.addUser({ email: email('ghost') });
      await letTimePass(scimify, 6 * HOUR);
      await untilTeam('ada', 'ghost');
      await scimify.settled(integration);
      expect(await member(group, users.ghost!)).toMatchObject({ state: 'applied', nextAttemptAt: null });
    });

    it('is looked for after 5 minutes again once the address is another one', async () => {
      const group = await integration.scim.createGroup('On-call', [users.ada!, users.ghost!]);
      await nextAttempt(group);
      await letTimePass(scimify, 5 * MINUTE);
      expect(await nextAttempt(group)).toBeGreaterThan(29 * MINUTE);
      await changeEmail(users.ghost!, email('spirit'));
      await waitFor(
        'the other address to be looked up',
        () => member(group, users.ghost!),
        (waiting) => waiting?.message?.includes(email('spirit')),
      );
      expect(await nextAttempt(group)).toBeLessThanOrEqual(5 * MINUTE + 1_000);
    });

    it('joins at once when an admin asks, as the plan said before', async () => {
      const group = await integration.scim.createGroup('On-call', [users.ada!, users.ghost!]);
      await nextAttempt(group);
      scimify.pagerDuty.addUser({ email: email('ghost') });
      await act('pause');
      await act('sync');
      const { body } = await scimify.admin.get(`/integrations/${integration.id}/plan`);
      const planned = { userId: users.ghost, remoteUserId: personOf('ghost') };
      expect(body.groups).toMatchObject([{ groupId: group, addMembers: [planned], counts: { remove: 0 } }]);
      expect(scimify.teams()).toEqual({ 'On-call': [email('ada')] });
      await act('enable');
      await untilTeam('ada', 'ghost');
      await scimify.settled(integration);
      expect(await member(group, users.ghost!)).toMatchObject({
        state: 'applied',
        remoteUserId: planned.remoteUserId,
      });
    });
  });

  it('who was deleted in PagerDuty waits with the reason, and joins as whom they are there later', async () => {
    const group = await integration.scim.createGroup('On-call', [users.ada!]);
    // The link is known now, so Scimify adds the user without another look-up.
    const known = await integration.scim.createGroup('Known', [users.bo!]);
    await scimify.settled(integration);
    const former = personOf('bo');
    scimify.pagerDuty.removeUser(former);
    await integration.scim.addMembers(group, users.bo!);
    const shown = await waitFor(
      'bo to wait',
      () => member(group, users.bo!),
      (waiting) => waiting?.reason === 'user_not_found',
    );
    expect(shown).toMatchObject({ state: 'pending', remoteUserId: null });
    expect(known).toBeDefined();
    scimify.pagerDuty.addUser({ email: email('bo') });
    expect(personOf('bo')).not.toBe(former);
    await letTimePass(scimify, 6 * HOUR);
    await untilTeam('ada', 'bo');
  });

  it('who was deleted in PagerDuty while its search still shows them is not asked for again and again', async () => {
    await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    const other = await integration.scim.createGroup('Other', [users.ada!]);
    await scimify.settled(integration);
    const former = scimify.pagerDuty.user(email('bo'))!;
    const shown = { users: [{ id: former.id, type: 'user', email: former.email }], limit: 100, more: false };
    scimify.pagerDuty.removeUser(former.id);
    const search = { method: 'GET', path: /^\/users\?.*query=bo/ };
    const lagging = scimify.pagerDuty.inject({ ...search, status: 200, body: shown });
    scimify.pagerDuty.clearCalls();
    await integration.scim.addMembers(other, users.bo!);
    const waiting = await waitFor(
      'bo to wait for the next look-up',
      () => user(users.bo!),
      (bo) => bo?.reason === 'user_gone' && Date.parse(bo.nextAttemptAt) > Date.now() + 2 * MINUTE,
    );
    expect(waiting).toMatchObject({ state: 'not_found', remoteUserId: null });
    expect(await member(other, users.bo!)).toMatchObject({ state: 'pending', reason: 'user_gone' });
    await scimify.settled(integration, ['synced', 'partial']);
    expect(lagging.hits()).toBeLessThanOrEqual(3);
    expect(scimify.pagerDuty.calls({ method: 'PUT' }).length).toBeLessThanOrEqual(4);

    scimify.pagerDuty.clearFaults();
    const { id } = scimify.pagerDuty.addUser({ email: email('bo') });
    await letTimePass(scimify, 5 * MINUTE);
    await waitFor(
      'bo to join as whom they are now',
      () => scimify.teams(),
      (teams) => Object.values(teams).every((emails) => emails.includes(email('bo'))),
    );
    await scimify.settled(integration);
    expect(await member(other, users.bo!)).toMatchObject({ state: 'applied', remoteUserId: id });
  });
});
