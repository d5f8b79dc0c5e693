import type { ScimClient } from '../../support/scim-client';
import { expectScimError, memberIds, type Resource } from '../support/expectations';
import { group, newName } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { CORE_GROUP, NOBODY } from '../support/urns';

/** Users of the test; `a` and `b` are in the group, `c` and `d` are not. */
interface Ids {
  a: string;
  b: string;
  c: string;
  d: string;
}
type Name = keyof Ids;
type Case = [what: string, operations: (ids: Ids) => object[], members: Name[]];

const entries = (...ids: string[]) => ids.map((value) => ({ value }));

const APPLIED: Case[] = [
  ['add appends', ({ c, d }) => [{ op: 'add', path: 'members', value: entries(c, d) }], ['a', 'b', 'c', 'd']],
  [
    'add of a single object appends it',
    ({ c }) => [{ op: 'add', path: 'members', value: { value: c } }],
    ['a', 'b', 'c'],
  ],
  [
    'add of a member who is there changes nothing',
    ({ a, c }) => [{ op: 'add', path: 'members', value: entries(a, c) }],
    ['a', 'b', 'c'],
  ],
  [
    'add of one member twice adds it once',
    ({ c }) => [{ op: 'add', path: 'members', value: entries(c, c) }],
    ['a', 'b', 'c'],
  ],
  ['add of [] adds nobody', () => [{ op: 'add', path: 'members', value: [] }], ['a', 'b']],
  ['add without a path appends', ({ c }) => [{ op: 'add', value: { members: entries(c) } }], ['a', 'b', 'c']],
  [
    'add in full notation appends',
    ({ c }) => [{ op: 'add', path: `${CORE_GROUP}:members`, value: entries(c) }],
    ['a', 'b', 'c'],
  ],
  [
    'add with display, type and $ref appends',
    ({ c }) => [
      {
        op: 'ADD',
        path: 'Members',
        value: [{ value: c, display: null, type: 'User', $ref: `../Users/${c}` }],
      },
    ],
    ['a', 'b', 'c'],
  ],
  [
    'replace sets the list',
    ({ b, c }) => [{ op: 'replace', path: 'members', value: entries(b, c) }],
    ['b', 'c'],
  ],
  ['replace with [] empties', () => [{ op: 'replace', path: 'members', value: [] }], []],
  [
    'replace without a path sets the list',
    ({ c }) => [{ op: 'replace', value: { members: entries(c) } }],
    ['c'],
  ],
  ['replace without a path with [] empties', () => [{ op: 'replace', value: { members: [] } }], []],
  [
    'replace without a path and without members keeps them',
    () => [{ op: 'replace', value: { externalId: 'x' } }],
    ['a', 'b'],
  ],
  ['remove without a value empties', () => [{ op: 'remove', path: 'members' }], []],
  ['remove by id takes that one', ({ a }) => [{ op: 'remove', path: `members[value eq "${a}"]` }], ['b']],
  [
    'remove by an id that is no member changes nothing',
    ({ c }) => [{ op: 'remove', path: `members[value eq "${c}"]` }],
    ['a', 'b'],
  ],
  [
    'remove by an id that is nobody changes nothing',
    () => [{ op: 'remove', path: `members[value eq "${NOBODY}"]` }],
    ['a', 'b'],
  ],
  [
    'remove by several ids takes those',
    ({ a, b, c }) => [
      { op: 'remove', path: `members[value eq "${a}" or value eq "${b}" or value eq "${c}"]` },
    ],
    [],
  ],
  [
    'remove with a list of values takes those only',
    ({ a, c }) => [{ op: 'remove', path: 'members', value: entries(a, c) }],
    ['b'],
  ],
  ['remove with [] takes nobody', () => [{ op: 'remove', path: 'members', value: [] }], ['a', 'b']],
  [
    'remove by another filter takes who matches',
    ({ a }) => [{ op: 'remove', path: `members[not (value eq "${a}")]` }],
    ['a'],
  ],
  ['remove by type takes all', () => [{ op: 'remove', path: 'members[type eq "User"]' }], []],
  [
    'remove by display takes who is called so',
    () => [{ op: 'remove', path: 'members[display eq "name of A"]' }],
    ['b'],
  ],
  [
    'remove and add in one request',
    ({ a, c }) => [
      { op: 'remove', path: `members[value eq "${a}"]` },
      { op: 'add', path: 'members', value: entries(c) },
    ],
    ['b', 'c'],
  ],
  [
    'remove and then add the same one',
    ({ a }) => [
      { op: 'remove', path: `members[value eq "${a}"]` },
      { op: 'add', path: 'members', value: entries(a) },
    ],
    ['a', 'b'],
  ],
  [
    'add and then remove the same one',
    ({ c }) => [
      { op: 'add', path: 'members', value: entries(c) },
      { op: 'remove', path: `members[value eq "${c}"]` },
    ],
    ['a', 'b'],
  ],
  [
    'replace, add and remove in order',
    ({ b, c, d }) => [
      { op: 'replace', path: 'members', value: entries(b, c) },
      { op: 'add', path: 'members', value: entries(d) },
      { op: 'remove', path: 'members', value: entries(c) },
    ],
    ['b', 'd'],
  ],
  [
    'empty and then add',
    ({ d }) => [
      { op: 'remove', path: 'members' },
      { op: 'add', path: 'members', value: entries(d) },
    ],
    ['d'],
  ],
  [
    'a filter sees the members that the operation before left',
    ({ b, c }) => [
      { op: 'add', path: 'members', value: entries(c) },
      { op: 'remove', path: `members[not (value eq "${b}")]` },
    ],
    ['b'],
  ],
];

