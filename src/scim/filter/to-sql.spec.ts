import { DatabaseSync } from '@photostructure/sqlite';
import fc from '../../../test/support/properties';
import { fold } from '../../directory/fold';
import { parseDateTime } from '../schema/date-time';
import type { ScimObject } from '../schema/json';
import { GROUP, USER } from '../schema/registry';
import { bindFilter } from './bind';
import { matches } from './evaluate';
import { parseFilter } from './parser';
import { toSql, type FilterColumns, type SqlFilter } from './to-sql';

const COLUMNS: FilterColumns = {
  username: { column: 'userNameKey', kind: 'key', nullable: false },
  displayname: { column: 'displayNameKey', kind: 'key', nullable: true },
  externalid: { column: 'externalIdKey', kind: 'exact', nullable: true },
  id: { column: 'id', kind: 'id', nullable: false },
  active: { column: 'active', kind: 'boolean', nullable: false },
  'meta.created': { column: 'createdAt', kind: 'time', nullable: false },
};
const GROUP_COLUMNS: FilterColumns = {
  id: { column: 'g.id', kind: 'id', nullable: false },
  displayname: { column: 'g.displayNameKey', kind: 'key', nullable: false },
  'members.value': {
    kind: 'link',
    any: 'EXISTS (SELECT 1 FROM group_member m WHERE m.groupId = g.id)',
    one: 'EXISTS (SELECT 1 FROM group_member m WHERE m.groupId = g.id AND m.userId = ?)',
  },
};
const ID = '0190f5fe-7c1e-7e2a-b1c4-8a4b0c0d0e0f';

describe('SQL of a filter', () => {
  it.each([
    ['userName eq "Ada"', 'userNameKey = ?', ['ada'], true],
    ['displayName eq "Ada"', 'displayNameKey IS NOT NULL AND displayNameKey = ?', ['ada'], true],
    ['displayName ne "Ada"', 'displayNameKey IS NULL OR displayNameKey <> ?', ['ada'], true],
    ['displayName eq null', 'displayNameKey IS NULL', [], true],
    ['userName eq null', '1 = 0', [], true],
    ['displayName pr', "displayNameKey IS NOT NULL AND displayNameKey <> ''", [], true],
    ['externalId eq "Ada"', 'externalIdKey IS NOT NULL AND externalIdKey = ?', ['Ada'], true],
    ['userName sw "Ada"', 'userNameKey >= ? AND userNameKey < ?', ['ada', 'adb'], true],
    ['userName co "_%"', 'INSTR(userNameKey, ?) > 0', ['_%'], true],
    ['userName ew "Z"', 'SUBSTR(userNameKey, -LENGTH(?)) = ?', ['z', 'z'], true],
    ['active eq "False"', 'active = ?', [0], true],
    [`id eq "${ID}"`, 'id = ?', [ID], true],
    [`id eq "${ID.toUpperCase()}"`, '1 = 0', [], true],
    ['id ne "x"', '1 = 1', [], true],
    ['meta.created lt "1970-01-01T00:00:01Z"', 'createdAt < ?', [1000], true],
    ['not (userName eq "a")', 'NOT (userNameKey = ?)', ['a'], true],
    ['userName eq "a" or active eq true', '(userNameKey = ?) OR (active = ?)', ['a', 1], true],
    ['nonsense eq "a"', '1 = 0', [], true],
    ['userName eq "a" and title eq "x"', '(userNameKey = ?)', ['a'], false],
    ['active eq true and emails[value eq "x"]', '(active = ?)', [1], false],
  ])('%s is %s', (filter, sql, params, exact) => {
    expect(compile(filter)).toEqual({ sql, params, exact });
  });

  it.each([
    'title eq "x"',
    'emails.value eq "x"',
    'emails[type eq "work"]',
    'userName eq "a" or title eq "x"',
    'not (userName eq "a" and title eq "x")',
    'id sw "0190"',
    'meta.created sw "2011"',
  ])('there is none for %s', (filter) => {
    expect(compile(filter)).toBeNull();
  });

  it.each([
    [
      `id eq "${ID}" and members eq "${ID}"`,
      '(g.id = ?) AND (EXISTS (SELECT 1 FROM group_member m WHERE m.groupId = g.id AND m.userId = ?))',
      [ID, ID],
    ],
    ['members.value eq "someone"', '1 = 0', []],
    ['members pr', 'EXISTS (SELECT 1 FROM group_member m WHERE m.groupId = g.id)', []],
    ['members eq null', 'NOT (EXISTS (SELECT 1 FROM group_member m WHERE m.groupId = g.id))', []],
  ])('asks the rows of a group for %s', (filter, sql, params) => {
    expect(toSql(bindFilter(GROUP, parseFilter(filter)), GROUP_COLUMNS)).toEqual({
      sql,
      params,
      exact: true,
    });
  });

  it.each([`members ne "${ID}"`, 'members co "a"', 'members.display eq "a"', 'members[value eq "a"]'])(
    'does not ask them for %s',
    (filter) => {
      expect(toSql(bindFilter(GROUP, parseFilter(filter)), GROUP_COLUMNS)).toBeNull();
    },
  );

  it('finds in SQLite what evaluation in memory finds', () => {
    const database = new DatabaseSync(':memory:');
    database.exec(`CREATE TABLE u (n INTEGER, id TEXT, userNameKey TEXT, displayNameKey TEXT, externalIdKey TEXT,
      active INTEGER, createdAt INTEGER)`);
    const insert = database.prepare('INSERT INTO u VALUES (?, ?, ?, ?, ?, ?, ?)');
    fc.assert(
      fc.property(fc.array(user, { minLength: 1, maxLength: 8 }), filterText, (users, text) => {
        database.exec('DELETE FROM u');
        users.forEach((resource, n) => insert.run(n, ...rowOf(resource)));
        const filter = bindFilter(USER, parseFilter(text));
        const sql = toSql(filter, COLUMNS);
        const expected = users.flatMap((resource, n) => (matches(filter, resource) ? [n] : []));
        const found =
          sql === null
            ? users.map((_, n) => n)
            : database
                .prepare(`SELECT n FROM u WHERE ${sql.sql} ORDER BY n`)
                .all(...sql.params)
                .map((row) => (row as { n: number }).n);
        if (sql?.exact) expect(found).toEqual(expected);
        else expect(found).toEqual(expect.arrayContaining(expected));
      }),
      { numRuns: 1500 },
    );
    database.close();
  });
});

