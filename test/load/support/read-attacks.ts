import type { Attack } from './attack';
import { userBody } from './requests';

const OPERATORS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'];

const USER_ATTRIBUTES: Record<string, string> = {
  userName: '"zz"',
  externalId: '"zz"',
  id: '"zz"',
  displayName: '"zz"',
  'name.familyName': '"zz"',
  title: '"zz"',
  'emails.value': '"zz"',
  'emails[type eq "work"].value': '"zz"',
  emails: '"zz"',
  'addresses.locality': '"zz"',
  groups: '"01a22f1c-9f6a-7578-b8b7-d43490000000"',
  'groups.display': '"zz"',
  active: 'false',
  'meta.created': '"2011-05-13T04:42:34Z"',
  'meta.lastModified': '"2011-05-13T04:42:34Z"',
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department': '"zz"',
};
const GROUP_ATTRIBUTES: Record<string, string> = {
  displayName: '"zz"',
  externalId: '"zz"',
  id: '"zz"',
  members: '"01a22f1c-9f6a-7578-b8b7-d43490000000"',
  'members.value': '"01a22f1c-9f6a-7578-b8b7-d43490000000"',
  'members.display': '"zz"',
  'members.type': '"zz"',
  'meta.lastModified': '"2011-05-13T04:42:34Z"',
};

const times = (count: number, term: (n: number) => string, joint = ' or ') =>
  Array.from({ length: count }, (_, n) => term(n)).join(joint);

/** An id that no resource has. */
const idAfter = (id: string, n: number) => id.slice(0, -7) + String(9_000_000 + n);

const MARKS = '\u0315'.repeat(4_000) + '\u0316'.repeat(4_000);

const comparisons = (path: string, attributes: Record<string, string>, everyTime: readonly string[]) =>
  Object.entries(attributes).map<Attack>(([attribute, value]) => ({
    name: `${path} is filtered by 50 comparisons of each operator on ${attribute}`,
    everyTime: everyTime.includes(attribute),
    requests: ({ scim }) => [
      ...OPERATORS.map((operator) =>
        scim.filter(
          path,
          times(50, () => `${attribute} ${operator} ${value}`),
        ),
      ),
      scim.filter(
        path,
        times(50, () => `not (${attribute} pr)`),
      ),
      scim.filter(
        path,
        times(50, () => `${attribute} pr`, ' and '),
      ),
    ],
  }));

const sorts = (path: string, attributes: readonly string[]) =>
  attributes.map<Attack>((sortBy) => ({
    name: `${path} is read from deep within, sorted by ${sortBy}`,
    everyTime: sortBy === 'meta.lastModified' && path === '/Users',
    rounds: 5,
    requests: ({ scim }) => [
      scim.get(path, { sortBy, sortOrder: 'descending', startIndex: path === '/Users' ? '19800' : '90' }),
    ],
  }));

