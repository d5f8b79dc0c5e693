import type { TestIntegration } from '../support/scimify';
import { Connection } from '../support/sockets';
import { fillWithUsers } from './scale/support/directory';
import { expectList, expectScimError } from './support/expectations';
import { serverOfThisFile } from './support/server';
import { CORE_GROUP, CORE_USER, SEARCH_REQUEST } from './support/urns';

const NOBODY = '01890000-0000-7000-8000-000000000000';
const MARKS = '\u0315'.repeat(31);
const times = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));

describe('a bound', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;
  let user: string;
  let group: string;

  beforeAll(async () => {
    integration = await server.freshIntegration();
    user = await integration.scim.createUser('ada@example.com');
    group = await integration.scim.createGroup('On-call', [user]);
  });

  const filtered = (filter: string) => integration.scim.get(`/Users?filter=${encodeURIComponent(filter)}`);

  describe('of a filter', () => {
    it('is fifty comparisons that no index answers', async () => {
      const filter = (count: number) => times(count, (n) => `title co "${n}"`).join(' or ');
      expectList(await filtered(filter(50)), 0);
      const answer = await filtered(filter(51));
      expectScimError(answer, 400, 'invalidFilter');
      expect(answer.body.detail).toMatch(/51 comparisons.* 50/);
    });

    it('counts comparisons within brackets', async () => {
      const inner = times(17, (n) => `value co "${n}"`).join(' or ');
      expectScimError(await filtered(times(3, () => `emails[${inner}]`).join(' or ')), 400, 'invalidFilter');
    });

    it('is two hundred comparisons where an index answers them', async () => {
      const names = times(199, (n) => `userName eq "nobody.${n}"`);
      expectList(await filtered([...names, 'userName eq "ADA@example.com"'].join(' or ')), 1);
      const groups = times(139, () => `groups eq "${NOBODY}"`);
      expectList(await filtered([...groups, `groups eq "${group}"`].join(' or ')), 1);
    });
  });

  describe('of an address', () => {
    it('is not what an id has: one of any length is 404', async () => {
      for (const length of [300, 301, 4_000, 60_000]) {
        const id = 'a'.repeat(length);
        const { scim } = integration;
        for (const endpoint of ['/Users', '/Groups', '/Schemas', '/ResourceTypes']) {
          expectScimError(await scim.get(`${endpoint}/${id}`), 404);
        }
        expectScimError(await scim.put(`/Users/${id}`, { schemas: [CORE_USER], userName: 'x' }), 404);
        expectScimError(await scim.patchOperations(`/Groups/${id}`, { op: 'remove', path: 'members' }), 404);
        expectScimError(await scim.delete(`/Users/${id}`), 404);
      }
    });

    it('leaves room for a filter of 8,192 characters, however it is encoded, and for long lists of names', async () => {
      const names = times(200, () => 'urn:ietf:params:x:userName').join(',');
      for (const character of ['x', '/', 'é', '漢']) {
        const [before, after] = ['userName eq "', '" or userName eq "ADA@example.com"'];
        const filter = before + character.repeat(8_192 - before.length - after.length) + after;
        expect(filter).toHaveLength(8_192);
        const path = `/Users?filter=${encodeURIComponent(filter)}&excludedAttributes=${names}`;
        expectList(await integration.scim.get(path), 1);
        const longer = `/Users?filter=${encodeURIComponent(`${filter} `)}`;
        expectScimError(await integration.scim.get(longer), 400, 'invalidFilter');
      }
    });

    it.each([
      ['in one piece', 1],
      ['in many pieces, while the client goes on sending', 40],
    ])('is 96 KiB with the headers, and a SCIM error beyond that, sent %s', async (_, pieces) => {
      const { scimify } = server;
      const path = `/scim/v2/${integration.id}/Users?filter=`;
      const tooLong = 'x'.repeat(100_000);
      for (const [begin, rest] of [
        [`GET ${path}`, tooLong],
        [`GET ${path}x HTTP/1.1\r\nHost: scimify\r\nX-Long: `, tooLong],
        ['GET /scim/', `${tooLong.repeat(20)} HTTP/1.1\r\nHost: scimify\r\n\r\n`],
      ] as const) {
        const text = begin + rest;
        const connection = await Connection.open(scimify.url);
        const step = Math.ceil(text.length / pieces);
        for (let from = 0; from < text.length; from += step) {
          await connection.sent(Buffer.from(text.slice(from, from + step)));
        }
        connection.finish();
        await connection.end();
        expectScimError(connection.answer(), 431);
        expect(connection.answer().headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
        expect(connection.error).toBeNull();
      }
    });

    it('has a SCIM error for what is no HTTP, and problem details at the other door', async () => {
      const refusalOf = async (text: string) => {
        const connection = await Connection.open(server.scimify.url);
        connection.send(text);
        connection.finish();
        await connection.end();
        return connection.answer();
      };
      expectScimError(
        await refusalOf(`GET /scim/v2/${integration.id}/Users HTTP/1.1\r\nno header\r\n\r\n`),
        400,
        'invalidSyntax',
      );
      expectScimError(await refusalOf('\u0016\u0003\u0001 hello\r\n\r\n'), 400, 'invalidSyntax');
      const problem = await refusalOf('GET /api/v1/tenants HTTP/1.1\r\nno header\r\n\r\n');
      expect(problem.headers.get('content-type')).toContain('application/problem+json');
      expect(problem).toMatchObject({ status: 400, body: { status: 400, code: 'bad_request' } });
    });
  });

  it.each([
    ['attributes', (names: string[]) => integration.scim.get(`/Users?attributes=${names.join(',')}`)],
    [
      'excludedAttributes in a search',
      (names: string[]) =>
        integration.scim.post('/Groups/.search', { schemas: [SEARCH_REQUEST], excludedAttributes: names }),
    ],
    [
      'attributes in one text of a search',
      (names: string[]) =>
        integration.scim.post('/.search', { schemas: [SEARCH_REQUEST], attributes: [names.join(',')] }),
    ],
  ])('of %s is two hundred names', async (_, ask) => {
    expect((await ask(times(200, () => 'id'))).status).toBe(200);
    const answer = await ask(times(201, () => 'id'));
    expectScimError(answer, 400, 'invalidValue');
    expect(answer.body.detail).toContain('200');
  });

  describe('of a PATCH', () => {
    const patched = (path: string, operations: object[]) =>
      integration.scim.patchOperations(path, ...operations);

    it('is a thousand operations', async () => {
      const operation = { op: 'replace', path: 'title', value: 'x' };
      expect(
        (
          await patched(
            `/Users/${user}`,
            times(1_000, () => operation),
          )
        ).status,
      ).toBe(200);
      expectScimError(
        await patched(
          `/Users/${user}`,
          times(1_001, () => operation),
        ),
        413,
      );
    });

    it.each(['phoneNumbers[type eq "fax"]', 'name[formatted co "x"]'])(
      'is a hundred changes of attributes that have several values, and comparisons: %s',
      async (path) => {
        const remove = { op: 'remove', path };
        expect(
          (
            await patched(
              `/Users/${user}`,
              times(100, () => remove),
            )
          ).status,
        ).toBe(200);
        expectScimError(
          await patched(
            `/Users/${user}`,
            times(101, () => remove),
          ),
          413,
        );
      },
    );

    it('is twenty selections of members by who they are, and any number of them by their ids', async () => {
      const select = { op: 'remove', path: 'members[display co "nobody"]' };
      expect(
        (
          await patched(
            `/Groups/${group}`,
            times(20, () => select),
          )
        ).status,
      ).toBe(204);
      expectScimError(
        await patched(
          `/Groups/${group}`,
          times(21, () => select),
        ),
        413,
      );
      const name = { op: 'remove', path: `members[value eq "${NOBODY}"]` };
      expect(
        (
          await patched(
            `/Groups/${group}`,
            times(1_000, () => name),
          )
        ).status,
      ).toBe(204);
    });
  });

  it('of one resource is 256 KiB, however it has grown', async () => {
    const roles = (count: number) => times(count, (n) => ({ value: `${n} ${'x'.repeat(8_000)}` }));
    const big = { schemas: [CORE_USER], userName: 'big@example.com', roles: roles(33) };
    expectScimError(await integration.scim.post('/Users', big), 413);
    const id = await integration.scim.createUser('grows@example.com', { roles: roles(30) });
    const more = { op: 'add', path: 'entitlements', value: roles(30) };
    const answer = await integration.scim.patchOperations(`/Users/${id}`, more);
    expectScimError(answer, 413);
    expect(answer.body.detail).toContain('256 KiB');
    expect((await integration.scim.get(`/Users/${id}`)).body.entitlements).toBeUndefined();
  });

  it('of values in one attribute is five hundred', async () => {
    const roles = (count: number) => times(count, (n) => ({ value: String(n) }));
    const schemas = [CORE_USER];
    const least = { schemas, userName: 'roles@example.com', roles: roles(500) };
    expect((await integration.scim.post('/Users', least)).status).toBe(201);
    const answer = await integration.scim.post('/Users', { ...least, userName: 'x', roles: roles(501) });
    expectScimError(answer, 400, 'invalidValue');
    expect(answer.body.detail).toContain('500');
  });

  it('of members in one request is two hundred thousand', async () => {
    const members = times(200_001, (n) => ({ value: String(n) }));
    const answer = await integration.scim.post('/Groups', {
      schemas: [CORE_GROUP],
      displayName: 'All',
      members,
    });
    expectScimError(answer, 413);
    expect(answer.body.detail).toContain('200000');
  });

  it.each([
    ['a user', () => integration.scim.post('/Users', { schemas: [CORE_USER], userName: 'x', title: MARKS })],
    [
      'what is ignored',
      () => integration.scim.post('/Users', { schemas: [CORE_USER], userName: 'x', x: MARKS }),
    ],
    [
      'a PATCH',
      () => integration.scim.patchOperations(`/Users/${user}`, { op: 'add', path: 'title', value: MARKS }),
    ],
    [
      'a member',
      () =>
        integration.scim.post('/Groups', {
          schemas: [CORE_GROUP],
          displayName: 'x',
          members: [{ value: user, display: MARKS }],
        }),
    ],
  ])('of combining marks in a row is thirty, in %s', async (_, send) => {
    const answer = await send();
    expectScimError(answer, 400, 'invalidValue');
    expect(answer.body.detail).toContain('30 combining marks');
  });

  it('of combining marks holds in a filter, and what people write is far from it', async () => {
    expectScimError(await filtered(`userName eq "${MARKS}"`), 400, 'invalidFilter');
    const name = `Zalgo ${'o'}${'\u0315'.repeat(30)}`;
    await integration.scim.createUser('zalgo@example.com', { title: name });
    expectList(await filtered(`title eq "${name}"`), 1);
  });

  it('of a sentence is twenty names: of 300,000 members that are unknown the others are counted', async () => {
    const { scim } = integration;
    const unknown = times(300_000, (n) => ({
      value: `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`,
    }));
    const join = (value: object[]) => ({ op: 'add', path: 'members', value });
    const whole = (members: object[]) => ({ schemas: [CORE_GROUP], displayName: 'Unknown', members });
    const noIds = times(2_500, (n) => ({ value: `${n}${'x'.repeat(200)}` }));
    for (const [answer, more] of [
      [
        await scim.patchOperations(
          `/Groups/${group}`,
          join(unknown.slice(0, 150_000)),
          join(unknown.slice(150_000)),
        ),
        299_980,
      ],
      [await scim.patchOperations(`/Groups/${group}`, join([{ value: user }, ...unknown.slice(0, 21)])), 1],
      [await scim.post('/Groups', whole(unknown.slice(0, 2_500))), 2_480],
      [await scim.put(`/Groups/${group}`, whole(noIds)), 2_480],
    ] as const) {
      expectScimError(answer, 400, 'invalidValue');
      const { detail } = answer.body;
      expect(detail).toMatch(new RegExp(` and ${more} more; provision them first`));
      expect(detail.match(/"[^"]*"/g)).toHaveLength(20);
      expect(detail).not.toContain(user);
      expect(detail.length).toBeLessThan(2_500);
    }
  }, 60_000);
});

describe('what a filter says of members', () => {
  const server = serverOfThisFile();
  const MEMBERS = 1_200;
  let integration: TestIntegration;
  let users: string[];

  beforeAll(async () => {
    integration = await server.freshIntegration();
    users = await fillWithUsers(server.scimify, integration, MEMBERS);
    await integration.scim.createGroup('All', users);
    await integration.scim.createGroup('Last', users.slice(-1));
    await integration.scim.createGroup('None', []);
  });

  const LAST = `User ${String(MEMBERS - 1).padStart(6, '0')}`;

  it.each([
    ['members pr', ['All', 'Last']],
    ['not (members pr)', ['None']],
    ['members eq null', ['None']],
    ['members ne null', ['All', 'Last']],
    [`members.display eq "${LAST}"`, ['All', 'Last']],
    [`members.display co "user 000000"`, ['All']],
    [`members.display ne "${LAST}"`, ['All', 'None']],
    [`not (members.display ne "${LAST}")`, ['Last']],
    [`members[display eq "${LAST}" and type eq "User"]`, ['All', 'Last']],
    [`members[display eq "${LAST}"] and displayName sw "l"`, ['Last']],
    ['members.display pr or displayName eq "none"', ['All', 'Last', 'None']],
  ])('holds for whoever is in the group, however many they are: %s', async (filter, names) => {
    const query = `filter=${encodeURIComponent(filter)}&attributes=displayName&sortBy=displayName`;
    for (const how of ['startIndex=1', 'cursor=']) {
      const groups = expectList(await integration.scim.get(`/Groups?${query}&${how}`));
      expect(groups.map(({ displayName }) => displayName as string)).toEqual(names);
    }
  });

  it('of one user finds the groups, beside other conditions too', async () => {
    const of = (id: string) => `members.value eq "${id}"`;
    const find = async (filter: string) =>
      expectList(await integration.scim.get(`/Groups?filter=${encodeURIComponent(filter)}`)).map(
        ({ displayName }) => displayName as string,
      );
    expect(await find(of(users.at(-1)!))).toEqual(['All', 'Last']);
    expect(await find(`${of(users[0]!)} or ${of(users.at(-1)!)}`)).toEqual(['All', 'Last']);
    expect(await find(`not (${of(users[0]!)})`)).toEqual(['Last', 'None']);
    expect(await find(`${of(users[0]!)} and displayName eq "last"`)).toEqual([]);
  });

  it('removes those whom it names, and in the order of the operations', async () => {
    const id = await integration.scim.createGroup('Some', users.slice(0, 700));
    const removed = await integration.scim.patchOperations(
      `/Groups/${id}`,
      { op: 'remove', path: 'members[display sw "user 0000"]' },
      { op: 'add', path: 'members', value: [{ value: users[5] }, { value: users[800] }] },
      { op: 'remove', path: 'members[display co "0008"]' },
    );
    expect(removed.status).toBe(204);
    const { body } = await integration.scim.get(`/Groups/${id}`);
    const left = new Set((body.members as { value: string }[]).map(({ value }) => value));
    expect(left).toEqual(new Set([users[5]!, ...users.slice(100, 700)]));
  });
});