function compile(filter: string): SqlFilter | null {
  return toSql(bindFilter(USER, parseFilter(filter)), COLUMNS);
}

function rowOf(user: ScimObject): (string | number | null)[] {
  const text = (name: string) => (user[name] as string | undefined) ?? null;
  const displayName = text('displayName');
  return [
    text('id'),
    fold(user.userName as string),
    displayName === null ? null : fold(displayName),
    text('externalId'),
    user.active === true ? 1 : 0,
    parseDateTime((user.meta as ScimObject).created as string),
  ];
}

// Few characters, so that filters hit: case, accents in both normal forms, wildcards, both ends of the code points.
const text = fc
  .array(
    fc.constantFrom(
      'a',
      'A',
      'b',
      'é',
      'e\u0301',
      'İ',
      'ß',
      '%',
      '_',
      '"',
      '\\',
      '\ud7ff',
      '\uffff',
      '😀',
      '\u{10ffff}',
    ),
    {
      maxLength: 4,
    },
  )
  .map((characters) => characters.join(''));
const id = fc.constantFrom(ID, ID.replace('0', '1'));
const created = fc.constantFrom('2011-05-13T04:42:34Z', '2011-05-13T04:42:34.001Z', '1969-12-31T23:59:59Z');

const user: fc.Arbitrary<ScimObject> = fc
  .record({
    id,
    userName: text,
    displayName: fc.option(text, { nil: undefined }),
    externalId: fc.option(text, { nil: undefined }),
    title: fc.option(text, { nil: undefined }),
    active: fc.boolean(),
    created,
  })
  .map(({ created, ...values }) => {
    const resource: ScimObject = { meta: { created } };
    for (const [name, value] of Object.entries(values)) if (value !== undefined) resource[name] = value;
    return resource;
  });

const comparison = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('userName', 'displayName', 'externalId', 'title', 'nonsense'),
      fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'),
      text,
    )
    .map(([name, operator, value]) => `${name} ${operator} ${JSON.stringify(value)}`),
  fc
    .tuple(
      fc.constantFrom('userName', 'displayName', 'externalId', 'title', 'id', 'active', 'meta.created'),
      fc.constantFrom('pr', 'eq null', 'ne null'),
    )
    .map((parts) => parts.join(' ')),
  fc
    .tuple(fc.constantFrom('eq', 'ne'), fc.boolean())
    .map(([operator, value]) => `active ${operator} ${value}`),
  fc
    .tuple(
      fc.constantFrom('eq', 'ne', 'sw', 'gt'),
      fc.oneof(
        id,
        id.map((some) => some.toUpperCase()),
        text,
      ),
    )
    .map(([operator, value]) => `id ${operator} ${JSON.stringify(value)}`),
  fc
    .tuple(fc.constantFrom('eq', 'ne', 'gt', 'ge', 'lt', 'le'), created)
    .map(([operator, value]) => `meta.created ${operator} "${value}"`),
);

const { filterText } = fc.letrec<{ filterText: string }>((tie) => ({
  filterText: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    comparison,
    fc
      .tuple(fc.constantFrom('and', 'or'), tie('filterText'), tie('filterText'))
      .map(([operator, left, right]) => `(${left}) ${operator} (${right})`),
    tie('filterText').map((inner) => `not (${inner})`),
  ),
}));
