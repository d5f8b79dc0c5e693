import fc from '../../support/properties';
import type { TestIntegration } from '../../support/scimify';
import { expectList, type Resource } from '../support/expectations';
import { serverOfThisFile } from '../support/server';
import { CORE_GROUP, CORE_USER } from '../support/urns';

const USERS = 40;
const GROUPS = 25;

const SORTS = {
  Users: [
    'userName',
    'externalId',
    'displayName',
    'title',
    'emails',
    'active',
    'meta.created',
    'id',
    'nonsense',
  ],
  Groups: ['displayName', 'externalId', 'meta.lastModified', 'members', 'id'],
} as const;

describe('pages', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;

  beforeAll(async () => {
    integration = await server.freshIntegration();
    const { scim } = integration;
    const users: string[] = [];
    for (let n = 0; n < USERS; n++) {
      // Few values, some of them missing, so that many resources have the same place in an order.
      const answer = await scim.post('/Users', {
        schemas: [CORE_USER],
        userName: `${n % 2 === 0 ? 'A' : 'b'}${(n * 7) % USERS}`,
        externalId: n % 4 === 0 ? `e${n % 9}-${n}` : undefined,
        displayName: ['Ada', 'ada', 'Bo', undefined, ''][n % 5],
        title: ['x', undefined, 'X'][n % 3],
        active: n % 6 !== 0,
        emails: n % 3 === 0 ? [{ value: `m${n % 4}@example.com` }] : undefined,
      });
      expect(answer.status).toBe(201);
      users.push(answer.body.id);
    }
    for (let n = 0; n < GROUPS; n++) {
      const answer = await scim.post('/Groups', {
        schemas: [CORE_GROUP],
        displayName: `${n % 2 === 0 ? 'Team' : 'team'} ${(n * 7) % GROUPS}`,
        externalId: ['one', 'One', undefined, 'two'][n % 4],
        members: users.slice(0, n % 4).map((value) => ({ value })),
      });
      expect(answer.status).toBe(201);
    }
  });

  const idsOf = (resources: readonly Resource[]) => resources.map(({ id }) => id as string);

  const get = (endpoint: string, parameters: Record<string, string | number>) => {
    const entries = Object.entries(parameters).map(([name, value]): [string, string] => [
      name,
      String(value),
    ]);
    return integration.scim.get(`/${endpoint}?${new URLSearchParams(entries).toString()}`);
  };

  it('hold everybody once, in one order, however they are cut', async () => {
    const list = fc.constantFrom('Users' as const, 'Groups' as const).chain((endpoint) =>
      fc.record({
        endpoint: fc.constant(endpoint),
        sortBy: fc.option(fc.constantFrom(...SORTS[endpoint])),
        sortOrder: fc.constantFrom('ascending', 'descending'),
        filter: fc.option(
          fc.constantFrom(
            'externalId pr',
            'not (externalId pr)',
            'displayName co "a"',
            'title eq "x"',
            'id pr',
          ),
        ),
        count: fc.integer({ min: 1, max: 12 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(list, async ({ endpoint, sortBy, sortOrder, filter, count }) => {
        const asked = {
          ...(sortBy === null ? {} : { sortBy, sortOrder }),
          ...(filter === null ? {} : { filter }),
        };
        const all = idsOf(expectList(await get(endpoint, { ...asked, count: 200 })));
        expect(new Set(all).size).toBe(all.length);
        if (filter === null) expect(all).toHaveLength(endpoint === 'Users' ? USERS : GROUPS);

        const byIndex: string[] = [];
        for (let startIndex = 1; startIndex <= all.length; startIndex += count) {
          byIndex.push(
            ...idsOf(expectList(await get(endpoint, { ...asked, count, startIndex }), all.length)),
          );
        }
        expect(byIndex).toEqual(all);

        const byCursor: string[] = [];
        for (let cursor: string | undefined = ''; cursor !== undefined;) {
          const answer = await get(endpoint, { ...asked, count, cursor });
          byCursor.push(...idsOf(expectList(answer)));
          cursor = answer.body.nextCursor;
        }
        expect(byCursor).toEqual(all);
      }),
      { numRuns: 120 },
    );
  }, 60_000);
});