const REFUSED: [what: string, operations: (ids: Ids) => object[], scimType: string][] = [
  ['null for members', () => [{ op: 'replace', path: 'members', value: null }], 'invalidValue'],
  ['null for members to add', () => [{ op: 'add', path: 'members', value: null }], 'invalidValue'],
  ['null for members to remove', () => [{ op: 'remove', path: 'members', value: null }], 'invalidValue'],
  ['null for members without a path', () => [{ op: 'replace', value: { members: null } }], 'invalidValue'],
  ['a bare id', ({ c }) => [{ op: 'add', path: 'members', value: c }], 'invalidValue'],
  ['a list of bare ids', ({ c }) => [{ op: 'add', path: 'members', value: [c] }], 'invalidValue'],
  ['a list of bare ids to set', ({ c }) => [{ op: 'replace', path: 'members', value: [c] }], 'invalidValue'],
  [
    'a list of bare ids to remove',
    ({ a }) => [{ op: 'remove', path: 'members', value: [a] }],
    'invalidValue',
  ],
  ['an empty object', () => [{ op: 'replace', path: 'members', value: {} }], 'invalidValue'],
  ['a list with an empty object', () => [{ op: 'replace', path: 'members', value: [{}] }], 'invalidValue'],
  [
    'a member without a value',
    () => [{ op: 'replace', path: 'members', value: [{ display: 'x' }] }],
    'invalidValue',
  ],
  [
    'a member with a null value',
    () => [{ op: 'remove', path: 'members', value: [{ value: null }] }],
    'invalidValue',
  ],
  ['a member with a number', () => [{ op: 'add', path: 'members', value: [{ value: 7 }] }], 'invalidValue'],
  [
    'an object of lists',
    ({ c }) => [{ op: 'replace', path: 'members', value: { members: entries(c) } }],
    'invalidValue',
  ],
  ['true', () => [{ op: 'replace', path: 'members', value: true }], 'invalidValue'],
  ['a number', () => [{ op: 'replace', value: { members: 0 } }], 'invalidValue'],
  ['an empty string', () => [{ op: 'replace', path: 'members', value: '' }], 'invalidValue'],
  ['add without a value', () => [{ op: 'add', path: 'members' }], 'invalidValue'],
  ['replace without a value', () => [{ op: 'replace', path: 'members' }], 'invalidValue'],
  [
    'a group as a member',
    ({ c }) => [{ op: 'add', path: 'members', value: [{ value: c, type: 'Group' }] }],
    'invalidValue',
  ],
  [
    'an unknown id to add',
    ({ c }) => [{ op: 'add', path: 'members', value: entries(c, NOBODY) }],
    'invalidValue',
  ],
  [
    'an unknown id to set',
    ({ c }) => [{ op: 'replace', path: 'members', value: entries(c, NOBODY) }],
    'invalidValue',
  ],
  [
    'an unknown id behind a removal',
    ({ a }) => [
      { op: 'remove', path: `members[value eq "${a}"]` },
      { op: 'add', path: 'members', value: entries(NOBODY) },
    ],
    'invalidValue',
  ],
  ['a filter that is not closed', () => [{ op: 'remove', path: 'members[value eq "x"' }], 'invalidFilter'],
  ['an empty filter', () => [{ op: 'remove', path: 'members[]' }], 'invalidFilter'],
  ['a dotted id', ({ a }) => [{ op: 'remove', path: `members.${a}` }], 'invalidPath'],
  [
    'a value of one member',
    ({ a, c }) => [{ op: 'replace', path: `members[value eq "${a}"].value`, value: c }],
    'mutability',
  ],
  ['all values of members', () => [{ op: 'remove', path: 'members.value' }], 'mutability'],
  ['remove without a path', () => [{ op: 'remove', value: { members: [] } }], 'noTarget'],
];

