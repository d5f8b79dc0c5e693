import type { ScimClient } from '../../support/scim-client';
import { expectList, expectScimError, type Resource } from '../support/expectations';
import { group, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { SEARCH_REQUEST } from '../support/urns';

describe('RFC 7644 §3.4.3, querying by POST', () => {
  const server = serverOfThisFile();
  let scim: ScimClient;

  beforeAll(async () => {
    ({ scim } = await server.freshIntegration());
    const members: object[] = [];
    for (let n = 0; n < 6; n++) {
      const { body } = await scim.post(
        '/Users',
        user({ userName: `u${n}@example.com`, displayName: `Name ${n}` }),
      );
      members.push({ value: body.id });
    }
    for (let n = 0; n < 3; n++) await scim.post('/Groups', group({ displayName: `Name ${n}`, members }));
  });

  const search = (path: string, request: object) =>
    scim.post(`${path}/.search`, { schemas: [SEARCH_REQUEST], ...request });

  it.each([
    [{}, ''],
    [
      { filter: 'userName sw "u" and active eq true' },
      'filter=userName%20sw%20%22u%22%20and%20active%20eq%20true',
    ],
    [{ filter: 'name.givenName pr' }, 'filter=name.givenName%20pr'],
    [{ startIndex: 2, count: 3 }, 'startIndex=2&count=3'],
    [{ startIndex: -1, count: -1 }, 'startIndex=-1&count=-1'],
    [{ count: 0 }, 'count=0'],
    [{ attributes: ['userName', 'meta.location'] }, 'attributes=userName,meta.location'],
    [{ excludedAttributes: ['userName', 'emails'] }, 'excludedAttributes=userName,emails'],
    [{ sortBy: 'userName', sortOrder: 'descending' }, 'sortBy=userName&sortOrder=descending'],
  ])('of users with %j answers what GET ?%s answers', async (request, query) => {
    const searched = await search('/Users', request);
    const got = await scim.get(`/Users?${query}`);
    expect({ status: searched.status, body: searched.body }).toEqual({ status: 200, body: got.body });
    expect(searched.headers.get('content-type')).toBe(got.headers.get('content-type'));
  });

  it.each([
    [{ filter: 'displayName eq "name 1"' }, 'filter=displayName%20eq%20%22name%201%22'],
    [{ excludedAttributes: ['members'] }, 'excludedAttributes=members'],
    [{ attributes: ['members.value'], count: 1 }, 'attributes=members.value&count=1'],
  ])('of groups with %j answers what GET ?%s answers', async (request, query) => {
    const searched = await search('/Groups', request);
    expect({ status: searched.status, body: searched.body }).toEqual({
      status: 200,
      body: (await scim.get(`/Groups?${query}`)).body,
    });
  });

  it('with a cursor walks as GET does', async () => {
    const ids: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const answer = await search('/Users', { cursor, count: 4 });
      ids.push(...expectList(answer).map(({ id }) => id as string));
      cursor = answer.body.nextCursor as string | undefined;
    }
    expect(new Set(ids).size).toBe(6);
    expect(ids).toHaveLength(6);
  });

  describe('at the root', () => {
    const types = (resources: Resource[]) => resources.map(({ meta }) => meta.resourceType as string).sort();

    it('finds resources of every type', async () => {
      expect(types(expectList(await search('', {}), 9))).toEqual([
        ...Array<string>(3).fill('Group'),
        ...Array<string>(6).fill('User'),
      ]);
    });

    it.each([
      ['displayName eq "NAME 1"', ['Group', 'User']],
      ['userName eq "u1@example.com"', ['User']],
      ['meta.resourceType eq "Group"', ['Group', 'Group', 'Group']],
      ['members pr and displayName eq "Name 2"', ['Group']],
      ['nonsense pr', []],
      ['displayName eq "Name 0" and not (userName pr)', ['Group']],
    ])('by %s finds %j', async (filter, expected) => {
      expect(types(expectList(await search('', { filter }), expected.length))).toEqual(expected);
    });

    it('pages over all types, each resource once', async () => {
      const ids: string[] = [];
      for (let startIndex = 1; startIndex <= 9; startIndex += 2) {
        const answer = await search('', { startIndex, count: 2 });
        ids.push(...expectList(answer, 9).map(({ id }) => id as string));
      }
      expect(ids).toHaveLength(9);
      expect(new Set(ids).size).toBe(9);
      expect(expectList(await search('', { count: 0 }), 9)).toEqual([]);
    });

    it('refuses to sort, since the order would have to run through users and groups', async () => {
      for (const request of [
        {},
        { sortOrder: 'descending' },
        { cursor: '' },
        { count: 0 },
        { filter: 'id pr' },
      ]) {
        const answer = await search('', { sortBy: 'displayName', ...request });
        expectScimError(answer, 400, 'invalidValue');
        expect(answer.body.detail).toContain('sortBy');
      }
      expectList(await search('', { sortOrder: 'descending' }), 9);
    });

    it('shows as much as is asked for', async () => {
      const resources = expectList(await search('', { attributes: ['displayName'] }), 9);
      for (const resource of resources) {
        expect(Object.keys(resource).sort()).toEqual(['displayName', 'id', 'schemas']);
      }
    });
  });

  it.each(['/Users', '/Groups', ''])('%s refuses what is no SearchRequest', async (path) => {
    for (const body of [{ schemas: ['urn:example:x'] }, [], 7, 'x', null, { schemas: 'x' }]) {
      expectScimError(await scim.post(`${path}/.search`, JSON.stringify(body)), 400, 'invalidSyntax');
    }
    expectScimError(await scim.post(`${path}/.search`), 400, 'invalidSyntax');
  });

  it.each([
    { count: 'ten' },
    { count: 1.5 },
    { startIndex: {} },
    { startIndex: true },
    { filter: 7 },
    { attributes: [7] },
    { attributes: { a: 1 } },
    { excludedAttributes: [null] },
    { sortBy: ['userName'] },
    { sortOrder: 'up' },
    { cursor: 7 },
  ])('refuses %j', async (request) => {
    for (const path of ['/Users', '']) {
      expectScimError(await search(path, request), 400, 'invalidValue');
    }
  });

  it('is not reached by GET', async () => {
    for (const path of ['/Users/.search', '/Groups/.search', '/.search']) {
      const answer = await scim.get(path);
      expectScimError(answer, 405);
      expect(answer.headers.get('allow')).toBe('POST');
    }
  });
});
