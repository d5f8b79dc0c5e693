import { AnswerTap } from '../security/support/answer-tap';
import { Directory, EMPLOYEE_NUMBER } from '../support/directory';
import { DirectoryConnection } from '../support/directory-connection';
import { DirectoryProvider } from '../support/directory-provider';
import { GROUP_SCHEMA, USER_SCHEMA } from '../support/scim-client';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letRequestsEnd } from './support/passing-time';
import { beginReconciliation, reconciliationToEnd } from './support/reconciliation';

const PEOPLE = ['ada', 'bo', 'cy', 'dee'];
const email = (name: string) => `${name}@example.com`;
const emails = (...names: string[]) => names.map(email).sort();

/** The enterprise extension with this number. */
const numbered = (employeeNumber: string) => ({
  [EMPLOYEE_NUMBER.slice(0, EMPLOYEE_NUMBER.lastIndexOf(':'))]: { employeeNumber },
});

const READABLE = [
  '',
  '/users',
  '/plan',
  '/held-changes',
  '/drift',
  '/overview',
  '/refused-writes',
  '/scim-keys',
];

/** The deletion of an integration pauses for a while after a deadlock. */
const GONE_WITHIN_MS = 60_000;
jest.setTimeout(90_000);

/** The product with a kind of target that it does not know: it knows only what the provider contract says. */
describe('a target of another kind', () => {
  let scimify: Scimify;
  let tap: AnswerTap;
  const servers = new Map<string, Directory>();
  /** A new one for each test: a group of one directory belongs to one integration. */
  let server: string;
  let directory: Directory;
  let integration: TestIntegration;
  let users: Record<string, string>;

  beforeAll(async () => {
    scimify = await Scimify.start({}, {}, new DirectoryProvider(servers));
    tap = new AnswerTap();
  });

  afterAll(async () => {
    tap.remove();
    await scimify.stop();
  });

  beforeEach(() => {
    directory = new Directory();
    for (const name of PEOPLE) directory.addPerson(email(name));
    server = `house${servers.size}.example`;
    servers.set(server, directory);
    scimify.pagerDuty.clearCalls();
    tap.answers.length = 0;
  });

  const target = () => ({
    provider: 'directory',
    name: 'Headquarters',
    settings: { server },
    secret: directory.password,
  });

  const connect = async ({
    enable = true,
    policies,
    names = PEOPLE,
  }: { enable?: boolean; policies?: object; names?: string[] } = {}) => {
    integration = await scimify.integrate({ ...target(), policies }, { enable });
    const ids = await integration.scim.createUsers(names.map(email));
    users = Object.fromEntries(names.map((name, index) => [name, ids[index]!]));
  };

  const push = (group: string, ...names: string[]) =>
    integration.scim.createGroup(
      group,
      names.map((name) => users[name]!),
    );

  const at = (path: string) => `/integrations/${integration.id}${path}`;
  const read = async (path: string) => (await scimify.admin.get(at(path))).body;
  const act = async (path: string, body?: object) => {
    const { status } = await scimify.admin.post(at(path), body);
    expect(status).toBeLessThan(300);
  };

  const untilMembers = (expected: Record<string, string[]>) =>
    waitFor(
      `the directory to have ${JSON.stringify(expected)}`,
      () => directory.members(),
      (members) => JSON.stringify(sorted(members)) === JSON.stringify(sorted(expected)),
    );

  /** Everything that an admin can read of the integration now. */
  const readEverything = async () => {
    const groups: { id: string }[] = (await read('/groups')).items ?? [];
    for (const { id } of groups) {
      for (const path of ['', '/members', '/plan']) await read(`/groups/${id}${path}`);
    }
    for (const path of READABLE) await read(path);
    await scimify.admin.post(at('/connection-test'));
    for (const path of ['integrations', 'audit-events?limit=200']) {
      await scimify.admin.get(`/tenants/${integration.tenantId}/${path}`);
    }
  };

  afterEach(async () => {
    await readEverything();
    const { id, tenantId } = integration;
    const told = tap.answers.filter(({ asked }) => asked.includes(id) || asked.includes(tenantId));
    expect(told.length).toBeGreaterThan(READABLE.length);
    // Neither an admin nor the IdP reads of a target that they do not use.
    expect(told.filter(({ text }) => /pager.?duty/i.test(text))).toEqual([]);
  });

  describe('is set up', () => {
    it('like any other that is offered', async () => {
      await connect({ enable: false });
      const { items } = (await scimify.admin.get('/providers')).body;
      expect(items.map(({ type }: { type: string }) => type)).toEqual(['pagerduty', 'directory']);
      expect(items[1]).toMatchObject({
        displayName: 'House directory',
        authMethods: [{ id: 'bind' }],
        settingsSchema: { properties: { server: { title: 'Server' } }, required: ['server'] },
      });
    });

    it('with settings that it accepts, each field of which is named otherwise', async () => {
      await connect({ enable: false });
      const create = (body: object, tenantId = integration.tenantId) =>
        scimify.admin.post(`/tenants/${tenantId}/integrations`, body);
      const refused = await create({ ...target(), settings: { authMethod: 'api_key' } });
      expect(refused.status).toBe(400);
      expect(refused.body.errors.map(({ field }: { field: string }) => field).sort()).toEqual([
        'settings.authMethod',
        'settings.server',
      ]);
      const unknown = await create({ ...target(), provider: 'pigeons' }, await scimify.createTenant());
      expect(unknown.body.errors).toEqual([
        { field: 'provider', message: 'must be one of: pagerduty, directory' },
      ]);
      const accepted = await create({ ...target(), settings: { server: server.toUpperCase() } });
      expect(accepted).toMatchObject({ status: 201, body: { settings: { server }, mode: 'paused' } });
    });

    it('and tested, as far as it can be', async () => {
      await connect({ enable: false });
      expect((await scimify.admin.post(at('/connection-test'))).body).toMatchObject({
        ok: true,
        checks: [{ id: 'password', status: 'passed', message: `This is ${server}.` }],
      });
      expect(await read('')).toMatchObject({
        account: { name: server, url: `ldap://${server}` },
        connection: { status: 'ok' },
      });
      directory.away = true;
      expect((await scimify.admin.post(at('/connection-test'))).body.ok).toBe(false);
      expect(await read('')).toMatchObject({ connection: { status: 'failed', reason: 'no_answer' } });
      await readEverything();
      directory.away = false;
    });

    it('and keeps its account, whatever else is changed', async () => {
      await connect();
      await push('On-call', 'ada');
      await scimify.settled(integration);
      servers.set('branch.example', new Directory());
      const moved = await scimify.admin.patch(at(''), { settings: { server: 'branch.example' } });
      expect(moved).toMatchObject({ status: 409, body: { code: 'account_mismatch' } });
      const wrong = await scimify.admin.put(at('/secret'), { secret: 'wrong' });
      expect(wrong).toMatchObject({ status: 422, body: { code: 'secret_refused' } });
      expect((await scimify.admin.put(at('/secret'), { secret: directory.password })).status).toBe(204);
    });
  });

  describe('gets what the identity provider pushes:', () => {
    it('groups with their members, matched without case, and shows how they stand', async () => {
      directory.addPerson('Eve@Example.COM');
      await connect({ names: [...PEOPLE, 'eve'] });
      const id = await push('On-call', 'ada', 'eve');
      await push('Nobody');
      await scimify.settled(integration);
      expect(directory.members()).toEqual({ 'On-call': ['Eve@Example.COM', email('ada')], Nobody: [] });
      expect(directory.group('On-call')!.description).toBe(
        `Created via Scimify for tenant ${integration.tenantId}`,
      );
      expect(await read(`/groups/${id}`)).toMatchObject({
        state: 'synced',
        remote: { id: directory.group('On-call')!.id, name: 'On-call', url: null, ownership: 'created' },
        members: { desired: 2, applied: 2, pending: 0 },
      });
      expect(await scimify.members(integration, id)).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ userId: users.ada, remoteUserId: directory.person(email('ada')) }),
        ]),
      );
      expect(await read('/overview')).toMatchObject({ groups: { synced: 2 }, rate: null });
    });

    it('people whom it does not have, once it has them', async () => {
      await connect({ names: [...PEOPLE, 'late'] });
      const id = await push('On-call', 'ada', 'late');
      const [shown] = await scimify.settled(integration, ['partial']);
      expect(shown).toMatchObject({ id, reason: 'user_not_found', members: { applied: 1, pending: 1 } });
      await readEverything();
      expect(await scimify.members(integration, id)).toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            userId: users.late,
            state: 'pending',
            message: 'No person in the directory has this address.',
          }),
        ]),
      );
      directory.addPerson(email('late'));
      await act('/sync');
      await untilMembers({ 'On-call': emails('ada', 'late') });
      await scimify.settled(integration);
    });

    it('other names, be they another spelling or each other’s', async () => {
      await connect();
      const day = await push('Day shift', 'ada');
      const night = await push('Night shift', 'bo');
      await scimify.settled(integration);
      await integration.scim.renameGroup(day, 'Day-Shift');
      await untilMembers({ 'Day-Shift': emails('ada'), 'Night shift': emails('bo') });
      await act('/pause');
      await integration.scim.renameGroup(day, 'Early shift');
      await integration.scim.renameGroup(night, 'Day-Shift');
      await integration.scim.renameGroup(day, 'Night shift');
      await act('/enable');
      await untilMembers({ 'Night shift': emails('ada'), 'Day-Shift': emails('bo') });
      await scimify.settled(integration);
    });

    it('members who leave the group, are deactivated or deleted', async () => {
      await connect();
      const id = await push('On-call', ...PEOPLE);
      await scimify.settled(integration);
      await integration.scim.removeMembers(id, users.bo!);
      await untilMembers({ 'On-call': emails('ada', 'cy', 'dee') });
      await integration.scim.setActive(users.cy!, false);
      await untilMembers({ 'On-call': emails('ada', 'dee') });
      await integration.scim.setActive(users.cy!, true);
      await untilMembers({ 'On-call': emails('ada', 'cy', 'dee') });
      await integration.scim.delete(`/Users/${users.dee}`);
      await untilMembers({ 'On-call': emails('ada', 'cy') });
    });

    it('members in a role of its own, and in no role of another kind of target', async () => {
      await connect({ policies: { memberRole: 'keeper' } });
      await push('On-call', 'ada');
      await scimify.settled(integration);
      const { roles } = directory.group('On-call')!;
      expect([...roles]).toEqual([[directory.person(email('ada')), 'keeper']]);

      const { items } = (await scimify.admin.get('/providers')).body;
      expect(items.map(({ memberRoles }: any) => memberRoles.map(({ id }: any) => id))).toEqual([
        ['manager', 'responder', 'observer'],
        ['keeper', 'guest'],
      ]);
      const refused = {
        status: 400,
        body: { errors: [{ field: 'policies.memberRole', message: 'must be one of: keeper, guest' }] },
      };
      const policies = { memberRole: 'manager' };
      expect(await scimify.admin.patch(at(''), { policies })).toMatchObject(refused);
      const others = `/tenants/${integration.tenantId}/integrations`;
      expect(await scimify.admin.post(others, { ...target(), policies })).toMatchObject(refused);
      expect((await scimify.admin.patch(at(''), { policies: { memberRole: 'guest' } })).status).toBe(200);
      await push('Night shift', 'bo');
      await scimify.settled(integration);
      expect([...directory.group('Night shift')!.roles.values()]).toEqual(['guest']);
      expect([...roles.values()]).toEqual(['keeper']);
    });

    it('people by their number, which it asks for, and others once they have another one', async () => {
      const zoe = directory.addPerson('zoe@elsewhere.example', 'E-7');
      const max = directory.addPerson('max@elsewhere.example', 'E-8');
      await connect({ names: [] });
      const user = await integration.scim.createUser('somebody@example.com', numbered('E-7'));
      await integration.scim.createGroup('On-call', [user]);
      await untilMembers({ 'On-call': ['zoe@elsewhere.example'] });
      await scimify.settled(integration);
      expect(await scimify.members(integration, (await scimify.groups(integration))[0].id)).toMatchObject([
        { remoteUserId: zoe, state: 'applied' },
      ]);
      await integration.scim.patchOperations(`/Users/${user}`, {
        op: 'replace',
        path: EMPLOYEE_NUMBER,
        value: 'E-8',
      });
      await untilMembers({ 'On-call': ['max@elsewhere.example'] });
      await scimify.settled(integration);
      expect((await read('/users')).items).toMatchObject([{ remoteUserId: max, state: 'resolved' }]);
    });

    it('people by their number whatever comes with it, and looks up nobody for what it does not ask', async () => {
      directory.addPerson('zoe@elsewhere.example', 'E-7');
      await connect({ names: ['ada'] });
      const user = await integration.scim.createUser('somebody@example.com');
      await integration.scim.createGroup('On-call', [user, users.ada!]);
      await scimify.settled(integration, ['partial']);
      expect((await read('/users?search=somebody')).items).toMatchObject([{ state: 'not_found' }]);
      const lookUps = jest.spyOn(DirectoryConnection.prototype, 'resolveUsers');
      await integration.scim.patchOperations(`/Users/${users.ada}`, {
        op: 'replace',
        value: { title: 'Chief' },
      });
      // A whole new resource, with the number but without the previous address.
      await integration.scim.put(`/Users/${user}`, {
        schemas: [USER_SCHEMA],
        userName: 'somebody@example.com',
        ...numbered('E-7'),
      });
      await untilMembers({ 'On-call': [email('ada'), 'zoe@elsewhere.example'] });
      await scimify.settled(integration);
      const told = lookUps.mock.calls.flatMap(([identities]) => identities);
      expect(told).toMatchObject([{ key: user, attributes: { [EMPLOYEE_NUMBER]: 'E-7' } }]);
      lookUps.mockRestore();
    });

    it('no more members than it takes, and the next one when one leaves', async () => {
      const names = Array.from({ length: 13 }, (_, index) => `user-${index}`);
      for (const name of names) directory.addPerson(email(name));
      await connect({ names });
      const id = await push('Everybody', ...names);
      const [shown] = await scimify.settled(integration, ['partial']);
      expect(shown).toMatchObject({ reason: 'team_full', members: { applied: 12, pending: 1 } });
      expect(shown.message).toContain('12 members');
      await readEverything();
      const inIt = (await scimify.members(integration, id)).filter(({ state }) => state === 'applied');
      await integration.scim.removeMembers(id, inIt[0].userId);
      await scimify.settled(integration);
      expect(directory.group('Everybody')!.memberIds.size).toBe(12);
    });

    it('the next one in place of somebody who is refused, for whom the last place was kept', async () => {
      const names = Array.from({ length: 13 }, (_, index) => `user-${index}`);
      for (const name of names) directory.addPerson(email(name));
      await connect({ names });
      const id = await push('Everybody', ...names.slice(0, 11));
      await push('Few', 'user-11');
      await scimify.settled(integration);
      directory.removePerson(directory.person(email('user-11'))!);
      await integration.scim.addMembers(id, users['user-11']!, users['user-12']!);
      await waitFor(
        'the next one to join',
        () => directory.members().Everybody!,
        (members) => members.includes(email('user-12')),
      );
      await scimify.settled(integration, ['partial', 'synced']);
    });

    it('one after the other in a full group whose members are replaced, and more than there are places for', async () => {
      const names = Array.from({ length: 21 }, (_, index) => `user-${index}`);
      for (const name of names) directory.addPerson(email(name));
      await connect({ names, policies: WITHOUT_GUARD });
      const id = await push('Everybody', ...names.slice(0, 12));
      await scimify.settled(integration);
      directory.changes.length = 0;
      const replace = (...wanted: string[]) =>
        integration.scim.patchOperations(`/Groups/${id}`, {
          op: 'replace',
          path: 'members',
          value: wanted.map((name) => ({ value: users[name]! })),
        });
      await replace(...names.slice(8));
      await waitFor(
        'all places to be theirs',
        () => directory.members().Everybody!,
        (members) =>
          members.length === 12 && names.slice(0, 8).every((name) => !members.includes(email(name))),
      );
      expect(directory.changes.map((change) => change.split(' ')[0])).toEqual(
        Array.from({ length: 8 }, () => ['remove', 'add']).flat(),
      );
      const [shown] = await scimify.settled(integration, ['partial']);
      expect(shown).toMatchObject({ reason: 'team_full', members: { applied: 12, pending: 1 } });
      // No place is kept for a waiting member any more, so later removals do not wait either.
      await replace(names[20]!);
      await untilMembers({ Everybody: emails(names[20]!) });
    });

    it('no group that is called too long for it', async () => {
      await connect();
      await push('x'.repeat(41));
      const [shown] = await scimify.settled(integration, ['blocked']);
      expect(shown).toMatchObject({ reason: 'name_too_long' });
      expect(shown.message).toContain('has 41 characters and House directory takes 40');
      expect(directory.changes).toEqual([]);
    });

    it('no group any more that was deleted', async () => {
      await connect();
      const id = await push('On-call', 'ada');
      await push('Night shift', 'bo');
      await scimify.settled(integration);
      await integration.scim.delete(`/Groups/${id}`);
      await untilMembers({ 'Night shift': emails('bo') });
    });
  });

  describe('has a group of that name already', () => {
    beforeEach(() => directory.addGroup('NIGHT_SHIFT', [directory.person(email('dee'))!]));

    it('which is adopted, gets the name as it is wanted, and is released in the end', async () => {
      await connect();
      const id = await push('Night shift', 'ada');
      await scimify.settled(integration);
      expect(directory.members()).toEqual({ 'Night shift': emails('ada', 'dee') });
      expect(await read(`/groups/${id}`)).toMatchObject({ remote: { ownership: 'adopted' } });
      await integration.scim.delete(`/Groups/${id}`);
      await untilMembers({ 'Night shift': emails('dee') });
    });

    it('which is left alone where the policy says so', async () => {
      await connect({ policies: { existingTeams: 'fail' } });
      await push('Night shift', 'ada');
      expect(await scimify.settled(integration, ['blocked'])).toMatchObject([{ reason: 'team_exists' }]);
      expect(directory.changes).toEqual([]);
    });

    it('which only one group can have of those whose names are one name there', async () => {
      await connect();
      await push('Night shift', 'ada');
      const other = await push('Day shift', 'bo');
      await scimify.settled(integration);
      const conflict = {
        status: 409,
        body: {
          scimType: 'uniqueness',
          detail: expect.stringContaining('one that the target treats as the same'),
        },
      };
      const second = { schemas: [GROUP_SCHEMA], displayName: 'NIGHT-SHIFT' };
      expect(await integration.scim.post('/Groups', second)).toMatchObject(conflict);
      const renamed = { op: 'replace', value: { displayName: 'Nightshift!' } };
      expect(await integration.scim.patchOperations(`/Groups/${other}`, renamed)).toMatchObject(conflict);
      expect(directory.members()).toEqual({ 'Day shift': emails('bo'), 'Night shift': emails('ada', 'dee') });
    });
  });

  describe('is planned for', () => {
    /** What the plan says of each group: its action, who joins and who leaves. */
    const planned = async () => {
      const { groups, problem } = await read('/plan');
      expect(problem).toBeNull();
      return Object.fromEntries(
        groups.map(({ displayName, action, addMembers, removeMembers }: any) => [
          displayName,
          [
            action,
            ...addMembers.map((m: any) => `+${m.userName}`).sort(),
            ...removeMembers.map((m: any) => `-${m.userName}`).sort(),
          ],
        ]),
      );
    };

    it('and becomes what the plan said, with no change more', async () => {
      directory.addGroup('Night_Shift', [directory.person(email('dee'))!]);
      await connect({ enable: false });
      const day = await push('Day shift', 'ada', 'bo');
      const night = await push('Night shift', 'cy', 'dee');
      expect(await planned()).toEqual({
        'Day shift': ['create', `+${email('ada')}`, `+${email('bo')}`],
        'Night shift': ['adopt', `+${email('cy')}`],
      });
      expect(directory.changes).toEqual([]);
      await act('/enable');
      await scimify.settled(integration);
      expect(directory.members()).toEqual({
        'Day shift': emails('ada', 'bo'),
        'Night shift': emails('cy', 'dee'),
      });
      expect([...directory.changes].sort()).toEqual(
        [
          `add ${directory.person(email('ada'))}`,
          `add ${directory.person(email('bo'))}`,
          `add ${directory.person(email('cy'))}`,
          'change Night_Shift',
          'create Day shift',
        ].sort(),
      );

      await act('/pause');
      directory.changes.length = 0;
      await integration.scim.removeMembers(day, users.bo!);
      await integration.scim.addMembers(day, users.cy!);
      await integration.scim.delete(`/Groups/${night}`);
      expect(await planned()).toEqual({
        'Day shift': ['update', `+${email('cy')}`, `-${email('bo')}`],
        'Night shift': ['release', `-${email('cy')}`],
      });
      await act('/enable');
      await untilMembers({ 'Day shift': emails('ada', 'cy'), 'Night shift': emails('dee') });
      expect(directory.changes).toHaveLength(3);
    });

    it('and keeps what a new group of the same name takes over from a deleted one', async () => {
      await connect();
      const former = await push('Night shift', 'ada', 'bo');
      await scimify.settled(integration);
      const { id } = directory.group('Night shift')!;
      await act('/pause');
      await integration.scim.delete(`/Groups/${former}`);
      await push('NIGHT_SHIFT', 'ada', 'cy');
      expect(await planned()).toEqual({
        'Night shift': ['none'],
        NIGHT_SHIFT: ['update', `+${email('cy')}`, `-${email('bo')}`],
      });
      await act('/enable');
      await untilMembers({ NIGHT_SHIFT: emails('ada', 'cy') });
      expect(directory.group('NIGHT_SHIFT')!.id).toBe(id);
    });

    it('and takes no harm from a look while nobody answers', async () => {
      await connect({ enable: false });
      await push('Day shift', 'ada');
      directory.away = true;
      expect(await read('/plan')).toMatchObject({
        problem: { reason: 'no_answer', message: expect.stringContaining(`${server} does not answer.`) },
        groups: [{ action: 'none', reason: 'not_looked_up' }],
      });
    });
  });

  describe('is changed by hand', () => {
    const reconcile = async () => {
      await beginReconciliation(scimify, integration);
      await reconciliationToEnd(scimify, integration);
    };
    const driftFound = async () =>
      (await read('/drift')).items.map(({ kind }: { kind: string }) => kind).sort();

    it('and put right where it is ours, and told where it is not', async () => {
      await connect();
      await push('On-call', 'ada', 'bo');
      await scimify.settled(integration);
      const group = directory.group('On-call')!;
      group.memberIds.delete(directory.person(email('ada'))!);
      group.memberIds.add(directory.person(email('dee'))!);
      group.name = 'Renamed by hand';
      await reconcile();
      expect(await driftFound()).toEqual(['member_extra', 'member_missing', 'team_renamed']);
      await untilMembers({ 'On-call': emails('ada', 'bo', 'dee') });
    });

    it('and gets a group again that was deleted there', async () => {
      // A group that was made a moment ago may just not be visible yet.
      directory.addGroup('On-call');
      await connect();
      await push('On-call', 'ada');
      await push('Night shift', 'bo');
      await scimify.settled(integration);
      directory.groups.delete(directory.group('On-call')!.id);
      await reconcile();
      expect(await driftFound()).toEqual(['team_missing']);
      await untilMembers({ 'On-call': emails('ada'), 'Night shift': emails('bo') });
    });

    it('and gets a person again who is somebody new there', async () => {
      await connect();
      await push('On-call', 'ada', 'bo');
      await scimify.settled(integration);
      directory.removePerson(directory.person(email('ada'))!);
      await reconcile();
      await scimify.settled(integration, ['partial']);
      await readEverything();
      directory.addPerson(email('ada'));
      await act('/sync');
      await untilMembers({ 'On-call': emails('ada', 'bo') });
    });
  });

  it('is guarded against a mass removal until an admin agrees', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `user-${index}`);
    for (const name of names) directory.addPerson(email(name));
    await connect({ names });
    const id = await push('On-call', ...names);
    await scimify.settled(integration);
    await integration.scim.removeMembers(id, ...names.slice(0, 8).map((name) => users[name]!));
    await scimify.settled(integration, ['held']);
    expect(directory.group('On-call')!.memberIds.size).toBe(10);
    const [change] = (await read('/held-changes')).items;
    expect(change).toMatchObject({ scope: 'team', itemCount: 8 });
    await readEverything();
    expect((await scimify.admin.post(`/held-changes/${change.id}/approve`)).status).toBe(202);
    await untilMembers({ 'On-call': emails('user-8', 'user-9') });
  });

  it('is waited for while nobody answers, and gets everything then', async () => {
    await connect();
    directory.away = true;
    await push('On-call', 'ada');
    const [shown] = await scimify.settled(integration, ['retrying']);
    expect(shown).toMatchObject({
      reason: 'no_answer',
      message: `${server} does not answer. Ask its keeper.`,
    });
    await readEverything();
    directory.away = false;
    await act('/sync');
    await untilMembers({ 'On-call': emails('ada') });
  });

  it('is tried again within a quarter of an hour, whatever later time it names', async () => {
    await connect();
    directory.away = true;
    directory.awayForMs = 999_999_000;
    await push('On-call', 'ada');
    const [shown] = await scimify.settled(integration, ['retrying']);
    expect(Date.parse(shown.nextAttemptAt)).toBeLessThanOrEqual(Date.now() + 15 * 60_000);
    expect(Date.parse(shown.nextAttemptAt)).toBeGreaterThan(Date.now() + 14 * 60_000);
    directory.away = false;
    await act('/sync');
    await untilMembers({ 'On-call': emails('ada') });
  });

  it('is left alone once it refuses the password, until it is given the right one', async () => {
    await connect();
    await push('On-call', 'ada');
    await scimify.settled(integration);
    const changed = new Directory('another password');
    for (const [id, address] of directory.people) changed.people.set(id, address);
    for (const [id, group] of directory.groups) changed.groups.set(id, group);
    servers.set(server, changed);
    await push('Night shift', 'bo');
    const suspended = await waitFor(
      'the integration to be suspended',
      () => read(''),
      ({ suspension }) => suspension !== null,
    );
    expect(suspended.suspension).toMatchObject({ reason: 'password_refused' });
    await readEverything();
    expect((await scimify.admin.put(at('/secret'), { secret: changed.password })).status).toBe(204);
    await scimify.settled(integration);
    expect(changed.members()).toEqual({ 'On-call': emails('ada'), 'Night shift': emails('bo') });
  });

  describe('is let go', () => {
    const remove = async (query = '') => {
      expect((await scimify.admin.delete(at(query))).status).toBe(202);
      await letRequestsEnd(scimify);
      await waitFor(
        'the integration to be gone',
        () => scimify.admin.get(at('')),
        ({ status }) => status === 404,
        GONE_WITHIN_MS,
      );
    };

    it('with everything as it is', async () => {
      await connect();
      await push('On-call', 'ada', 'bo');
      await scimify.settled(integration);
      directory.changes.length = 0;
      await remove();
      expect(directory.members()).toEqual({ 'On-call': emails('ada', 'bo') });
      expect(directory.changes).toEqual([]);
    });

    it('with all that is ours, where that is asked', async () => {
      directory.addGroup('Night shift', [directory.person(email('dee'))!]);
      await connect();
      await push('On-call', 'ada');
      await push('Night shift', 'bo');
      await scimify.settled(integration);
      await remove('?teams=delete');
      expect(directory.members()).toEqual({ 'Night shift': emails('dee') });
    });
  });

  it('has nothing to do with one of the first kind beside it, and never made a call there until now', async () => {
    expect(scimify.pagerDuty.calls()).toEqual([]);
    await connect();
    await push('On-call', 'ada');
    scimify.pagerDuty.addUser({ email: email('bo') });
    const other = await scimify.createIntegration({ authMethod: 'api_key' });
    await other.scim.createGroup('On-call', await other.scim.createUsers([email('bo')]));
    await scimify.settled(integration);
    await scimify.settled(other);
    expect(directory.members()).toEqual({ 'On-call': emails('ada') });
    expect(scimify.teams()).toEqual({ 'On-call': emails('bo') });
  });
});

function sorted(members: Record<string, string[]>): [string, string[]][] {
  return Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1));
}
