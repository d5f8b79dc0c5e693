import type { ScimClient } from '../../support/scim-client';
import { expectList, expectScimError, expectScimErrorOf, userNames } from '../support/expectations';
import { group, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { CORE_USER, ENTERPRISE, SEARCH_REQUEST } from '../support/urns';

const PEOPLE = [
  { userName: 'b-Delta', externalId: 'b', title: 'x', name: { familyName: 'Öberg' }, active: false },
  { userName: 'A-alpha', externalId: 'B', name: { familyName: 'adams' }, nickName: 'Zed' },
  { userName: 'c-Charlie', externalId: 'a', title: 'X', name: { familyName: 'Byron' }, nickName: 'amy' },
  { userName: 'D-bravo', externalId: 'A', title: 'a', name: { familyName: 'byrne' }, active: false },
];
const EMAILS = [
  [{ value: 'zz@example.com' }, { value: 'b@example.com', primary: true }],
  [{ value: 'c@example.com' }, { value: 'a@example.com' }],
  [],
  [{ value: 'A@example.com' }],
];
const DEPARTMENTS = ['two', 'three', 'one', undefined];
const [b, a, c, d] = PEOPLE.map(({ userName }) => userName) as [string, string, string, string];

describe('RFC 7644 §3.4.2.3, sorting', () => {
  const server = serverOfThisFile();
  let scim: ScimClient;

  beforeAll(async () => {
    ({ scim } = await server.freshIntegration());
    for (const [index, person] of PEOPLE.entries()) {
      const { status } = await scim.post(
        '/Users',
        user({ ...person, emails: EMAILS[index], [ENTERPRISE]: { department: DEPARTMENTS[index] } }),
      );
      expect(status).toBe(201);
    }
    for (const displayName of ['beta', 'Alpha', 'gamma']) await scim.post('/Groups', group({ displayName }));
  });

  it.each([
    ['userName', [a, b, c, d], 'text without case'],
    ['USERNAME', [a, b, c, d], 'names of any case'],
    [`${CORE_USER}:userName`, [a, b, c, d], 'full notation'],
    ['externalId', [d, a, c, b], 'text with case, by code point'],
    ['name.familyName', [a, d, c, b], 'a sub-attribute'],
    ['emails', [d, b, a, c], 'the primary value, else the first; without a value last'],
    ['emails.value', [d, b, a, c], 'the same with its sub-attribute'],
    [`${ENTERPRISE}:department`, [c, a, b, d], 'an extension attribute'],
    ['meta.created', [b, a, c, d], 'a date'],
    ['active', [b, d, a, c], 'a boolean, false before true'],
    ['nickName', [c, a, b, d], 'what some do not have, in the order of the list'],
  ])('by %s gives %j: %s', async (sortBy, expected) => {
    const ascending = await scim.get(`/Users?sortBy=${encodeURIComponent(sortBy)}`);
    expect(userNames(expectList(ascending, 4))).toEqual(expected);
    const explicit = await scim.get(`/Users?sortBy=${encodeURIComponent(sortBy)}&sortOrder=ascending`);
    expect(explicit.body).toEqual(ascending.body);
    const searched = await scim.post('/Users/.search', { schemas: [SEARCH_REQUEST], sortBy });
    expect(searched.body).toEqual(ascending.body);
  });

  it.each([
    ['userName', [d, c, b, a]],
    ['externalId', [b, c, a, d]],
    ['emails', [c, a, b, d]],
    [`${ENTERPRISE}:department`, [d, b, a, c]],
  ])('by %s descending gives %j: what has no value comes first', async (sortBy, expected) => {
    const answer = await scim.get(`/Users?sortOrder=Descending&sortBy=${encodeURIComponent(sortBy)}`);
    expect(userNames(expectList(answer, 4))).toEqual(expected);
  });

  it('of equal values and of missing ones is the same on every page', async () => {
    for (const sortBy of ['title', 'userType', 'active', 'schemas', 'locale']) {
      for (const sortOrder of ['ascending', 'descending']) {
        const query = `sortBy=${sortBy}&sortOrder=${sortOrder}`;
        const whole = userNames(expectList(await scim.get(`/Users?${query}`), 4));
        const pages: string[] = [];
        for (let startIndex = 1; startIndex <= 4; startIndex++) {
          pages.push(
            ...userNames(expectList(await scim.get(`/Users?${query}&startIndex=${startIndex}&count=1`), 4)),
          );
        }
        expect(pages).toEqual(whole);
        expect(new Set(whole).size).toBe(4);
      }
    }
  });

  it('goes with a filter', async () => {
    const answer = await scim.get('/Users?filter=title%20pr&sortBy=userName&sortOrder=descending');
    expect(userNames(expectList(answer, 3))).toEqual([d, c, b]);
    const scanned = await scim.get('/Users?filter=name.familyName%20co%20%22b%22&sortBy=userName&count=2');
    expect(userNames(expectList(scanned, 3))).toEqual([b, c]);
  });

  it('sorts groups', async () => {
    const answer = await scim.get('/Groups?sortBy=displayName');
    expect(expectList(answer, 3).map(({ displayName }) => displayName as string)).toEqual([
      'Alpha',
      'beta',
      'gamma',
    ]);
    const down = await scim.get('/Groups?sortBy=displayName&sortOrder=descending');
    expect(expectList(down, 3).map(({ displayName }) => displayName as string)).toEqual([
      'gamma',
      'beta',
      'Alpha',
    ]);
  });

  it('without sortBy is no sorting, whatever sortOrder says', async () => {
    const answer = await scim.get('/Users?sortOrder=descending');
    expect(userNames(expectList(answer, 4))).toEqual(userNames(expectList(await scim.get('/Users'), 4)));
  });

  it('refuses an order that is none, and a path that is none', async () => {
    expectScimError(await scim.get('/Users?sortBy=userName&sortOrder=upwards'), 400, 'invalidValue');
    for (const sortBy of ['a b', 'emails[type eq "work"]', '"userName"', "userName'--", '1']) {
      expectScimErrorOf(
        await scim.get(`/Users?sortBy=${encodeURIComponent(sortBy)}`),
        [400],
        ['invalidPath', 'invalidValue'],
      );
    }
  });

  it('by an attribute that nobody has is a list or a refusal, never a failure', async () => {
    for (const sortBy of ['nonsense', 'urn:example:x:y', 'name', 'password']) {
      const answer = await scim.get(`/Users?sortBy=${encodeURIComponent(sortBy)}`);
      if (answer.status === 200) expectList(answer, 4);
      else expectScimErrorOf(answer, [400], ['invalidPath', 'invalidValue']);
    }
  });
});