describe('RFC 7644 §3.5.2, PATCH of a group’s members', () => {
  const server = serverOfThisFile();
  let scim: ScimClient;
  let ids: Ids;
  let made: Resource;
  let path: string;

  beforeAll(async () => {
    ({ scim } = await server.freshIntegration());
    const make = (name: string) =>
      scim.createUser(newName(), { displayName: `Name of ${name.toUpperCase()}` });
    ids = { a: await make('a'), b: await make('b'), c: await make('c'), d: await make('d') };
  });

  beforeEach(async () => {
    ({ body: made } = await scim.post('/Groups', group({ members: entries(ids.a, ids.b) })));
    path = `/Groups/${made.id}`;
  });

  it.each(APPLIED)('%s', async (_what, operations, members) => {
    const answer = await scim.patchOperations(path, ...operations(ids));
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 204, body: '' });
    const after = await scim.get(path);
    expect(memberIds(after)).toEqual(members.map((name) => ids[name]).sort());
    expect(answer.headers.get('etag')).toBe(after.body.meta.version);
    const unchanged = members.join() === 'a,b' && after.body.externalId === undefined;
    if (unchanged) expect(after.body.meta).toEqual(made.meta);
    else expect(after.body.meta.version).not.toBe(made.meta.version);
  });

  it.each(REFUSED)('%s is refused, and nobody comes or goes', async (_what, operations, scimType) => {
    expectScimError(await scim.patchOperations(path, ...operations(ids)), 400, scimType);
    const rename = { op: 'replace', path: 'displayName', value: `Half-done ${made.id}` };
    const join = { op: 'add', path: 'members', value: entries(ids.d) };
    expectScimError(await scim.patchOperations(path, rename, join, ...operations(ids)), 400, scimType);
    expect((await scim.get(path)).body).toEqual(made);
  });

  it('may rename in the same request', async () => {
    const { status } = await scim.patchOperations(
      path,
      { op: 'replace', value: { id: made.id, displayName: `Both ${made.id}` } },
      { op: 'add', path: 'members', value: entries(ids.c) },
    );
    expect(status).toBe(204);
    const after = await scim.get(path);
    expect(after.body.displayName).toBe(`Both ${made.id}`);
    expect(memberIds(after)).toEqual([ids.a, ids.b, ids.c].sort());
  });

  it('answers 200 with the group where attributes are asked for', async () => {
    const answer = await scim.patchOperations(`${path}?attributes=displayName,members.value`, {
      op: 'add',
      path: 'members',
      value: entries(ids.c),
    });
    const { schemas, id, displayName } = made;
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      schemas,
      id,
      displayName,
      members: entries(...[ids.a, ids.b, ids.c].sort()),
    });
  });

  it('names every unknown member, and not the known ones', async () => {
    const strangers = Array.from({ length: 20 }, (_, n) =>
      NOBODY.replace(/.$/, (n % 16).toString(16)).replace(/^0/, String(n % 10)),
    );
    const unique = [...new Set(strangers)];
    const answer = await scim.patchOperations(path, {
      op: 'add',
      path: 'members',
      value: entries(ids.c, ...unique),
    });
    expectScimError(answer, 400, 'invalidValue');
    for (const stranger of unique) expect(answer.body.detail).toContain(stranger);
    expect(answer.body.detail).not.toContain(ids.c);
  });

  it('of a group that is not there is 404, whatever the members', async () => {
    expectScimError(await scim.addMembers(NOBODY, ids.a), 404);
    expectScimError(await scim.addMembers('not-a-uuid', ids.a), 404);
  });

  it('loses nothing when many come at once', async () => {
    const names = Array.from({ length: 20 }, () => newName('par'));
    const people = await scim.createUsers(names);
    const answers = await Promise.all([
      ...people.map((id) => scim.addMembers(made.id, id)),
      scim.removeMembers(made.id, ids.a),
      scim.renameGroup(made.id, `Parallel ${made.id}`),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
    expect(memberIds(await scim.get(path))).toEqual([...people, ids.b].sort());
  });
});
