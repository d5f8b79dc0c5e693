import type { Answer } from '../../support/http';
import type { ScimClient } from '../../support/scim-client';
import { expectList, expectScimError, type Resource } from '../support/expectations';
import { group, newName, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { SEARCH_REQUEST } from '../support/urns';

describe('RFC 9865, pagination by cursor', () => {
  const server = serverOfThisFile();
  let scim: ScimClient;

  beforeAll(async () => {
    ({ scim } = await server.freshIntegration());
    for (let n = 0; n < 23; n++) {
      await scim.post(
        '/Users',
        user({ displayName: `Name ${n % 5}`, title: n % 2 ? 'odd' : undefined, active: n % 3 > 0 }),
      );
    }
    for (let n = 0; n < 7; n++) await scim.post('/Groups', group());
  });

  const queryOf = (parameters: Record<string, string | number>) =>
    Object.entries(parameters)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join('&');

  /** All pages from the first to the last. */
  async function walk(
    of: ScimClient,
    path: string,
    parameters: Record<string, string | number>,
    between: (page: number) => Promise<unknown> = () => Promise.resolve(),
  ): Promise<Resource[][]> {
    const pages: Resource[][] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const answer = await of.get(`${path}?${queryOf({ ...parameters, cursor })}`);
      pages.push(expectList(answer));
      expect(answer.body.itemsPerPage).toBe(pages.at(-1)!.length);
      cursor = answer.body.nextCursor as string | undefined;
      if (cursor !== undefined) {
        expect(cursor).toMatch(/^[A-Za-z0-9._~-]+$/);
        await between(pages.length);
      }
      expect(pages.length).toBeLessThan(100);
    }
    return pages;
  }

  const ids = (pages: Resource[][]) => pages.flat().map(({ id }) => id as string);

  it.each<[path: string, parameters: Record<string, string | number>]>([
    ['/Users', {}],
    ['/Users', { count: 5 }],
    ['/Users', { count: 1 }],
    ['/Users', { count: 23 }],
    ['/Users', { count: 200 }],
    ['/Users', { count: 4, filter: 'active eq true' }],
    ['/Users', { count: 4, filter: 'displayName eq "name 2"' }],
    ['/Users', { count: 4, filter: 'title pr and displayName co "a"' }],
    ['/Users', { count: 3, filter: 'userName eq "nobody"' }],
    ['/Users', { count: 4, sortBy: 'userName' }],
    ['/Users', { count: 4, sortBy: 'displayName', sortOrder: 'descending' }],
    ['/Users', { count: 4, sortBy: 'title' }],
    ['/Users', { count: 4, sortBy: 'title', sortOrder: 'descending' }],
    ['/Users', { count: 3, sortBy: 'meta.created', filter: 'title pr' }],
    ['/Users', { count: 7, attributes: 'userName' }],
    ['/Groups', { count: 2 }],
    ['/Groups', { count: 2, sortBy: 'displayName', sortOrder: 'descending' }],
    ['/Groups', { count: 2, excludedAttributes: 'members' }],
  ])('shows of %s with %j everything once, in the order of the list', async (path, parameters) => {
    const pages = await walk(scim, path, parameters);
    const { count: _count, ...rest } = parameters;
    const whole = expectList(await scim.get(`${path}?${queryOf({ ...rest, count: 200 })}`));
    expect(pages.flat()).toEqual(whole);
    const count = Number(parameters.count ?? 100);
    for (const page of pages) expect(page.length).toBeLessThanOrEqual(count);
    for (const page of pages.slice(0, -1)) expect(page).toHaveLength(count);
  });

  it('begins with an empty cursor, written either way, and has no previousCursor then', async () => {
    for (const query of ['cursor=&count=5', 'cursor&count=5', 'count=5&cursor=']) {
      const { status, body } = await scim.get(`/Users?${query}`);
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { nextCursor: expect.stringMatching(/./) },
      });
      expect(body).not.toHaveProperty('previousCursor');
      if (body.totalResults !== undefined) expect(body.totalResults).toBe(23);
    }
  });

  it('has a nextCursor on every page but the last, also when the last is full', async () => {
    const other = await server.freshIntegration();
    for (let n = 0; n < 4; n++) await other.scim.post('/Users', user());
    const first = await other.scim.get('/Users?cursor=&count=2');
    const second = await other.scim.get(`/Users?count=2&cursor=${first.body.nextCursor}`);
    expect(expectList(second)).toHaveLength(2);
    expect(second.body).not.toHaveProperty('nextCursor');
  });

  it('leads back by a previousCursor where it gives one', async () => {
    const first = await scim.get('/Users?cursor=&count=5');
    const second = await scim.get(`/Users?count=5&cursor=${first.body.nextCursor}`);
    if (second.body.previousCursor !== undefined) {
      const back = await scim.get(`/Users?count=5&cursor=${second.body.previousCursor}`);
      expect(back.body.Resources).toEqual(first.body.Resources);
    }
  });

  it('is not used unless it is asked for: index pagination stays the default', async () => {
    const { body } = await scim.get('/Users?count=5');
    expect(body).toMatchObject({ totalResults: 23, startIndex: 1, itemsPerPage: 5 });
  });

  it('may be repeated: the same cursor gives the same page', async () => {
    const { body } = await scim.get('/Users?cursor=&count=5');
    const path = `/Users?count=5&cursor=${body.nextCursor}`;
    expect((await scim.get(path)).body).toEqual((await scim.get(path)).body);
  });

  it('loses nobody when others are deleted, and shows nobody twice when others come', async () => {
    const other = await server.freshIntegration();
    const made: string[] = [];
    for (let n = 0; n < 20; n++) made.push((await other.scim.post('/Users', user())).body.id);
    const orders: Record<string, string | number>[] = [{ count: 3 }, { count: 3, sortBy: 'userName' }];
    for (const parameters of orders) {
      const gone = new Set<string>();
      const pages = await walk(other.scim, '/Users', parameters, async (page) => {
        // The test deletes a user that was already shown and one that comes later, and adds a new one.
        for (const id of [made[page], made[made.length - page]]) {
          if (id === undefined || gone.has(id)) continue;
          gone.add(id);
          await other.scim.delete(`/Users/${id}`);
        }
        await other.scim.post('/Users', user({ userName: newName('aaa') }));
      });
      const seen = ids(pages);
      expect(new Set(seen).size).toBe(seen.length);
      for (const id of made) if (!gone.has(id)) expect(seen).toContain(id);
      const rest = made.filter((id) => !gone.has(id));
      made.splice(0, made.length, ...rest);
    }
  });

  it.each([
    'x',
    '0',
    '1',
    'null',
    'W10',
    'eyJpZCI6IjEifQ',
    '%00',
    '..%2F..',
    "'%20OR%201=1",
    'x'.repeat(3_000),
  ])('refuses the forged cursor %s as invalidCursor', async (cursor) => {
    for (const path of ['/Users', '/Groups']) {
      expectScimError(await scim.get(`${path}?count=5&cursor=${cursor}`), 400, 'invalidCursor');
    }
  });

  it('refuses a cursor of which any character was changed', async () => {
    const { body } = await scim.get('/Users?cursor=&count=5');
    const cursor: string = body.nextCursor;
    for (let at = 0; at < cursor.length; at += Math.ceil(cursor.length / 40)) {
      const changed = cursor.slice(0, at) + (cursor[at] === 'A' ? 'B' : 'A') + cursor.slice(at + 1);
      expectScimError(await scim.get(`/Users?count=5&cursor=${changed}`), 400, 'invalidCursor');
    }
    for (const changed of [cursor.slice(1), cursor.slice(0, -2), `${cursor}AA`, cursor + cursor]) {
      expectScimError(await scim.get(`/Users?count=5&cursor=${changed}`), 400, 'invalidCursor');
    }
  });

  it.each<[what: string, path: string, parameters: Record<string, string | number>]>([
    ['another filter', '/Users', { filter: 'active eq false' }],
    ['no filter', '/Users', {}],
    ['another order', '/Users', { filter: 'active eq true', sortBy: 'userName' }],
    ['another resource type', '/Groups', { filter: 'active eq true' }],
  ])('refuses a cursor with %s', async (_what, path, parameters) => {
    const { body } = await scim.get(`/Users?${queryOf({ cursor: '', count: 5, filter: 'active eq true' })}`);
    const answer = await scim.get(`${path}?${queryOf({ ...parameters, count: 5, cursor: body.nextCursor })}`);
    expectScimError(answer, 400, 'invalidCursor');
  });

  it('refuses a cursor of another integration', async () => {
    const other = await server.freshIntegration();
    for (let n = 0; n < 3; n++) await other.scim.post('/Users', user());
    const { body } = await other.scim.get('/Users?cursor=&count=1');
    expectScimError(await scim.get(`/Users?count=1&cursor=${body.nextCursor}`), 400, 'invalidCursor');
  });

  it.each(['x', '1.5', '1e1', ''])(
    'refuses the count "%s" as invalidCount, or takes it for none',
    async (count) => {
      const answer = await scim.get(`/Users?cursor=&count=${count}`);
      if (count === '') expectList(answer);
      else expectScimError(answer, 400, 'invalidCount');
    },
  );

  it('tells how many there are where count is 0 or less, and is not at its end then', async () => {
    const search = (path: string, parameters: object): Promise<Answer> =>
      scim.post(`${path}/.search`, { schemas: [SEARCH_REQUEST], ...parameters });
    const cases: [path: string, parameters: object, total: number][] = [
      ['/Users', {}, 23],
      ['/Users', { filter: 'title eq "odd"' }, 11],
      ['/Users', { sortBy: 'displayName', sortOrder: 'descending' }, 23],
      ['/Groups', {}, 7],
      ['', {}, 30],
      ['', { filter: 'members pr or meta.resourceType eq "Group"' }, 7],
      ['', { filter: 'title eq "odd"' }, 11],
      ['/Users', { filter: 'userName eq "nobody"' }, 0],
      ['', { filter: 'userName eq "nobody"' }, 0],
    ];
    for (const [path, parameters, total] of cases) {
      const seen: string[] = [];
      for (let cursor: string | undefined = ''; cursor !== undefined;) {
        for (const count of [0, -1, '-7']) {
          const counted = await search(path, { ...parameters, count, cursor });
          expect(expectList(counted, total)).toEqual([]);
          cursor = counted.body.nextCursor as string | undefined;
          expect({ path, parameters, count, isAtItsEnd: cursor === undefined }).toEqual({
            ...{ path, parameters, count, isAtItsEnd: total === 0 },
          });
          if (cursor === undefined) break;
        }
        if (cursor === undefined) break;
        const { body }: Answer = await search(path, { ...parameters, count: 4, cursor });
        expect(body).not.toHaveProperty('totalResults');
        seen.push(...(body.Resources as Resource[]).map(({ id }) => id as string));
        cursor = body.nextCursor as string | undefined;
        expect(seen.length).toBeLessThanOrEqual(total);
      }
      const whole = expectList(await search(path, { ...parameters, count: 200 }), total);
      expect(seen).toEqual(whole.map(({ id }) => id as string));
    }
    expectScimError(await scim.get('/Users?count=0&cursor=forged'), 400, 'invalidCursor');
    expectScimError(await search('', { count: 0, cursor: 'gforged' }), 400, 'invalidCursor');
  });

  it('goes on with the groups where a page ends with the last user', async () => {
    const other = await server.freshIntegration();
    const made: string[] = [];
    for (let n = 0; n < 4; n++) made.push((await other.scim.post('/Users', user())).body.id);
    made.push((await other.scim.post('/Groups', group())).body.id);
    const request = { schemas: [SEARCH_REQUEST], count: 2 };
    const seen: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const answer = await other.scim.post('/.search', { ...request, cursor });
      seen.push(...expectList(answer).map(({ id }) => id as string));
      cursor = answer.body.nextCursor as string | undefined;
    }
    expect(seen).toEqual(made);
  });

  it('never shows more than a page at most', async () => {
    const { body } = await scim.get('/Users?cursor=&count=100000');
    expect(body.Resources).toHaveLength(23);
  });

  it('works in a search at every endpoint', async () => {
    for (const [path, total] of [
      ['/Users', 23],
      ['/Groups', 7],
      ['', 30],
    ] as const) {
      const seen: string[] = [];
      for (let cursor: string | undefined = ''; cursor !== undefined;) {
        const answer = await scim.post(`${path}/.search`, { schemas: [SEARCH_REQUEST], count: 4, cursor });
        seen.push(...expectList(answer).map(({ id }) => id as string));
        cursor = answer.body.nextCursor as string | undefined;
        expect(seen.length).toBeLessThanOrEqual(total);
      }
      expect(new Set(seen).size).toBe(total);
      const forged = await scim.post(`${path}/.search`, { schemas: [SEARCH_REQUEST], cursor: 'forged' });
      expectScimError(forged, 400, 'invalidCursor');
    }
  });
});
