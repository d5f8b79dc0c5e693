import { expectList, type Resource } from '../support/expectations';
import { serverOfThisFile } from '../support/server';
import type { TestIntegration } from '../../support/scimify';
import { externalId, fillWithUsers, userName } from './support/directory';
import { type Statement, StatementLog } from './support/statement-log';

const USERS = 50_000;
const PAGE = 100;

describe('fifty thousand users in one integration', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;
  let users: string[];
  let log: StatementLog;

  beforeAll(async () => {
    // Older users must not make it more expensive: their ids come before these.
    await fillWithUsers(server.scimify, await server.freshIntegration(), USERS);
    integration = await server.freshIntegration();
    users = await fillWithUsers(server.scimify, integration, USERS);
    log = StatementLog.attach(server.scimify.app);
  }, 120_000);

  const list = async (parameters: Record<string, string | number>) => {
    const query = new URLSearchParams(
      Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)]),
    );
    return integration.scim.get(`/Users?${query.toString()}`);
  };

  describe('are found one at a time by an index', () => {
    const SOMEBODY = 34_567;

    it.each([
      ['userName', `userName eq "${userName(SOMEBODY)}"`],
      ['userName in capitals', `userName eq "${userName(SOMEBODY).toUpperCase()}"`],
      [
        'userName with a URN',
        `URN:ietf:params:scim:schemas:core:2.0:User:username EQ "${userName(SOMEBODY)}"`,
      ],
      ['externalId', `externalId eq "${externalId(SOMEBODY)}"`],
      [
        'userName and externalId',
        `userName eq "${userName(SOMEBODY)}" and externalId eq "${externalId(SOMEBODY)}"`,
      ],
      ['userName and more', `userName eq "${userName(SOMEBODY)}" and emails[type eq "work"]`],
    ])('by %s', async (_, filter) => {
      const { result, statements } = await log.during(() => list({ filter, startIndex: 1, count: 100 }));
      expect(expectList(result, 1)).toMatchObject([{ id: users[SOMEBODY] }]);
      expect(statements.length).toBeLessThanOrEqual(5);
      expect(await log.dearerThan(10, statements)).toEqual([]);
    });

    it('and who is not there is not there at the same price', async () => {
      const { result, statements } = await log.during(() => list({ filter: 'userName eq "nobody"' }));
      expectList(result, 0);
      expect(await log.dearerThan(10, statements)).toEqual([]);
    });
  });

  it.each([
    ['creation', {}, false],
    ['userName', { sortBy: 'userName' }, false],
    ['userName descending', { sortBy: 'userName', sortOrder: 'descending' }, true],
  ])(
    'cost the same on the last page of a walk by cursor as on the first, by %s',
    async (_, sorted, reversed) => {
      const pages: { statements: Statement[]; ids: string[] }[] = [];
      for (let cursor: string | undefined = ''; cursor !== undefined;) {
        const { result, statements } = await log.during(() =>
          list({ ...sorted, cursor: cursor!, count: PAGE }),
        );
        pages.push({ statements, ids: expectList(result).map(({ id }) => id as string) });
        cursor = result.body.nextCursor;
      }
      expect(pages).toHaveLength(USERS / PAGE);
      expect(pages.flatMap(({ ids }) => ids)).toEqual(reversed ? users.toReversed() : users);

      const shapes = new Set(
        pages.slice(1).map(({ statements }) => statements.map(({ sql }) => sql).join(';')),
      );
      expect(shapes.size).toBe(1);
      expect(pages[0]!.statements).toHaveLength(pages[1]!.statements.length);
      for (const page of [0, 1, pages.length / 2, pages.length - 1]) {
        const { statements } = pages[page]!;
        expect(await log.dearerThan(5 * PAGE, statements)).toEqual([]);
        const reading = statements.find(({ sql }) => /FROM scim_user\b[^]*LIMIT/.test(sql))!;
        expect(await log.costOf(reading)).toMatchObject({ sorts: false });
        // One more than the page, to know whether there is another.
        expect(reading.parameters.at(-1)).toBe(PAGE + 1);
      }
    },
    60_000,
  );

  it('are counted and paged by index to the end', async () => {
    const answer = await list({ startIndex: USERS - 9, count: 200 });
    expect(expectList(answer, USERS).map(({ id }) => id as string)).toEqual(users.slice(-10));
    expectList(await list({ startIndex: USERS + 1 }), USERS);
  });

  it('are walked over without a loss or a repetition while others come and go', async () => {
    const here = new Set(users);
    const seen: string[] = [];
    const come: string[] = [];
    let page = 0;
    for (let cursor: string | undefined = ''; cursor !== undefined; page++) {
      const answer = await list({ cursor, count: 200, attributes: 'userName' });
      const resources: Resource[] = expectList(answer);
      seen.push(...resources.map(({ id }) => id as string));
      cursor = answer.body.nextCursor;
      if (page % 10 !== 5) continue;
      // Far behind the cursor, right behind it, exactly at it, right before it, and far ahead.
      const at = users.indexOf(seen.at(-1)!);
      for (const going of [0, at - 1, at, at + 1, at + 2, USERS - 1 - page].map((user) => users[user]!)) {
        if (!here.delete(going)) continue;
        expect((await integration.scim.delete(`/Users/${going}`)).status).toBe(204);
      }
      come.push(await integration.scim.createUser(`late.${page}@example.com`));
    }
    expect(new Set(seen).size).toBe(seen.length);
    const ever = new Set(seen);
    expect([...here].filter((id) => !ever.has(id))).toEqual([]);
    expect(come.filter((id) => !ever.has(id))).toEqual([]);
    expect(come.length).toBeGreaterThan(20);
  }, 60_000);
});