/** Lists, searches and single reads of the SCIM API. */
export const READ_ATTACKS: readonly Attack[] = [
  ...[10, 50, 140].map<Attack>((terms) => ({
    name: `/Users is filtered by ${terms} × "groups eq"`,
    everyTime: terms === 140,
    // Empty groups and groups of all users: no comparison can be skipped because of the one before.
    requests: ({ scim, world: { big } }) => [
      scim.filter(
        '/Users',
        times(terms, (n) => `groups eq "${idAfter(big.groupIds.at(-1)!, n)}"`),
      ),
      scim.filter(
        '/Users',
        times(terms, (n) => `groups eq "${big.groupIds[n % 20]}"`, ' and '),
      ),
    ],
  })),
  {
    name: '/Users is filtered by 200 × "groups ne null"',
    everyTime: true,
    requests: ({ scim }) => [
      scim.filter(
        '/Users',
        times(200, () => 'groups ne null', ' and '),
      ),
    ],
  },
  {
    name: '/Users is filtered by 50 × "groups ne null"',
    requests: ({ scim }) => [
      scim.filter(
        '/Users',
        times(50, () => 'groups ne null', ' and '),
      ),
    ],
  },
  {
    name: '/Users is filtered by 200 × "userName co"',
    everyTime: true,
    requests: ({ scim }) => [
      scim.filter(
        '/Users',
        times(200, (n) => `userName co "zz${n}"`),
      ),
    ],
  },
  {
    name: '/Users is filtered by a tree of 50 different comparisons',
    requests: ({ scim }) => [
      scim.filter(
        '/Users',
        times(25, (n) => `(emails[type eq "work" and value co "zz${n}"] or name.familyName co "zz${n}")`),
      ),
    ],
  },
  {
    name: '/Groups is listed with 200 groups on a page, all members in it',
    everyTime: true,
    requests: ({ scim }) => [scim.get('/Groups', { count: '200' })],
  },
  {
    name: 'one group of 20,000 members is read',
    everyTime: true,
    requests: ({ scim, world }) => [scim.get(`/Groups/${world.big.groupIds[1]}`)],
  },
  {
    name: "one group of 20,000 members is read with the members' display alone",
    requests: ({ scim, world }) => [
      scim.get(`/Groups/${world.big.groupIds[1]}`, { attributes: 'members.display' }),
    ],
  },
  {
    name: '/Groups is filtered by "members.display co"',
    everyTime: true,
    requests: ({ scim }) => [scim.filter('/Groups', 'members.display co "zz"')],
  },
  {
    name: '/Groups is filtered by 50 × "members[display co …]"',
    requests: ({ scim }) => [
      scim.filter(
        '/Groups',
        times(50, (n) => `members[display co "zz${n}"]`),
      ),
    ],
  },
  {
    name: '/Groups is searched with "members pr"',
    everyTime: true,
    requests: ({ scim }) => [scim.search('/Groups', { filter: 'members pr', count: 200 })],
  },
  {
    name: 'users and groups are searched at the root, from deep within',
    requests: ({ scim }) => [
      scim.search('', { startIndex: 19_900, count: 200 }),
      scim.search('', { filter: 'displayName co "zz"', count: 200 }),
    ],
  },
  {
    name: '/Users is listed with 200 users who are each in 100 groups',
    rounds: 3,
    requests: ({ scim }) => [scim.get('/Users', { count: '200' })],
  },
  {
    name: '/Users is listed with 200 users of 250 KiB each',
    everyTime: true,
    requests: ({ large }) => [large.get('/Users', { count: '200' })],
  },
  {
    name: '200 users of 250 KiB each are filtered by 50 comparisons on their 5,000 values',
    everyTime: true,
    requests: ({ large }) => [
      large.filter(
        '/Users',
        times(50, (n) => `entitlements.value co "zz${n}"`),
      ),
    ],
  },
  {
    name: '/Users is listed from the 19,900th on',
    rounds: 5,
    requests: ({ scim }) => [scim.get('/Users', { startIndex: '19900', count: '100' })],
  },
  {
    name: '/Groups is searched with 16 MiB of names of attributes',
    everyTime: true,
    requests: ({ scim }) => [
      scim.search('/Groups', { attributes: [times(5_500_000, () => 'id', ',')], count: 1 }),
    ],
  },
  {
    name: '/Users is searched with 100,000 names of attributes',
    requests: ({ scim }) => [
      scim.search('/Users', {
        attributes: Array.from({ length: 100_000 }, (_, n) => `name.x${n}`),
        count: 200,
      }),
      scim.search('/Users', { excludedAttributes: Array.from({ length: 50_000 }, () => 'emails.value') }),
    ],
  },
  {
    name: '/Users is filtered by a text of 8,000 combining marks',
    everyTime: true,
    requests: ({ scim }) => [
      scim.filter('/Users', `userName eq "${MARKS}"`),
      scim.filter('/Users', `emails.value co "${MARKS}"`),
    ],
  },
  {
    name: 'a user comes with 8,000 combining marks in entitlements and in $ref',
    requests: ({ scim }) => [
      scim.post('/Users', userBody('marks@example.com', { entitlements: [{ value: MARKS }] })),
      scim.post('/Users', userBody('ref@example.com', { groups: [{ $ref: MARKS }], profileUrl: MARKS })),
    ],
  },
  {
    name: 'a filter is nested a thousand deep',
    requests: ({ scim }) => [scim.filter('/Users', `${'('.repeat(3_000)}userName pr${')'.repeat(3_000)}`)],
  },
  ...comparisons('/Users', USER_ATTRIBUTES, ['emails.value']),
  ...comparisons('/Groups', GROUP_ATTRIBUTES, []),
  ...sorts('/Users', [
    'meta.lastModified',
    'meta.created',
    'userName',
    'displayName',
    'externalId',
    'name.familyName',
    'emails',
    'title',
    'groups',
  ]),
  ...sorts('/Groups', ['displayName', 'externalId', 'meta.lastModified', 'members']),
];
