import { isDeepStrictEqual } from 'node:util';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { makeToken } from '../../src/security/token';
import { AdminKey } from '../../src/tenants/admin-keys/admin-key.entity';
import { type NewTestIntegration, Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePass } from './support/passing-time';

describe('the plan of an integration', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;

  const NAMES = ['ada', 'bo', 'cy', 'dee'];
  const email = (name: string) => `${name}@example.com`;
  const personOf = (name: string) => scimify.pagerDuty.user(email(name))!.id;

  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of NAMES) scimify.pagerDuty.addUser({ email: email(name) });
  });

  afterEach(() => scimify.stop());

  const connect = async (options: NewTestIntegration = {}) => {
    integration = await scimify.createIntegration({ authMethod: 'api_key', ...options });
    const names = [...NAMES, 'ghost'];
    const ids = await integration.scim.createUsers(names.map(email));
    users = Object.fromEntries(names.map((name, index) => [name, ids[index]!]));
  };

  const planAt = async (path: string) => {
    const { status, body } = await scimify.admin.get(`/integrations/${integration.id}${path}`);
    expect(status).toBe(200);
    return body;
  };
  const plan = () => planAt('/plan');
  const pause = () => scimify.admin.post(`/integrations/${integration.id}/pause`);
  const enable = () => scimify.admin.post(`/integrations/${integration.id}/enable`);

  /** The changes that PagerDuty was asked for, without ids of teams that did not exist yet. */
  const writes = () =>
    scimify.pagerDuty
      .calls()
      .filter(({ method, path }) => method !== 'GET' && !path.startsWith('/oauth'))
      .map(({ method, path }) => `${method} ${path.split('?', 1)[0]}`)
      .sort();

  const added = (group: any) => group.addMembers.map((member: any) => member.email).sort();

  /** Every row of the tables that a run writes. */
  const rows = async () => {
    const reader = scimify.app.get<DataSource>(getDataSourceToken());
    const tables = [
      'integration',
      'integration_work',
      'group_change',
      'member_change',
      'remote_user',
      'remote_group',
      'remote_member',
      'parked_member',
      'audit_event',
    ];
    return Promise.all(tables.map((table) => reader.query(`SELECT * FROM ${table} ORDER BY 1, 2`)));
  };

  /** The owner and the token of every lease: each run takes one. */
  const runs = () =>
    scimify.app
      .get<DataSource>(getDataSourceToken())
      .query('SELECT integrationId, owner, token FROM lease ORDER BY integrationId');

  /** A read-only key of this tenant. */
  const keyOf = async (tenantId: string) => {
    const { token, prefix, hash } = makeToken('admin');
    await scimify.app.get(TransactionRunner).run((tx) =>
      tx.manager.insert(AdminKey, {
        id: uuid(),
        tenantId,
        name: 'Viewer',
        role: 'viewer',
        prefix,
        tokenHash: hash,
        createdAt: Date.now(),
      }),
    );
    return token;
  };

  /** The plan. It also checks that the plan wrote nothing, in Scimify or in PagerDuty. */
  const harmlessPlan = async () => {
    for (;;) {
      const runsBefore = await runs();
      // No run is still about to end.
      await letTimePass(scimify, 0);
      const before = await rows();
      const teams = scimify.pagerDuty.teams();
      scimify.pagerDuty.clearCalls();
      const made = await plan();
      const after = await rows();
      // The engine ran meanwhile, so a difference need not come from the plan.
      if (!isDeepStrictEqual(await runs(), runsBefore)) continue;
      expect(writes()).toEqual([]);
      expect(scimify.pagerDuty.teams()).toEqual(teams);
      expect(after).toEqual(before);
      return made;
    }
  };

  /** Enables it, and returns the writes that it made until every group was in one of these states. */
  const apply = async (states: string[]) => {
    scimify.pagerDuty.clearCalls();
    await enable();
    await waitFor(
      'everything to be applied',
      () => scimify.groups(integration),
      (groups) => groups.every(({ state, deletingSince }) => states.includes(state) && !deletingSince),
    );
    return writes();
  };

  it('says before it is first enabled what enabling it then does, no more and no less', async () => {
    const team = scimify.pagerDuty.addTeam({ name: 'ON-CALL', description: 'made by hand' });
    scimify.pagerDuty.addMember(team.id, personOf('ada'));
    scimify.pagerDuty.addMember(team.id, personOf('dee'));
    await connect({ enable: false });
    const fresh = await integration.scim.createGroup('Platform', [users.ada!, users.bo!, users.ghost!]);
    const adopted = await integration.scim.createGroup('On-call', [users.ada!, users.cy!]);
    const made = await harmlessPlan();
    const planningCalls = scimify.pagerDuty.calls().length;
    expect(made).toMatchObject({ problem: null, nextCursor: null });
    expect(made.groups).toEqual([
      {
        groupId: fresh,
        displayName: 'Platform',
        action: 'create',
        reason: null,
        message: null,
        remote: null,
        counts: { add: 2, remove: 0, unresolved: 1, held: 0 },
        addMembers: expect.arrayContaining([
          { userId: users.ada, userName: email('ada'), email: email('ada'), remoteUserId: personOf('ada') },
          { userId: users.bo, userName: email('bo'), email: email('bo'), remoteUserId: personOf('bo') },
        ]),
        removeMembers: [],
        unresolved: [
          {
            userId: users.ghost,
            userName: email('ghost'),
            email: email('ghost'),
            reason: 'user_not_found',
            message: expect.stringContaining('ghost@'),
          },
        ],
        held: [],
      },
      expect.objectContaining({
        groupId: adopted,
        action: 'adopt',
        remote: { id: team.id, name: 'ON-CALL' },
        counts: { add: 1, remove: 0, unresolved: 0, held: 0 },
      }),
    ]);
    expect(added(made.groups[1])).toEqual([email('cy')]);

    const calls = await apply(['synced', 'partial']);
    const created = scimify.pagerDuty.team('Platform')!.id;
    expect(calls).toEqual(
      [
        'POST /teams',
        `PUT /teams/${created}/users/${personOf('ada')}`,
        `PUT /teams/${created}/users/${personOf('bo')}`,
        `PUT /teams/${team.id}`,
        `PUT /teams/${team.id}/users/${personOf('cy')}`,
      ].sort(),
    );
    expect(made.calls).toBe(calls.length + planningCalls);
    expect(scimify.teams()).toEqual({
      'On-call': [email('ada'), email('cy'), email('dee')],
      Platform: [email('ada'), email('bo')],
    });

    const after = await harmlessPlan();
    expect(after).toMatchObject({ calls: 0, problem: null });
    expect(after.groups).toMatchObject([
      { groupId: fresh, action: 'none', addMembers: [], unresolved: [{ userId: users.ghost }] },
    ]);
    expect(scimify.pagerDuty.calls()).toEqual([]);
  });

  it('and the state afterwards say the same of somebody who is created in PagerDuty in between', async () => {
    await connect({ enable: false });
    const group = await integration.scim.createGroup('Platform', [users.ghost!]);
    const path = `/groups/${group}/plan`;
    const unresolved = [{ userId: users.ghost, reason: 'user_not_found' }];
    expect(await planAt(path)).toMatchObject({ groups: [{ action: 'create', unresolved }] });
    await apply(['partial']);
    expect(await scimify.members(integration, group)).toMatchObject([
      { userId: users.ghost, state: 'pending', reason: 'user_not_found' },
    ]);
    scimify.pagerDuty.addUser({ email: email('ghost') });
    await scimify.admin.post(`/integrations/${integration.id}/sync`);
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ Platform: [email('ghost')] });
    expect(await plan()).toMatchObject({ groups: [], calls: 0 });
    expect(await planAt(path)).toMatchObject({
      groups: [{ action: 'none', counts: { add: 0, remove: 0, unresolved: 0 } }],
    });
  });

  it('says of a paused one what is renamed, removed, added and deleted', async () => {
    await connect({ policies: { guard: { teamPercent: 0 } } });
    const renamed = await integration.scim.createGroup('One', [users.ada!, users.bo!]);
    const deleted = await integration.scim.createGroup('Two', [users.cy!]);
    await scimify.settled(integration);
    await pause();
    await integration.scim.renameGroup(renamed, 'Uno');
    await integration.scim.removeMembers(renamed, users.ada!);
    await integration.scim.addMembers(renamed, users.dee!);
    await integration.scim.delete(`/Groups/${deleted}`);
    const [one, two] = ['One', 'Two'].map((name) => scimify.pagerDuty.team(name)!.id);
    const made = await harmlessPlan();
    expect(made.groups).toMatchObject([
      {
        groupId: renamed,
        displayName: 'Uno',
        action: 'update',
        remote: { id: one, name: 'One' },
        addMembers: [{ userId: users.dee, remoteUserId: personOf('dee') }],
        removeMembers: [{ userId: users.ada, userName: email('ada'), remoteUserId: personOf('ada') }],
      },
      { groupId: deleted, displayName: 'Two', action: 'delete', remote: { id: two }, removeMembers: [] },
    ]);
    const lookUps = scimify.pagerDuty.calls().length;
    const calls = await apply(['synced']);
    expect(calls).toEqual(
      [
        `PUT /teams/${one}`,
        `PUT /teams/${one}/users/${personOf('dee')}`,
        `DELETE /teams/${one}/users/${personOf('ada')}`,
        `DELETE /teams/${two}`,
      ].sort(),
    );
    expect(made.calls).toBe(calls.length + lookUps);
    expect(await harmlessPlan()).toMatchObject({ groups: [], calls: 0 });
  });

  it.each([
    ['delete', 'release', ['bo']],
    ['release', 'release', ['bo']],
    ['leave', 'none', []],
  ])('says of an adopted team who leaves under onGroupDelete: %s', async (onGroupDelete, action, leave) => {
    const team = scimify.pagerDuty.addTeam({ name: 'On-call' });
    scimify.pagerDuty.addMember(team.id, personOf('ada'));
    await connect({ policies: { onGroupDelete, guard: { teamPercent: 0 } } });
    const group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
    await pause();
    await integration.scim.delete(`/Groups/${group}`);
    const { groups } = await harmlessPlan();
    expect(groups).toMatchObject([
      { groupId: group, action, reason: action === 'none' ? 'team_left' : null },
    ]);
    expect(groups[0].removeMembers.map(({ userId }: any) => userId)).toEqual(
      leave.map((name) => users[name]),
    );
    expect(await apply([])).toEqual(leave.map((name) => `DELETE /teams/${team.id}/users/${personOf(name)}`));
  });

  it('says that a deleted team goes over to a new group of its name', async () => {
    await connect({ policies: { guard: { teamPercent: 0 } } });
    const old = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
    const { id } = scimify.pagerDuty.team('On-call')!;
    await pause();
    await integration.scim.delete(`/Groups/${old}`);
    const again = await integration.scim.createGroup('on-call', [users.bo!, users.cy!]);
    expect((await harmlessPlan()).groups).toMatchObject([
      { groupId: old, action: 'none', reason: 'taken_over' },
      {
        groupId: again,
        action: 'update',
        remote: { id },
        addMembers: [{ userId: users.cy }],
        removeMembers: [{ userId: users.ada }],
      },
    ]);
    expect(await apply(['synced'])).toEqual(
      [
        `PUT /teams/${id}`,
        `PUT /teams/${id}/users/${personOf('cy')}`,
        `DELETE /teams/${id}/users/${personOf('ada')}`,
      ].sort(),
    );
  });

  it('says who leaves when an address becomes that of another person', async () => {
    await connect();
    const group = await integration.scim.createGroup('On-call', [users.ada!]);
    await scimify.settled(integration);
    await pause();
    await integration.scim.patchOperations(`/Users/${users.ada}`, {
      op: 'replace',
      value: { emails: [{ primary: true, type: 'work', value: email('dee') }] },
    });
    expect((await harmlessPlan()).groups).toMatchObject([
      {
        groupId: group,
        action: 'update',
        addMembers: [{ userId: users.ada, remoteUserId: personOf('dee') }],
        removeMembers: [{ userId: users.ada, remoteUserId: personOf('ada') }],
      },
    ]);
  });

  it('says why a group is blocked, and whom PagerDuty does not know all the same', async () => {
    scimify.pagerDuty.addTeam({ name: 'On-call' });
    await connect({ enable: false, policies: { existingTeams: 'fail' } });
    await integration.scim.createGroup('On-call', [users.ada!, users.ghost!]);
    await integration.scim.createGroup('x'.repeat(101));
    const expected = [
      {
        action: 'none',
        reason: 'team_exists',
        message: expect.stringContaining('does not adopt'),
        addMembers: [],
        unresolved: [{ userId: users.ghost, reason: 'user_not_found' }],
      },
      { action: 'none', reason: 'name_too_long', message: expect.stringContaining('101') },
    ];
    expect((await harmlessPlan()).groups).toMatchObject(expected);
    expect(await apply(['blocked'])).toEqual([]);
    expect((await plan()).groups).toMatchObject(expected);
  });

  it('says that another integration holds the team', async () => {
    await connect();
    await integration.scim.createGroup('On-call', [users.ada!]);
    await scimify.settled(integration);
    integration = await scimify.createIntegration({ authMethod: 'api_key', enable: false });
    await integration.scim.createGroup('on-call');
    expect((await harmlessPlan()).groups).toMatchObject([{ action: 'none', reason: 'team_claimed' }]);
  });

  it('leaves places to others only as far as people leave a full team', async () => {
    const emails = Array.from({ length: 501 }, (_, user) => `user.${user}@example.com`);
    scimify.pagerDuty.addUsers(emails.map((address) => ({ email: address })));
    await connect({ enable: false });
    const ids = await integration.scim.createUsers(emails);
    const group = await integration.scim.createGroup('Everybody', ids);
    const full = (await planAt(`/groups/${group}/plan`)).groups[0];
    expect(full.counts).toEqual({ add: 500, remove: 0, unresolved: 1, held: 0 });
    expect(full.unresolved).toMatchObject([{ reason: 'team_full' }]);
    await apply(['partial']);
    await pause();
    const [{ userId: waiting }] = full.unresolved;
    const leaves = ids.find((id) => id !== waiting)!;
    await integration.scim.removeMembers(group, leaves);
    expect((await harmlessPlan()).groups).toMatchObject([
      { removeMembers: [{ userId: leaves }], addMembers: [{ userId: waiting }], unresolved: [] },
    ]);
  });

  describe('whose credential is refused', () => {
    const unresolvedOf = ({ groups }: any) => groups[0].unresolved;

    it('is what the database knows, and says what is wrong', async () => {
      await connect({ enable: false });
      const group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
      const [key] = scimify.pagerDuty.apiKeys();
      scimify.pagerDuty.disableKey(key!.id);
      const made = await harmlessPlan();
      expect(made.problem).toMatchObject({ reason: 'unauthorized', message: expect.any(String) });
      expect(made.groups).toMatchObject([
        { groupId: group, action: 'none', reason: 'not_looked_up', addMembers: [] },
      ]);
      expect(unresolvedOf(made)).toHaveLength(2);
      for (const { reason } of unresolvedOf(made)) expect(reason).toBe('not_looked_up');
      scimify.pagerDuty.enableKey(key!.id);
      expect(await plan()).toMatchObject({ problem: null, groups: [{ action: 'create' }] });
    });

    it('still tells of people who are known, also while the integration is suspended', async () => {
      await connect();
      const group = await integration.scim.createGroup('On-call', [users.ada!]);
      await scimify.settled(integration);
      const [key] = scimify.pagerDuty.apiKeys();
      scimify.pagerDuty.disableKey(key!.id);
      await integration.scim.removeMembers(group, users.ada!);
      await integration.scim.addMembers(group, users.bo!);
      await waitFor(
        'the integration to be suspended',
        async () => (await scimify.admin.get(`/integrations/${integration.id}`)).body,
        ({ suspension }) => suspension !== null,
      );
      const made = await plan();
      expect(made.problem).toMatchObject({ reason: 'unauthorized' });
      expect(made.groups).toMatchObject([
        { action: 'update', addMembers: [], removeMembers: [{ userId: users.ada }] },
      ]);
      expect(unresolvedOf(made)).toMatchObject([{ userId: users.bo, reason: 'not_looked_up' }]);
    });

    it('lacks a right: the teams are looked up, and the problem names it', async () => {
      await connect({ enable: false });
      scimify.pagerDuty.addTeam({ name: 'Sales' });
      await integration.scim.createGroup('On-call', [users.ada!]);
      scimify.pagerDuty.inject({ path: /^\/users/, status: 403 });
      const made = await harmlessPlan();
      expect(made.problem).toMatchObject({ message: expect.any(String) });
      expect(made.groups).toMatchObject([{ action: 'create', addMembers: [] }]);
      expect(unresolvedOf(made)).toMatchObject([{ userId: users.ada, reason: 'not_looked_up' }]);
    });
  });

  it('gives up on a PagerDuty that does not answer within twenty seconds', async () => {
    await connect({ enable: false });
    await integration.scim.createGroup('On-call', [users.ada!]);
    scimify.pagerDuty.inject({ path: /^\/users/, latencyMs: 60_000 });
    const began = performance.now();
    const made = await plan();
    expect(performance.now() - began).toBeLessThan(40_000);
    expect(made.problem).not.toBeNull();
    expect(made.groups).toMatchObject([{ unresolved: [{ reason: 'not_looked_up' }] }]);
  }, 60_000);

  it('comes in pages, which leave out what is done', async () => {
    await connect();
    await integration.scim.createGroup('Done', [users.ada!]);
    await scimify.settled(integration);
    await pause();
    const groups = await Promise.all(['A', 'B', 'C'].map((name) => integration.scim.createGroup(name)));
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: any = await planAt(`/plan?limit=2${cursor && `&cursor=${cursor}`}`);
      expect(page.groups.length).toBeLessThanOrEqual(2);
      seen.push(...page.groups.map(({ groupId }: any) => groupId));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual([...groups].sort());
  });

  it('is for those who may see the integration', async () => {
    await connect({ enable: false });
    const group = await integration.scim.createGroup('On-call');
    const viewer = await keyOf(integration.tenantId);
    const stranger = await keyOf(await scimify.createTenant('Other'));
    for (const path of ['/plan', `/groups/${group}/plan`]) {
      const as = (token: string) =>
        scimify.admin.get(`/integrations/${integration.id}${path}`, { Authorization: `Bearer ${token}` });
      expect((await as(viewer)).status).toBe(200);
      expect((await as(stranger)).status).toBe(404);
    }
    const unknown = '01980000-0000-7000-8000-000000000000';
    for (const path of [
      `/integrations/${unknown}/plan`,
      `/integrations/${integration.id}/groups/${unknown}/plan`,
    ]) {
      expect((await scimify.admin.get(path)).status).toBe(404);
    }
    expect((await scimify.admin.get(`/integrations/${integration.id}/plan?cursor=nonsense`)).status).toBe(
      400,
    );
  });
});
