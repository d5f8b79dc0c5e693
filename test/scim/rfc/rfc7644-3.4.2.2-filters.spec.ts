import type { ScimClient } from '../../support/scim-client';
import { expectList, expectScimError, userNames } from '../support/expectations';
import { sendExactly } from '../support/exact-request';
import { user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { CORE_GROUP, CORE_USER, ENTERPRISE } from '../support/urns';

const LONG = 'x'.repeat(200);

/** By userName; the filters below use these first letters. */
const PEOPLE = [
  {
    userName: 'ada',
    externalId: 'Ext-A',
    displayName: 'Ada "the Countess" O\'Malley',
    title: 'Analyst',
    userType: 'Employee',
    name: { givenName: 'Ada', familyName: 'Byron' },
    emails: [
      { value: 'ada@Example.com', type: 'work', primary: true },
      { value: 'ada@home.example.org', type: 'home' },
    ],
    [ENTERPRISE]: { department: 'Ops', employeeNumber: '7', manager: { value: 'Boss-1' } },
  },
  {
    userName: 'Bo',
    externalId: 'ext-a',
    displayName: 'Bo \\ Björn',
    userType: 'Intern',
    active: false,
    name: { givenName: 'Bo', familyName: 'Öberg' },
    emails: [{ value: 'bo@example.org', type: 'work' }],
    ims: [{ value: 'bo@foo.com', type: 'xmpp' }],
    x509Certificates: [{ value: 'QUJD' }],
  },
  {
    userName: 'cy',
    displayName: '',
    title: 'Zen Master',
    name: { familyName: 'byron' },
    emails: [
      { value: 'cy@example.net', type: 'home' },
      { value: 'cy@example.com', type: 'other' },
    ],
    [ENTERPRISE]: { department: 'ops and more' },
  },
  { userName: 'Di%_', displayName: LONG, roles: [{ value: 'admin', primary: true }, { value: 'user' }] },
];
const [A, B, C, D] = PEOPLE.map(({ userName }) => userName) as [string, string, string, string];

const EVERYBODY = [A, B, C, D];

const CASES: [filter: string, found: string[]][] = [
  // The operators, on text without case.
  ['userName eq "ADA"', [A]],
  ['userName eq "ad"', []],
  ['userName ne "ada"', [B, C, D]],
  ['userName co "O"', [B]],
  ['userName sw "B"', [B]],
  ['userName ew "Y"', [C]],
  ['userName gt "bo"', [C, D]],
  ['userName ge "bo"', [B, C, D]],
  ['userName lt "BO"', [A]],
  ['userName le "BO"', [A, B]],
  ['userName co ""', EVERYBODY],
  ['userName eq ""', []],
  ['userName co "%"', [D]],
  ['userName co "_"', [D]],
  ['userName sw "di%_"', [D]],
  ['name.familyName eq "öberg"', [B]],
  ['name.familyName eq "ÖBERG"', [B]],
  ['name.familyName eq "o\\u0308berg"', [B]],
  ['name.familyName eq "Byron"', [A, C]],
  ['name.familyName co "yr"', [A, C]],
  [`displayName eq "${LONG}"`, [D]],
  // Text with case.
  ['externalId eq "Ext-A"', [A]],
  ['externalId eq "ext-a"', [B]],
  ['externalId sw "ext"', [B]],
  ['externalId co "-A"', [A]],
  ['externalId ne "ext-a"', [A, C, D]],
  // Presence, null and missing attributes.
  ['title pr', [A, C]],
  ['not (title pr)', [B, D]],
  ['externalId pr', [A, B]],
  ['emails pr', [A, B, C]],
  ['emails.value pr', [A, B, C]],
  ['name pr', [A, B, C]],
  ['name.givenName pr', [A, B]],
  [`${ENTERPRISE}:department pr`, [A, C]],
  ['title eq null', [B, D]],
  ['title ne null', [A, C]],
  ['title ne "Analyst"', [B, C, D]],
  ['title eq "Analyst" or title eq null', [A, B, D]],
  ['nonsense pr', []],
  ['not (nonsense pr)', EVERYBODY],
  ['nonsense eq "x"', []],
  ['nonsense.sub eq "x"', []],
  ['name.nonsense eq "x"', []],
  ['urn:example:unknown:x eq "y"', []],
  [`${CORE_GROUP}:members eq "x"`, []],
  // Booleans.
  ['active eq true', [A, C, D]],
  ['active eq false', [B]],
  ['active ne true', [B]],
  ['active EQ True', [A, C, D]],
  ['active eq "False"', [B]],
  ['active pr', EVERYBODY],
  ['emails.primary eq true', [A]],
  ['roles[primary eq "True"]', [D]],
  // Names and operators in any case, and full notation.
  ['USERNAME EQ "ada"', [A]],
  ['Name.FamilyName Co "BYR"', [A, C]],
  ['title PR AND NOT (userType PR)', [C]],
  [`${CORE_USER}:userName eq "ada"`, [A]],
  [`${CORE_USER.toUpperCase()}:USERNAME eq "ada"`, [A]],
  [`${CORE_USER}:name.familyName sw "Ö"`, [B]],
  [`${ENTERPRISE}:department eq "OPS"`, [A]],
  [`${ENTERPRISE}:department sw "ops"`, [A, C]],
  [`${ENTERPRISE}:manager.value eq "Boss-1"`, [A]],
  [`${ENTERPRISE}:manager eq "Boss-1"`, [A]],
  [`${ENTERPRISE}:employeeNumber eq "7"`, [A]],
  [`schemas eq "${ENTERPRISE}"`, [A, C]],
  [`schemas eq "${CORE_USER}"`, EVERYBODY],
  ['meta.resourceType eq "User"', EVERYBODY],
  ['meta.resourceType eq "Group"', []],
  // Precedence and grouping.
  ['userName eq "ada" or userName eq "bo" and active eq true', [A]],
  ['(userName eq "ada" or userName eq "bo") and active eq false', [B]],
  ['not (userName eq "ada") and title pr', [C]],
  ['not (userName eq "ada" and title pr)', [B, C, D]],
  ['not (not (userName eq "ada"))', [A]],
  ['userName eq "ada" or userName eq "bo" or userName eq "cy"', [A, B, C]],
  ['((((userName eq "ada"))))', [A]],
  ['  userName   eq   "ada"  ', [A]],
  ['title pr and userType eq "Employee"', [A]],
  ['title pr or userType eq "Intern"', [A, B, C]],
  ['userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")', [A]],
  ['userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")', [D]],
  // Multi-valued attributes: any value, unless brackets require the same value.
  ['emails eq "BO@example.org"', [B]],
  ['emails co "example.com"', [A, C]],
  ['emails.value ew ".org"', [A, B]],
  ['emails.type eq "home"', [A, C]],
  ['emails.type eq "work" and emails.value co "home"', [A]],
  ['emails[type eq "work" and value co "home"]', []],
  ['emails[type eq "work" and value co "@example.com"]', [A]],
  [
    'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
    [A, B],
  ],
  ['userType eq "Employee" and emails[type eq "work" and value co "@example.com"]', [A]],
  ['emails[not (type eq "work")]', [A, C]],
  ['not (emails[type eq "work"])', [C, D]],
  ['emails[type eq "home" or type eq "other"]', [A, C]],
  ['emails[type eq "work"].value eq "bo@example.org"', [B]],
  ['EMAILS[TYPE EQ "work"]', [A, B]],
  ['emails[type pr and not (primary eq true)]', [A, B, C]],
  ['emails[nonsense eq "x"]', []],
  ['roles[value eq "admin" and primary eq true]', [D]],
  ['roles[value eq "user" and primary eq true]', []],
  // JSON strings.
  ['displayName eq "Ada \\"the Countess\\" O\'Malley"', [A]],
  ['displayName co "\\"the"', [A]],
  ['displayName co "O\'Malley"', [A]],
  ['displayName eq "Bo \\\\ Bj\\u00F6rn"', [B]],
  ['displayName co "\\\\"', [B]],
  ['x509Certificates eq "QUJD"', [B]],
  // Dates.
  ['meta.created gt "2011-05-13T04:42:34Z"', EVERYBODY],
  ['meta.lastModified lt "2011-05-13T04:42:34Z"', []],
  ['meta.lastModified ge "2011-05-13T04:42:34.123+05:30" and title pr', [A, C]],
  ['meta.lastModified lt "2999-01-01T00:00:00-11:00"', EVERYBODY],
];

describe('RFC 7644 §3.4.2.2, filters', () => {
  const server = serverOfThisFile();
  let scim: ScimClient;

  beforeAll(async () => {
    ({ scim } = await server.freshIntegration());
    for (const person of PEOPLE) {
      const { status } = await scim.post('/Users', { schemas: [CORE_USER], ...person });
      expect(status).toBe(201);
    }
  });

  const search = (filter: string, path = '/Users') =>
    scim.get(`${path}?filter=${encodeURIComponent(filter)}`);

  it.each(CASES)('%s', async (filter, found) => {
    const answer = await search(filter);
    expect(userNames(expectList(answer, found.length)).sort()).toEqual([...found].sort());
  });

  it('are read from a query with plus signs for spaces', async () => {
    expect(userNames(expectList(await scim.get('/Users?filter=userName+eq+%22ada%22')))).toEqual([A]);
    expect(userNames(expectList(await scim.get('/Users?filter=userName%20eq%20%22Di%25_%22')))).toEqual([D]);
  });

  it('take a plus sign to the letter where the query writes its spaces as %20', async () => {
    const { id, scimKey, scim: other } = await server.freshIntegration();
    const written = (target: string) =>
      sendExactly(server.scimify.url, {
        method: 'GET',
        target: `/scim/v2/${id}${target}`,
        headers: { Authorization: `Bearer ${scimKey}` },
      });
    const [plus, space] = ['ada+test@example.com', 'ada test@example.com'];
    await other.post('/Users', user({ userName: plus, phoneNumbers: [{ value: '+44 20' }] }));
    await other.createUser(space);
    for (const [query, found] of [
      ['filter=userName%20eq%20%22ada+test@example.com%22', plus],
      ['count=5&filter=userName%20eq%20%22ada+test%40example.com%22&startIndex=1', plus],
      ['filter=(userName%20co%20%22a+t%22)%20and%20phoneNumbers.value%20eq%20%22+44%2020%22', plus],
      ['filter=userName%20eq%20%22ada%2Btest@example.com%22', plus],
      ['filter=userName%20eq%20%22ada%20test@example.com%22', space],
      // In a form a plus sign is a space.
      ['filter=userName+eq+%22ada%2Btest@example.com%22', plus],
      ['filter=userName+eq+%22ada+test@example.com%22', space],
      ['filter=userName+eq+%22ada%20test@example.com%22', space],
      ['filter=userName+eq+%22ada+test@example.com%22&note=?filter=a%20b', space],
    ] as const) {
      const names = userNames(expectList(await written(`/Users?${query}`)));
      expect({ query, names }).toEqual({ query, names: [found] });
    }
    await other.createGroup('C++ on-call');
    expectList(await written('/Groups?filter=displayName%20eq%20%22C++%20on-call%22'), 1);
    for (const broken of ['%zz+', '+%']) {
      const answer = await written(`/Users?filter=userName%20eq%20%22${broken}%22`);
      expectScimError(answer, 400, 'invalidFilter');
    }
  });

  it('by the very instant find what was made then', async () => {
    const [ada] = expectList(await search('userName eq "ada"'));
    const created: string = ada!.meta.created;
    expect(userNames(expectList(await search(`meta.created eq "${created}"`)))).toContain(A);
    const elsewhere = `${new Date(Date.parse(created) + 3_600_000).toISOString().slice(0, -1)}+01:00`;
    expect(userNames(expectList(await search(`meta.created eq "${elsewhere}"`)))).toContain(A);
    expect(
      userNames(expectList(await search(`meta.created gt "${created}" or id eq "${ada!.id}"`))),
    ).toContain(A);
  });

  it('by id and by location find one', async () => {
    const [ada] = expectList(await search('userName eq "ada"'));
    expect(userNames(expectList(await search(`id eq "${ada!.id}"`), 1))).toEqual([A]);
    expect(userNames(expectList(await search(`id eq "${ada!.id}" and active eq false`), 0))).toEqual([]);
    expect(userNames(expectList(await search(`meta.location eq "${ada!.meta.location}"`), 1))).toEqual([A]);
    expectList(await search(`meta.version eq ${JSON.stringify(ada!.meta.version)}`));
  });

  describe('on groups', () => {
    let ada: string, bo: string;

    beforeAll(async () => {
      ada = expectList(await search('userName eq "ada"'))[0]!.id;
      bo = expectList(await search('userName eq "bo"'))[0]!.id;
      await scim.createGroup('Platform & "Ops"/Träger', [ada, bo]);
      await scim.createGroup('Database', [bo]);
      await scim.createGroup('Empty');
    });

    it.each<[(ids: { ada: string; bo: string }) => string, string[]]>([
      [() => 'displayName eq "platform & \\"OPS\\"/TRÄGER"', ['Platform & "Ops"/Träger']],
      [() => 'displayName sw "D"', ['Database']],
      [() => 'displayName co "a"', ['Platform & "Ops"/Träger', 'Database']],
      [() => `${CORE_GROUP}:displayName eq "empty"`, ['Empty']],
      [({ ada }) => `members eq "${ada}"`, ['Platform & "Ops"/Träger']],
      [({ bo }) => `members.value eq "${bo}"`, ['Platform & "Ops"/Träger', 'Database']],
      [({ bo }) => `members[value eq "${bo}"]`, ['Platform & "Ops"/Träger', 'Database']],
      [({ ada, bo }) => `members eq "${bo}" and not (members eq "${ada}")`, ['Database']],
      [({ ada, bo }) => `members[value eq "${bo}" and value eq "${ada}"]`, []],
      [() => 'members pr', ['Platform & "Ops"/Träger', 'Database']],
      [() => 'not (members pr)', ['Empty']],
      [() => 'members.display sw "Ada"', ['Platform & "Ops"/Träger']],
      [() => 'members[type eq "User"]', ['Platform & "Ops"/Träger', 'Database']],
      [() => 'members[type eq "Group"]', []],
      [() => 'members eq "nobody"', []],
      [({ bo }) => `displayName eq "Database" and members eq "${bo}"`, ['Database']],
      [() => 'userName eq "ada"', []],
      [() => 'meta.resourceType eq "Group"', ['Platform & "Ops"/Träger', 'Database', 'Empty']],
    ])('case %#', async (filter, found) => {
      const resources = expectList(await search(filter({ ada, bo }), '/Groups'), found.length);
      expect(resources.map(({ displayName }) => displayName as string).sort()).toEqual([...found].sort());
    });

    it('are found by the groups of a user, and users by theirs', async () => {
      const [database] = expectList(await search('displayName eq "Database"', '/Groups'));
      expect(userNames(expectList(await search(`groups eq "${database!.id}"`)))).toEqual([B]);
      expect(userNames(expectList(await search(`groups.value eq "${database!.id}"`)))).toEqual([B]);
      expect(userNames(expectList(await search('groups.display eq "database"')))).toEqual([B]);
      expect(userNames(expectList(await search('groups pr'))).sort()).toEqual([A, B].sort());
    });
  });

  describe('that cannot be used are 400 invalidFilter', () => {
    it.each([
      ['userName', 9],
      ['userName eq', 12],
      ['userName eq ada', 13],
      ["userName eq 'ada'", 13],
      ['userName eq "ada', 13],
      ['userName like "a"', 10],
      ['userName eq "a" and', 20],
      ['userName eq "a" "b"', 17],
      ['and userName pr', 5],
      ['(userName pr', 13],
      ['userName pr)', 12],
      ['not userName pr', 5],
      ['emails[type eq "work"', 22],
      ['emails[type eq "work"]]', 23],
      ['emails[]', 8],
      ['emails[ims[type pr]]', 11],
      ['()', 2],
      ['"ada" eq userName', 1],
      ['userName eq "\\x"', 13],
      ['userName eq "\\u00"', 13],
      ['userName eq "\\u0000"', 13],
      ['userName eq "\\ud800"', 13],
      ['1 eq 1', 1],
      ['userName eq 1e999', 13],
      ['userName pr; DROP TABLE scim_user', 12],
    ])('%s says position %s', async (filter, position) => {
      const answer = await search(filter);
      expectScimError(answer, 400, 'invalidFilter');
      expect(answer.body.detail).toContain(`position ${position}`);
    });

    it.each([
      'active gt true',
      'active co true',
      'active sw "t"',
      'active ge false',
      'active lt false',
      'active eq 1',
      'active eq "yes"',
      'x509Certificates gt "QQ=="',
      'x509Certificates.value le "QQ=="',
      'userName eq true',
      'userName co 5',
      'userName gt null',
      'meta.created gt "yesterday"',
      'meta.created eq "2011-02-30T00:00:00Z"',
      'meta.created gt 5',
      'name eq "Ada"',
      'userName[value eq "x"]',
      'roles.primary gt true',
    ])('%s compares what cannot be compared', async (filter) => {
      expectScimError(await search(filter), 400, 'invalidFilter');
    });

    it.each([
      ['too long', `userName eq "${'x'.repeat(8_200)}"`],
      ['too deep', `${'('.repeat(21)}userName pr${')'.repeat(21)}`],
      ['much too deep', '('.repeat(8_000)],
      ['deep in not', `${'not ('.repeat(21)}userName pr${')'.repeat(21)}`],
      ['too many terms', Array(201).fill('a pr').join(' or ')],
    ])('because they are %s', async (_why, filter) => {
      expectScimError(await scim.post('/Users/.search', searchBody(filter)), 400, 'invalidFilter');
      expectScimError(await search(filter), 400, 'invalidFilter');
    });

    it('but not what is just within the bounds', async () => {
      expectList(await search(`userName eq "${'x'.repeat(8_000)}"`), 0);
      expectList(await search(`${'('.repeat(20)}userName pr${')'.repeat(20)}`), 4);
      expectList(await search(Array(50).fill('title pr').join(' or ')), 2);
      expectList(await search(Array(50).fill('title pr').join(' and ')), 2);
    });

    it('on groups and in a search as well', async () => {
      expectScimError(await search('displayName eq', '/Groups'), 400, 'invalidFilter');
      expectScimError(await scim.post('/Groups/.search', searchBody('displayName eq')), 400, 'invalidFilter');
      expectScimError(await scim.post('/.search', searchBody('displayName eq')), 400, 'invalidFilter');
    });
  });

  it('are unmoved by what looks like SQL', async () => {
    for (const text of ["' OR 1=1 --", "'; DROP TABLE scim_user; --", '%', '_', '\\', '" or "" = "']) {
      for (const operator of ['eq', 'co', 'sw', 'ew']) {
        for (const attribute of ['displayName', 'userName', 'externalId', 'id', 'emails.value']) {
          const answer = await search(`${attribute} ${operator} ${JSON.stringify(text)}`);
          const expected = PEOPLE.filter((person) => {
            const values: Record<string, string[]> = {
              displayName: [person.displayName],
              userName: [person.userName],
            };
            return (values[attribute] ?? []).some((value) =>
              compare(operator, value.toLowerCase(), text.toLowerCase()),
            );
          });
          expect([attribute, operator, text, userNames(expectList(answer)).sort()]).toEqual([
            attribute,
            operator,
            text,
            expected.map(({ userName }) => userName).sort(),
          ]);
        }
      }
    }
  });
});

function searchBody(filter: string): object {
  return { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], filter };
}

function compare(operator: string, value: string, text: string): boolean {
  if (operator === 'eq') return value === text;
  if (operator === 'co') return value.includes(text);
  return operator === 'sw' ? value.startsWith(text) : value.endsWith(text);
}
