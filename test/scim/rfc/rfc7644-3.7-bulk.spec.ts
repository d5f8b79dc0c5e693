import type { ScimClient } from '../../support/scim-client';
import { PUBLIC_URL, type TestIntegration } from '../../support/scimify';
import {
  expectList,
  expectOneSentence,
  expectScimError,
  memberIds,
  type Resource,
} from '../support/expectations';
import { group, newName, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import {
  BULK_REQUEST,
  BULK_RESPONSE,
  CORE_GROUP,
  CORE_USER,
  ENTERPRISE,
  ERROR,
  NOBODY,
  PATCH_OP,
} from '../support/urns';

const patchOf = (...Operations: object[]) => ({ schemas: [PATCH_OP], Operations });

describe('RFC 7644 §3.7, bulk operations', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;
  let scim: ScimClient;
  let base: string;

  beforeAll(async () => {
    integration = await server.freshIntegration();
    ({ scim } = integration);
    base = `${PUBLIC_URL}/scim/v2/${integration.id}`;
  });

  const bulk = (Operations: unknown, more: object = {}) =>
    scim.post('/Bulk', { schemas: [BULK_REQUEST], ...more, Operations });

  /** The operations of a valid bulk response (RFC 7644 §3.7.3). */
  async function done(Operations: object[], more: object = {}): Promise<Resource[]> {
    const { status, body } = await bulk(Operations, more);
    expect({ status, schemas: body.schemas }).toEqual({ status: 200, schemas: [BULK_RESPONSE] });
    const results = body.Operations as Resource[];
    for (const result of results) {
      expect(typeof result.status).toBe('string');
      if (Number(result.status) >= 400) {
        expect(result.response).toMatchObject({ schemas: [ERROR], status: result.status });
        expectOneSentence(result.response.detail);
      }
    }
    return results;
  }

  const statuses = (results: Resource[]) => results.map(({ status }) => status as string);

  it('creates, replaces, changes and deletes, and says how each went', async () => {
    const { body: other } = await scim.post('/Users', user());
    const { body: goes } = await scim.post('/Users', user());
    const results = await done([
      { method: 'POST', path: '/Users', bulkId: 'q', data: user({ displayName: 'New' }) },
      { method: 'PUT', path: `/Users/${other.id}`, data: user({ userName: other.userName, title: 'Put' }) },
      {
        method: 'PATCH',
        path: `/Users/${other.id}`,
        data: patchOf({ op: 'add', path: 'nickName', value: 'P' }),
      },
      { method: 'DELETE', path: `/Users/${goes.id}` },
      { method: 'POST', path: '/Groups', bulkId: 'g', data: group({ members: [{ value: other.id }] }) },
    ]);
    expect(statuses(results)).toEqual(['201', '200', '200', '204', '201']);
    expect(results.map(({ method }) => method as string)).toEqual(['POST', 'PUT', 'PATCH', 'DELETE', 'POST']);
    expect(results[0]).toMatchObject({ bulkId: 'q' });
    expect(results[4]).toMatchObject({ bulkId: 'g' });
    const [created, , , , aGroup] = results as [Resource, Resource, Resource, Resource, Resource];
    expect(created.location).toMatch(new RegExp(`^${base}/Users/[^/]+$`));
    expect(results[1]!.location).toBe(`${base}/Users/${other.id}`);
    expect(results[2]!.location).toBe(`${base}/Users/${other.id}`);
    expect(results[3]!.location).toBe(`${base}/Users/${goes.id}`);

    const made = await scim.get(created.location.slice(base.length));
    expect(made).toMatchObject({ status: 200, body: { displayName: 'New' } });
    if (created.version !== undefined) expect(created.version).toBe(made.body.meta.version);
    const changed = await scim.get(`/Users/${other.id}`);
    expect(changed.body).toMatchObject({ title: 'Put', nickName: 'P' });
    expectScimError(await scim.get(`/Users/${goes.id}`), 404);
    expect(memberIds(await scim.get(aGroup.location.slice(base.length)))).toEqual([other.id]);
  });

  describe('§3.7.1, bulkId references', () => {
    it('to what was made before are resolved', async () => {
      const displayName = `Of bulk ${newName()}`;
      const results = await done([
        { method: 'POST', path: '/Users', bulkId: 'ada', data: user() },
        {
          method: 'POST',
          path: '/Groups',
          bulkId: 'team',
          data: group({ displayName, members: [{ value: 'bulkId:ada', type: 'User' }] }),
        },
      ]);
      expect(statuses(results)).toEqual(['201', '201']);
      const adaId = (results[0]!.location as string).split('/').at(-1);
      const [made] = expectList(
        await scim.get(`/Groups?filter=${encodeURIComponent(`displayName eq "${displayName}"`)}`),
        1,
      );
      expect(made!.members.map(({ value }: Resource) => value)).toEqual([adaId]);
      expect(JSON.stringify(made)).not.toMatch(/bulkId/i);
    });

    it('to what is made later are resolved, and nothing is made twice', async () => {
      const displayName = `Forward ${newName()}`;
      const results = await done([
        {
          method: 'POST',
          path: '/Groups',
          bulkId: 'team',
          data: group({ displayName, members: [{ value: 'bulkId:late' }] }),
        },
        { method: 'POST', path: '/Users', bulkId: 'late', data: user() },
      ]);
      expect(results.map(({ status, bulkId }) => `${bulkId} ${status}`).sort()).toEqual([
        'late 201',
        'team 201',
      ]);
      const late = results.find(({ bulkId }) => bulkId === 'late')!;
      const [made] = expectList(
        await scim.get(`/Groups?filter=${encodeURIComponent(`displayName eq "${displayName}"`)}`),
        1,
      );
      expect(made!.members.map(({ value }: Resource) => value)).toEqual([late.location.split('/').at(-1)]);
    });

    it('in PATCH, in PUT and in an extension are resolved', async () => {
      const groupId = await scim.createGroup(`Patched by bulk ${newName()}`);
      const report = user();
      const results = await done([
        { method: 'POST', path: '/Users', bulkId: 'boss', data: user() },
        {
          method: 'POST',
          path: '/Users',
          bulkId: 'report',
          data: { ...report, [ENTERPRISE]: { manager: { value: 'bulkId:boss' } } },
        },
        {
          method: 'PATCH',
          path: `/Groups/${groupId}`,
          data: patchOf({
            op: 'add',
            path: 'members',
            value: [{ value: 'bulkId:boss' }, { value: 'bulkId:report' }],
          }),
        },
      ]);
      expect(statuses(results).map((status) => Number(status) < 300)).toEqual([true, true, true]);
      const [boss, reporter] = results.map(({ location }) => (location as string).split('/').at(-1)!);
      expect((await scim.get(`/Users/${reporter}`)).body[ENTERPRISE].manager.value).toBe(boss);
      expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual([boss, reporter].sort());
    });

    const manager = (value: unknown) => ({ [ENTERPRISE]: { department: 'Ops', manager: value } });
    const make = (bulkId: string, more: object = {}) => ({
      method: 'POST',
      path: '/Users',
      bulkId,
      data: user(more),
    });
    const idOf = ({ location }: Resource) => (location as string).split('/').at(-1)!;
    const managerOf = async (id: string) =>
      (await scim.get(`/Users/${id}`)).body[ENTERPRISE]?.manager?.value as string | undefined;

    it('in a circle are resolved: users that name each other or themselves are created, then patched', async () => {
      const groupId = await scim.createGroup(`Of a circle ${newName()}`);
      const results = await done([
        {
          method: 'PATCH',
          path: `/Groups/${groupId}`,
          data: patchOf({ op: 'add', path: 'members', value: [{ value: 'bulkId:one' }] }),
        },
        make('one', manager({ value: 'bulkId:two' })),
        { method: 'PUT', path: '/Users/bulkId:one', data: user({ title: 'Put', ...manager('bulkId:self') }) },
        make('two', manager({ value: 'bulkId:three' })),
        make('three', manager(['bulkId:one'])),
        make('self', manager({ value: 'bulkId:self' })),
        make('outside', manager({ value: 'bulkId:two' })),
        make('both', { ...manager('bulkId:both'), roles: [{ value: 'bulkId:other' }, { value: 'lead' }] }),
        make('other', manager({ value: 'bulkId:both' })),
      ]);
      expect(statuses(results)).toEqual(['200', '201', '200', ...Array<string>(6).fill('201')]);
      expect(results.map(({ bulkId }) => bulkId as string | undefined)).toEqual([
        ...[undefined, 'one', undefined, 'two', 'three', 'self', 'outside', 'both', 'other'],
      ]);
      const [, one, , two, three, self, outside, both, other] = results.map(idOf) as [string, ...string[]];
      expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual([one]);
      expect(
        await Promise.all([one, two, three, self, outside, both, other].map((id) => managerOf(id!))),
      ).toEqual([self, three, one, self, two, both, both]);
      expect((await scim.get(`/Users/${one}`)).body.title).toBe('Put');
      expect((await scim.get(`/Users/${both}`)).body.roles).toEqual([{ value: other }, { value: 'lead' }]);
      expect((await scim.get(`/Users/${two}`)).body[ENTERPRISE].department).toBe('Ops');
      for (const { location, version } of [results[3]!, results[5]!]) {
        const { body } = await scim.get((location as string).slice(base.length));
        expect(version).toBe(body.meta.version);
        expect(JSON.stringify(body)).not.toMatch(/bulkId:/);
      }
    });

    it('in a circle that cannot be closed are told of, with the location of what is there', async () => {
      const userName = newName();
      const [one, two] = await done([
        make('one', { userName, ...manager({ value: 'bulkId:two' }) }),
        make('two', { userName: '', ...manager({ value: 'bulkId:one' }) }),
      ]);
      expect(one).toMatchObject({ method: 'POST', bulkId: 'one', status: '409' });
      expect(one!.response.detail).toContain('"two"');
      expect((await scim.get(`/Users/${idOf(one!)}`)).body).toMatchObject({ userName });
      expect(await managerOf(idOf(one!))).toBeUndefined();
      expect(two).toMatchObject({ method: 'POST', bulkId: 'two', status: '400' });
      expect(two).not.toHaveProperty('location');

      const ended = await done(
        [
          make('a', manager('bulkId:b')),
          make('b', { ...manager('bulkId:a'), userName }),
          make('c', manager('bulkId:d')),
          make('d', manager('bulkId:c')),
        ],
        { failOnErrors: 1 },
      );
      expect(statuses(ended)).toEqual(['409', '409']);
    });

    it('of groups to groups are refused in the words of nested groups, in a circle too', async () => {
      const team = (bulkId: string, of: string) => ({
        method: 'POST',
        path: '/Groups',
        bulkId,
        data: group({ members: [{ value: `bulkId:${of}` }] }),
      });
      const results = await done([team('a', 'b'), team('b', 'a'), team('c', 'c'), make('d')]);
      expect(statuses(results)).toEqual(['400', '400', '400', '201']);
      for (const { response, method, bulkId } of results.slice(0, 3)) {
        expect({ method, bulkId }).toEqual({ method: 'POST', bulkId: expect.stringMatching(/^[abc]$/) });
        expect(response).toMatchObject({ scimType: 'invalidValue' });
        expect(response.detail).toMatch(/groups inside groups/i);
      }
    });

    it('are found in names of any case, and in names that are paths', async () => {
      const reports = [
        { [ENTERPRISE]: { MANAGER: { Value: 'bulkId:boss' } } },
        { [ENTERPRISE.toUpperCase()]: { Manager: 'bulkId:boss' } },
      ];
      const paths = [
        { Path: `${ENTERPRISE}:Manager`, Value: 'bulkId:boss' },
        { PATH: `${ENTERPRISE}:manager.value`, VALUE: 'bulkId:boss' },
        { value: { [`${ENTERPRISE}:manager`]: 'bulkId:boss' } },
        { value: { [`${ENTERPRISE}:Manager.Value`]: 'bulkId:boss' } },
      ];
      const ids = await scim.createUsers(paths.map(() => newName()));
      const { status, body } = await scim.post('/Bulk', {
        Schemas: [BULK_REQUEST],
        OPERATIONS: [
          ...reports.map((more, index) => make(`r${index}`, more)),
          ...paths.map((operation, index) => ({
            Method: 'patch',
            PATH: `/Users/${ids[index]}`,
            DATA: patchOf({ op: 'replace', ...operation }),
          })),
          { METHOD: 'POST', Path: '/Users', BulkID: 'boss', Data: user() },
          {
            method: 'POST',
            path: '/Groups',
            bulkId: 'team',
            data: group({ Members: [{ VALUE: 'bulkId:boss' }] }),
          },
        ],
      });
      expect({ status, statuses: statuses(body.Operations) }).toEqual({
        status: 200,
        statuses: ['201', '201', ...paths.map(() => '200'), '201', '201'],
      });
      const results = body.Operations as Resource[];
      const boss = idOf(results.at(-2)!);
      expect(results.at(-2)).toMatchObject({ bulkId: 'boss' });
      for (const result of results.slice(0, -2)) expect(await managerOf(idOf(result))).toBe(boss);
      expect(memberIds(await scim.get(`/Groups/${idOf(results.at(-1)!)}`))).toEqual([boss]);
    });

    it('to nothing, or to what failed, fail that operation alone', async () => {
      const displayName = `Nothing ${newName()}`;
      const results = await done([
        { method: 'POST', path: '/Users', bulkId: 'bad', data: user({ userName: '' }) },
        {
          method: 'POST',
          path: '/Groups',
          bulkId: 'a',
          data: group({ displayName, members: [{ value: 'bulkId:nowhere' }] }),
        },
        {
          method: 'POST',
          path: '/Groups',
          bulkId: 'b',
          data: group({ displayName, members: [{ value: 'bulkId:bad' }] }),
        },
        { method: 'POST', path: '/Users', bulkId: 'c', data: user() },
      ]);
      const byBulkId = new Map(results.map((result) => [result.bulkId as string, result]));
      expect(byBulkId.get('bad')).toMatchObject({ status: '400' });
      for (const name of ['a', 'b']) expect(['400', '409', '412']).toContain(byBulkId.get(name)!.status);
      expect(byBulkId.get('c')).toMatchObject({ status: '201' });
      expectList(
        await scim.get(`/Groups?filter=${encodeURIComponent(`displayName eq "${displayName}"`)}`),
        0,
      );
    });

    it('are told apart from text: only values of references are replaced', async () => {
      const [result] = await done([
        {
          method: 'POST',
          path: '/Users',
          bulkId: 'x',
          data: user({ displayName: 'bulkId:x', title: 'see bulkId:y' }),
        },
      ]);
      expect(result).toMatchObject({ status: '201' });
      const { body } = await scim.get((result!.location as string).slice(base.length));
      expect(body.title).toBe('see bulkId:y');
    });
  });

  describe('§3.7.2 and §3.7.3, errors', () => {
    it('fail one operation and not the others, and a failed POST has no location', async () => {
      const { body: taken } = await scim.post('/Users', user());
      const results = await done([
        { method: 'POST', path: '/Users', bulkId: '1', data: user({ userName: taken.userName }) },
        { method: 'POST', path: '/Users', bulkId: '2', data: user() },
        {
          method: 'PATCH',
          path: `/Users/${NOBODY}`,
          data: patchOf({ op: 'replace', path: 'active', value: false }),
        },
        { method: 'DELETE', path: `/Groups/${NOBODY}` },
        { method: 'POST', path: '/Groups', bulkId: '3', data: group() },
      ]);
      expect(statuses(results)).toEqual(['409', '201', '404', '404', '201']);
      expect(results[0]!.response).toMatchObject({ scimType: 'uniqueness' });
      expect(results[0]).not.toHaveProperty('location');
      expect(results[2]!.location).toBe(`${base}/Users/${NOBODY}`);
    });

    it.each([
      [1, ['409']],
      [2, ['409', '201', '409']],
      [3, ['409', '201', '409', '201']],
    ])('beyond failOnErrors: %s end the request there', async (failOnErrors, expected) => {
      const { body: taken } = await scim.post('/Users', user());
      const bad = (bulkId: string) => ({
        method: 'POST',
        path: '/Users',
        bulkId,
        data: user({ userName: taken.userName }),
      });
      const last = newName();
      const results = await done(
        [
          bad('1'),
          { method: 'POST', path: '/Users', bulkId: '2', data: user() },
          bad('3'),
          { method: 'POST', path: '/Users', bulkId: '4', data: user({ userName: last }) },
        ],
        { failOnErrors },
      );
      expect(statuses(results)).toEqual(expected);
      expectList(
        await scim.get(`/Users?filter=userName%20eq%20%22${last}%22`),
        expected.length === 4 ? 1 : 0,
      );
    });

    it('leave nothing of the operation that failed: each is a transaction of its own', async () => {
      const { body: target } = await scim.post('/Groups', group());
      const id = await scim.createUser(newName());
      const results = await done([
        {
          method: 'PATCH',
          path: `/Groups/${target.id}`,
          data: patchOf({ op: 'add', path: 'members', value: [{ value: id }] }),
        },
        {
          method: 'PATCH',
          path: `/Groups/${target.id}`,
          data: patchOf(
            { op: 'replace', path: 'displayName', value: `No ${target.id}` },
            { op: 'remove', path: 'members' },
            { op: 'add', path: 'members', value: [{ value: NOBODY }] },
          ),
        },
      ]);
      expect(Number(results[0]!.status)).toBeLessThan(300);
      expect(results[1]).toMatchObject({ status: '400', response: { scimType: 'invalidValue' } });
      const after = await scim.get(`/Groups/${target.id}`);
      expect(after.body.displayName).toBe(target.displayName);
      expect(memberIds(after)).toEqual([id]);
    });

    it('are answered with method, bulkId and location as those that were done', async () => {
      const { body: present } = await scim.post('/Users', user());
      const path = `/Users/${present.id}`;
      const location = `${base}${path}`;
      const sent = [
        { method: 'PATCH', path, bulkId: 'b0', version: 7, data: {} },
        { method: 'PATCH', path, bulkId: 'b1', data: patchOf({ op: 'add', path: 'nonsense', value: 1 }) },
        { method: 'PUT', path, bulkId: 'b2', version: 'W/"stale"', data: user() },
        { method: 'GET', path, bulkId: 'b3' },
        { method: 'MERGE', path: '/Users', bulkId: 'b4', data: {} },
        { method: 'POST', path, bulkId: 'b5', data: user() },
        { method: 'DELETE', path: '/Widgets/1', bulkId: 'b6' },
        { method: 'POST', path: '/Users', bulkId: 'b7', data: user({ userName: present.userName }) },
        { method: 'POST', path: '/Users', bulkId: 'twice', data: user() },
        { method: 'POST', path: '/Users', bulkId: 'twice', data: user() },
        { method: 'PUT', path: '/Users/bulkId:nowhere', bulkId: 'b9', data: user() },
        { method: 'patch', path, data: patchOf({ op: 'add', path: 'title', value: 'T' }) },
        { method: 'POST', path: '/Users', data: user() },
        { method: 'DELETE', path, bulkId: 'last' },
      ];
      const results = await done(sent);
      expect(results.map(({ method, bulkId }) => ({ method, bulkId }))).toEqual(
        sent.map(({ method, bulkId }) => ({ method: method === 'patch' ? 'PATCH' : method, bulkId })),
      );
      for (const [index, result] of results.entries()) {
        if (sent[index]!.path === path) expect(result).toMatchObject({ location });
        else if (result.status !== '201') expect(result).not.toHaveProperty('location');
      }
      expect(statuses(results).filter((status) => status.startsWith('2'))).toHaveLength(3);
    });

    it.each([
      ['a method that is none', { method: 'GET', path: '/Users' }],
      ['a method that is unknown', { method: 'MERGE', path: '/Users', data: {} }],
      ['no method', { path: '/Users', data: {} }],
      ['no path', { method: 'POST', bulkId: 'x', data: {} }],
      ['an unknown endpoint', { method: 'POST', path: '/Widgets', bulkId: 'x', data: {} }],
      ['an endpoint that takes no writes', { method: 'POST', path: '/Schemas', bulkId: 'x', data: {} }],
      [
        'itself',
        { method: 'POST', path: '/Bulk', bulkId: 'x', data: { schemas: [BULK_REQUEST], Operations: [] } },
      ],
      ['a search', { method: 'POST', path: '/Users/.search', bulkId: 'x', data: {} }],
      ['POST on a resource', { method: 'POST', path: `/Users/${NOBODY}`, bulkId: 'x', data: {} }],
      ['PUT on a collection', { method: 'PUT', path: '/Users', data: {} }],
      ['DELETE of everything', { method: 'DELETE', path: '/Users' }],
      ['DELETE of everything, with a slash', { method: 'DELETE', path: '/Users/' }],
      ['a POST without a bulkId', { method: 'POST', path: '/Users', data: user() }],
      ['no data', { method: 'POST', path: '/Users', bulkId: 'x' }],
      ['data that is no object', { method: 'POST', path: '/Users', bulkId: 'x', data: 'x' }],
      ['another host', { method: 'DELETE', path: `https://evil.example/Users/${NOBODY}` }],
      ['a path out of the integration', { method: 'DELETE', path: `/../${NOBODY}/Users/${NOBODY}` }],
    ])('of %s are 4xx for that operation, and the next one is done', async (_what, operation) => {
      const next = newName();
      const results = await done([
        operation,
        { method: 'POST', path: '/Users', bulkId: 'next', data: user({ userName: next }) },
      ]);
      expect(results).toHaveLength(2);
      expect(results[0]!.status).toMatch(/^4\d\d$/);
      expect(results[1]).toMatchObject({ status: '201', bulkId: 'next' });
    });

    it('of a bulkId given twice do not make both resources under one name', async () => {
      const results = await bulk([
        { method: 'POST', path: '/Users', bulkId: 'same', data: user() },
        { method: 'POST', path: '/Users', bulkId: 'same', data: user() },
      ]);
      if (results.status === 400) expectScimError(results, 400, results.body.scimType);
      else
        expect(statuses(results.body.Operations).filter((status) => status === '201').length).toBeLessThan(2);
    });

    it.each([
      ['neither schemas nor operations', {}],
      ['another schema', { schemas: [CORE_USER], Operations: [] }],
      ['no operations', { schemas: [BULK_REQUEST] }],
      ['operations that are no list', { schemas: [BULK_REQUEST], Operations: {} }],
      ['a list', []],
      ['a number for a body', 7],
    ])('of a body with %s are 400', async (_what, body) => {
      expectScimError(await scim.post('/Bulk', JSON.stringify(body)), 400, 'invalidSyntax');
    });

    it.each([0, -1, 1.5, {}, true])('of failOnErrors %j are 400 invalidValue', async (failOnErrors) => {
      const userName = newName();
      const operation = { method: 'POST', path: '/Users', bulkId: '1', data: user({ userName }) };
      expectScimError(await bulk([operation], { failOnErrors }), 400, 'invalidValue');
      expectList(await scim.get(`/Users?filter=userName%20eq%20%22${userName}%22`), 0);
    });
  });

  it('checks a version as If-Match does', async () => {
    const { body } = await scim.post('/Users', user());
    const operation = (version: string, title: string) => ({
      method: 'PATCH',
      path: `/Users/${body.id}`,
      version,
      data: patchOf({ op: 'replace', path: 'title', value: title }),
    });
    const results = await done([operation('W/"stale"', 'stale'), operation(body.meta.version, 'fresh')]);
    expect(statuses(results)).toEqual(['412', '200']);
    expect((await scim.get(`/Users/${body.id}`)).body.title).toBe('fresh');
  });

  it('gives a group’s members the same rules as a request of its own', async () => {
    const results = await done([
      {
        method: 'POST',
        path: '/Groups',
        bulkId: '1',
        data: { schemas: [CORE_GROUP], displayName: `Null ${newName()}`, members: [null] },
      },
      { method: 'POST', path: '/Groups', bulkId: '2', data: { schemas: [CORE_GROUP], displayName: '' } },
    ]);
    expect(statuses(results)).toEqual(['400', '400']);
    for (const { response } of results) expect(response.scimType).toBe('invalidValue');
  });

  it('never answers a password', async () => {
    const { body } = await bulk([
      { method: 'POST', path: '/Users', bulkId: '1', data: user({ password: 'hunter2hunter2' }) },
      {
        method: 'POST',
        path: '/Users',
        bulkId: '2',
        data: user({ userName: '', password: 'hunter2hunter2' }),
      },
    ]);
    expect(JSON.stringify(body)).not.toContain('hunter2');
  });

  describe('§3.7.4, limits', () => {
    it('are announced, and a request of as many operations is done', async () => {
      const { body: config } = await scim.get('/ServiceProviderConfig');
      expect(config.bulk).toMatchObject({ supported: true, maxOperations: 1000 });
      const Operations = Array.from({ length: 1000 }, () => ({ method: 'DELETE', path: `/Users/${NOBODY}` }));
      const results = await done(Operations);
      expect(results).toHaveLength(1000);
      expect(new Set(statuses(results))).toEqual(new Set(['404']));
    });

    it('of operations are kept with 413 that names the limit, and nothing is done', async () => {
      const userName = newName();
      const Operations = [
        { method: 'POST', path: '/Users', bulkId: '1', data: user({ userName }) },
        ...Array.from({ length: 1000 }, () => ({ method: 'DELETE', path: `/Users/${NOBODY}` })),
      ];
      const answer = await bulk(Operations);
      expectScimError(answer, 413);
      expect(answer.body.detail).toContain('1000');
      expectList(await scim.get(`/Users?filter=userName%20eq%20%22${userName}%22`), 0);
    });

    it('of size are kept with 413 that names the limit', async () => {
      const { body: config } = await scim.get('/ServiceProviderConfig');
      const max: number = config.bulk.maxPayloadSize;
      expect(max).toBeGreaterThanOrEqual(1024 * 1024);
      const data = user({ displayName: 'x'.repeat(max) });
      const answer = await bulk([{ method: 'POST', path: '/Users', bulkId: '1', data }]);
      expectScimError(answer, 413);
      expect(answer.body.detail).toContain(String(max));
    });
  });
});
