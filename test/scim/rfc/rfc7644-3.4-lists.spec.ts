import type { ScimClient } from '../../support/scim-client';
import { expectList, expectScimError, userNames, type Resource } from '../support/expectations';
import { group, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { LIST_RESPONSE, NOBODY } from '../support/urns';

const NAMES = Array.from({ length: 25 }, (_, index) => `u${String(index).padStart(2, '0')}@example.com`);

describe('RFC 7644 §3.4.1 and §3.4.2, reading resources and lists', () => {
  const server = serverOfThisFile();
  let scim: ScimClient;
  let ids: string[];

  beforeAll(async () => {
    ({ scim } = await server.freshIntegration());
    ids = [];
    for (const userName of NAMES) ids.push((await scim.post('/Users', user({ userName }))).body.id);
    for (let n = 0; n < 12; n++) {
      await scim.post('/Groups', group({ displayName: `G${n}`, members: [{ value: ids[n] }] }));
    }
  });

  describe('§3.4.1, one resource', () => {
    it('is 200 with its ETag', async () => {
      const { status, headers, body } = await scim.get(`/Users/${ids[0]}`);
      expect({ status, body }).toMatchObject({ status: 200, body: { id: ids[0], userName: NAMES[0] } });
      expect(headers.get('etag')).toBe(body.meta.version);
    });

    it.each([
      NOBODY,
      'not-a-uuid',
      '0',
      'null',
      '%00',
      "'%20or%201=1--",
      '..%2FGroups',
      'bulkId:1',
      '%E2%82%AC',
      'x'.repeat(250),
    ])('of the id %s is 404', async (id) => {
      expectScimError(await scim.get(`/Users/${id}`), 404);
      expectScimError(await scim.get(`/Groups/${id}`), 404);
    });
  });

  describe('§3.4.2, a list', () => {
    it('is a ListResponse whose resources are what a GET by id answers', async () => {
      const { body } = await scim.get('/Users?count=3');
      expect(body).toMatchObject({
        schemas: [LIST_RESPONSE],
        totalResults: 25,
        startIndex: 1,
        itemsPerPage: 3,
      });
      expect(Object.keys(body).sort()).toEqual(
        expect.arrayContaining(['Resources', 'itemsPerPage', 'schemas', 'startIndex', 'totalResults']),
      );
      for (const resource of body.Resources as Resource[]) {
        expect((await scim.get(`/Users/${resource.id}`)).body).toEqual(resource);
      }
      const groups = await scim.get('/Groups?count=3');
      for (const resource of groups.body.Resources as Resource[]) {
        expect((await scim.get(`/Groups/${resource.id}`)).body).toEqual(resource);
      }
    });

    it('that finds nothing is 200 with totalResults 0, not 404', async () => {
      for (const path of ['/Users', '/Groups']) {
        const answer = await scim.get(`${path}?filter=displayName%20eq%20%22nobody%22`);
        expect(expectList(answer, 0)).toEqual([]);
      }
      const empty = await server.freshIntegration();
      expectList(await empty.scim.get('/Users'), 0);
      expectList(await empty.scim.get('/Groups'), 0);
    });

    it('has numbers where the RFC has integers', async () => {
      const { body } = await scim.get('/Users?startIndex=2&count=2');
      for (const name of ['totalResults', 'startIndex', 'itemsPerPage']) {
        expect(Number.isInteger(body[name])).toBe(true);
      }
    });

    it('ignores parameters that it does not know', async () => {
      expectList(await scim.get('/Users?aadOptscim062020&x=1&Filter[]=2'), 25);
    });
  });

  describe('§3.4.2.4, index pagination', () => {
    it.each([
      ['', 1, 25],
      ['?startIndex=1&count=10', 1, 10],
      ['?startIndex=0', 1, 25],
      ['?startIndex=-7&count=5', 1, 5],
      ['?startIndex=21&count=10', 21, 5],
      ['?startIndex=26', 26, 0],
      ['?startIndex=1000000', 1000000, 0],
      ['?startIndex=9007199254740993&count=1', undefined, 0],
      ['?startIndex=99999999999999999999999&count=1', undefined, 0],
      ['?count=0', undefined, 0],
      ['?count=-1', undefined, 0],
      ['?count=1', 1, 1],
      ['?count=201', 1, 25],
      ['?count=99999999999999999999999', 1, 25],
      ['?startIndex=%2B2&count=1', 2, 1],
    ])('GET /Users%s starts at %s with %s resources of 25', async (query, startIndex, resources) => {
      const answer = await scim.get(`/Users${query}`);
      expect(expectList(answer, 25)).toHaveLength(resources);
      if (startIndex !== undefined) expect(answer.body.startIndex).toBe(startIndex);
      if (resources > 0) expect(answer.body.Resources[0].userName).toBe(NAMES[startIndex! - 1]);
      if (resources > 0) expect(answer.body.itemsPerPage).toBe(resources);
    });

    it.each(['startIndex=x', 'startIndex=1.5', 'count=ten', 'count=1e2x', 'count=0x10', 'count=1&count=2'])(
      'GET /Users?%s is refused as invalidValue',
      async (query) => {
        expectScimError(await scim.get(`/Users?${query}`), 400, 'invalidValue');
      },
    );

    it.each([
      ['/Users', 7, 25],
      ['/Users?filter=userName%20pr', 4, 25],
      ['/Users?filter=emails%20pr%20or%20active%20eq%20true', 6, 25],
      ['/Groups', 5, 12],
      ['/Groups?filter=members.display%20pr', 5, 12],
    ])('shows every resource of %s once, %s at a time, in one order', async (path, count, total) => {
      const seen: string[] = [];
      for (let startIndex = 1; startIndex <= total; startIndex += count) {
        const page = await scim.get(
          `${path}${path.includes('?') ? '&' : '?'}startIndex=${startIndex}&count=${count}`,
        );
        seen.push(...expectList(page, total).map(({ id }) => id as string));
      }
      const whole = expectList(await scim.get(path), total).map(({ id }) => id as string);
      expect(seen).toEqual(whole);
      expect(new Set(seen).size).toBe(total);
    });

    it('never shows more than is announced, and fills a page of 100, which importers step by', async () => {
      const other = await server.freshIntegration();
      const names = Array.from({ length: 210 }, (_, index) => `many${index}@example.com`);
      await other.scim.createUsers(names);
      const { body: config } = await other.scim.get('/ServiceProviderConfig');
      const max: number = config.filter.maxResults;
      expect(expectList(await other.scim.get('/Users?count=1000'), 210)).toHaveLength(max);
      expect(expectList(await other.scim.get('/Users?startIndex=101&count=100'), 210)).toHaveLength(100);
      expect(expectList(await other.scim.get('/Users'), 210)).toHaveLength(100);
      const seen = [
        ...expectList(await other.scim.get('/Users?startIndex=1&count=100')),
        ...expectList(await other.scim.get('/Users?startIndex=101&count=100')),
        ...expectList(await other.scim.get('/Users?startIndex=201&count=100')),
      ];
      expect(userNames(seen).sort()).toEqual(names.sort());
    });
  });
});
