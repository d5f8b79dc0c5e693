import type { ScimClient } from '../../support/scim-client';
import { expectList, expectScimError, type Resource } from '../support/expectations';
import { fullUser, group, newName, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { CORE_GROUP, CORE_USER, ENTERPRISE, PATCH_OP } from '../support/urns';

const WORK = { value: 'ada@work.example', type: 'work', primary: true };
const HOME = { value: 'ada@home.example', type: 'home' };
const DEPARTMENT = `${ENTERPRISE}:department`;

/** The user that each operation below changes. */
const ADA = {
  schemas: [CORE_USER, ENTERPRISE],
  name: { givenName: 'Ada', familyName: 'Byron' },
  displayName: 'Ada',
  active: true,
  emails: [WORK, HOME],
  phoneNumbers: [{ value: '1', type: 'work' }],
  addresses: [{ streetAddress: '1 Main St', locality: 'London', type: 'work' }],
  [ENTERPRISE]: { department: 'Ops', manager: { value: 'boss-1' } },
};

type Operation = Record<string, unknown>;
/** The named attributes afterwards; undefined for a removed one. */
type Outcome = Record<string, unknown>;

const APPLIED: [what: string, operations: Operation[], outcome: Outcome][] = [
  // §3.5.2.1, add.
  [
    'add sets an attribute that is not there',
    [{ op: 'add', path: 'title', value: 'Analyst' }],
    { title: 'Analyst' },
  ],
  ['add replaces a single value', [{ op: 'add', path: 'displayName', value: 'Bo' }], { displayName: 'Bo' }],
  [
    'add appends to a list',
    [{ op: 'add', path: 'emails', value: [{ value: 'x@example.com', type: 'other' }] }],
    { emails: [WORK, HOME, { value: 'x@example.com', type: 'other' }] },
  ],
  [
    'add appends a single object',
    [{ op: 'add', path: 'emails', value: { value: 'x@example.com' } }],
    { emails: [WORK, HOME, { value: 'x@example.com' }] },
  ],
  [
    'add of a value that is there changes nothing',
    [{ op: 'add', path: 'emails', value: [HOME] }],
    { emails: [WORK, HOME] },
  ],
  [
    'add to a complex attribute sets the sub-attributes it names',
    [{ op: 'add', path: 'name', value: { middleName: 'King' } }],
    { name: { givenName: 'Ada', familyName: 'Byron', middleName: 'King' } },
  ],
  [
    'add by a sub-attribute path',
    [{ op: 'add', path: 'name.honorificPrefix', value: 'Countess' }],
    { name: { givenName: 'Ada', familyName: 'Byron', honorificPrefix: 'Countess' } },
  ],
  [
    'add without a path merges the value',
    [
      {
        op: 'add',
        value: { title: 'Analyst', emails: [{ value: 'x@example.com' }], name: { middleName: 'K' } },
      },
    ],
    {
      title: 'Analyst',
      emails: [WORK, HOME, { value: 'x@example.com' }],
      name: { givenName: 'Ada', familyName: 'Byron', middleName: 'K' },
    },
  ],
  [
    'add to a value that a filter selects',
    [{ op: 'add', path: 'emails[type eq "home"].display', value: 'Home' }],
    { emails: [WORK, { ...HOME, display: 'Home' }] },
  ],
  [
    'add to a value that a filter does not select makes it',
    [{ op: 'add', path: 'phoneNumbers[type eq "mobile"].value', value: '2' }],
    {
      phoneNumbers: [
        { value: '1', type: 'work' },
        { value: '2', type: 'mobile' },
      ],
    },
  ],
  [
    'add to an extension attribute by its URN',
    [{ op: 'add', path: `${ENTERPRISE}:costCenter`, value: '4130' }],
    { [ENTERPRISE]: { costCenter: '4130', department: 'Ops', manager: { value: 'boss-1' } } },
  ],
  [
    'add to an extension by its URN alone',
    [{ op: 'add', path: ENTERPRISE, value: { costCenter: '4130' } }],
    { [ENTERPRISE]: { costCenter: '4130', department: 'Ops', manager: { value: 'boss-1' } } },
  ],
  // §3.5.2.2, remove.
  ['remove unassigns a single value', [{ op: 'remove', path: 'displayName' }], { displayName: undefined }],
  ['remove of what is not there changes nothing', [{ op: 'remove', path: 'title' }], { title: undefined }],
  ['remove empties a list', [{ op: 'remove', path: 'emails' }], { emails: undefined }],
  [
    'remove takes what a filter selects',
    [{ op: 'remove', path: 'emails[type eq "work"]' }],
    { emails: [HOME] },
  ],
  [
    'remove takes all that a filter selects, and then there is no list',
    [{ op: 'remove', path: 'emails[value ew "example"]' }],
    { emails: undefined },
  ],
  [
    'remove of what a filter does not select changes nothing',
    [{ op: 'remove', path: 'emails[type eq "x"]' }],
    { emails: [WORK, HOME] },
  ],
  [
    'remove takes a sub-attribute of what a filter selects',
    [{ op: 'remove', path: 'emails[type eq "work"].primary' }],
    { emails: [{ value: WORK.value, type: 'work' }, HOME] },
  ],
  [
    'remove takes a sub-attribute',
    [{ op: 'remove', path: 'name.givenName' }],
    { name: { familyName: 'Byron' } },
  ],
  [
    'remove takes an extension attribute',
    [{ op: 'remove', path: DEPARTMENT }],
    { [ENTERPRISE]: { manager: { value: 'boss-1' } } },
  ],
  [
    'remove takes an extension whole',
    [{ op: 'remove', path: ENTERPRISE }],
    { [ENTERPRISE]: undefined, schemas: [CORE_USER] },
  ],
  [
    'remove with a list of values takes those only',
    [{ op: 'remove', path: 'emails', value: [{ value: HOME.value }] }],
    { emails: [WORK] },
  ],
  // §3.5.2.3, replace.
  [
    'replace sets a single value',
    [{ op: 'replace', path: 'displayName', value: 'Bo' }],
    { displayName: 'Bo' },
  ],
  [
    'replace of what is not there is an add',
    [{ op: 'replace', path: 'title', value: 'Analyst' }],
    { title: 'Analyst' },
  ],
  ['replace replaces a whole list', [{ op: 'replace', path: 'emails', value: [HOME] }], { emails: [HOME] }],
  ['replace with [] empties a list', [{ op: 'replace', path: 'emails', value: [] }], { emails: undefined }],
  [
    'replace of a complex attribute sets the sub-attributes it names',
    [{ op: 'replace', path: 'name', value: { givenName: 'Augusta' } }],
    { name: { givenName: 'Augusta', familyName: 'Byron' } },
  ],
  [
    'replace by a sub-attribute path',
    [{ op: 'replace', path: 'name.familyName', value: 'King' }],
    { name: { givenName: 'Ada', familyName: 'King' } },
  ],
  [
    'replace without a path sets each attribute it names, lists whole',
    [{ op: 'replace', value: { displayName: 'Bo', emails: [HOME], active: false } }],
    { displayName: 'Bo', emails: [HOME], active: false },
  ],
  [
    'replace of a sub-attribute on what a filter selects',
    [{ op: 'replace', path: 'emails[type eq "work"].value', value: 'new@work.example' }],
    { emails: [{ ...WORK, value: 'new@work.example' }, HOME] },
  ],
  [
    'replace of a sub-attribute on all that a filter selects',
    [{ op: 'replace', path: 'emails[value ew "example"].display', value: 'Mail' }],
    {
      emails: [
        { ...WORK, display: 'Mail' },
        { ...HOME, display: 'Mail' },
      ],
    },
  ],
  [
    'replace of what a filter selects leaves nothing of it',
    [{ op: 'replace', path: 'emails[type eq "work"]', value: { value: 'new@work.example', type: 'work' } }],
    { emails: [{ value: 'new@work.example', type: 'work' }, HOME] },
  ],
  [
    'replace by the example of the RFC, with two comparisons in the filter',
    [
      {
        op: 'replace',
        path: 'addresses[type eq "work" and locality eq "London"].streetAddress',
        value: '911 Main St',
      },
    ],
    { addresses: [{ streetAddress: '911 Main St', locality: 'London', type: 'work' }] },
  ],
  [
    'replace of an extension attribute',
    [{ op: 'replace', path: DEPARTMENT, value: 'Dev' }],
    { [ENTERPRISE]: { department: 'Dev', manager: { value: 'boss-1' } } },
  ],
  [
    'replace of a sub-attribute of an extension attribute',
    [{ op: 'replace', path: `${ENTERPRISE}:manager.value`, value: 'boss-2' }],
    { [ENTERPRISE]: { department: 'Ops', manager: { value: 'boss-2' } } },
  ],
  [
    'replace without a path goes into extensions',
    [{ op: 'replace', value: { [ENTERPRISE]: { department: 'Dev' } } }],
    { [ENTERPRISE]: { department: 'Dev', manager: { value: 'boss-1' } } },
  ],
  // Paths and names.
  [
    'a path in the full notation of the core schema',
    [{ op: 'replace', path: `${CORE_USER}:displayName`, value: 'Bo' }],
    { displayName: 'Bo' },
  ],
  ['a path in any case', [{ op: 'replace', path: 'DISPLAYNAME', value: 'Bo' }], { displayName: 'Bo' }],
  [
    'a filter in any case',
    [{ op: 'replace', path: 'EMAILS[TYPE EQ "WORK"].DISPLAY', value: 'W' }],
    { emails: [{ ...WORK, display: 'W' }, HOME] },
  ],
  [
    'a core URN alone is the resource',
    [{ op: 'replace', path: CORE_USER, value: { displayName: 'Bo' } }],
    { displayName: 'Bo' },
  ],
  ['op in any case', [{ op: 'REPLACE', path: 'displayName', value: 'Bo' }], { displayName: 'Bo' }],
  // Order, and each operation on the result of the one before.
  [
    'operations run in order',
    [
      { op: 'remove', path: 'displayName' },
      { op: 'add', path: 'displayName', value: 'One' },
      { op: 'replace', path: 'displayName', value: 'Two' },
    ],
    { displayName: 'Two' },
  ],
  [
    'a filter sees what the operation before did',
    [
      { op: 'add', path: 'emails', value: [{ value: 'x@example.com', type: 'other' }] },
      { op: 'replace', path: 'emails[type eq "other"].display', value: 'Other' },
      { op: 'remove', path: 'emails[type eq "home"]' },
    ],
    { emails: [WORK, { value: 'x@example.com', type: 'other', display: 'Other' }] },
  ],
  // `primary` moves.
  [
    'a new primary value takes it from the old one, by add',
    [{ op: 'add', path: 'emails', value: [{ value: 'x@example.com', primary: true }] }],
    { emails: [{ ...WORK, primary: false }, HOME, { value: 'x@example.com', primary: true }] },
  ],
  [
    'a new primary value takes it from the old one, by replace',
    [{ op: 'replace', path: 'emails[type eq "home"].primary', value: true }],
    {
      emails: [
        { ...WORK, primary: false },
        { ...HOME, primary: true },
      ],
    },
  ],
  // Null is unassigned.
  [
    'replace with null unassigns',
    [{ op: 'replace', path: 'displayName', value: null }],
    { displayName: undefined },
  ],
  [
    'null in a value without a path unassigns',
    [{ op: 'replace', value: { displayName: null } }],
    { displayName: undefined },
  ],
  // What is readOnly or unknown in a value without a path is ignored.
  [
    'read-only attributes in a value without a path are ignored',
    [
      {
        op: 'replace',
        value: { id: 'x', meta: { version: 'x' }, groups: [{ value: 'x' }], displayName: 'Bo' },
      },
    ],
    { displayName: 'Bo', groups: undefined },
  ],
  [
    'unknown attributes in a value without a path are ignored',
    [{ op: 'add', value: { nonsense: 1, displayName: 'Bo' } }],
    { displayName: 'Bo' },
  ],
  [
    'a well-formed path under an unknown URN does nothing',
    [{ op: 'add', path: 'urn:example:2.0:Thing:colour', value: 'blue' }],
    {},
  ],
];

const REFUSED: [what: string, operations: unknown, scimType: string][] = [
  ['remove without a path', [{ op: 'remove' }], 'noTarget'],
  ['remove without a path but with a value', [{ op: 'remove', value: { displayName: 'x' } }], 'noTarget'],
  [
    'replace where the filter selects nothing',
    [{ op: 'replace', path: 'emails[type eq "x"].value', value: 'y' }],
    'noTarget',
  ],
  [
    'replace of a whole value where the filter selects nothing',
    [{ op: 'replace', path: 'emails[type eq "x"]', value: { value: 'y' } }],
    'noTarget',
  ],
  ['an unknown attribute', [{ op: 'replace', path: 'nonsense', value: 'x' }], 'invalidPath'],
  ['an unknown sub-attribute', [{ op: 'add', path: 'name.nonsense', value: 'x' }], 'invalidPath'],
  [
    'an unknown sub-attribute behind a filter',
    [{ op: 'add', path: 'emails[type eq "work"].nonsense', value: 'x' }],
    'invalidPath',
  ],
  [
    'an unknown attribute of a known extension',
    [{ op: 'add', path: `${ENTERPRISE}:nonsense`, value: 'x' }],
    'invalidPath',
  ],
  [
    'an attribute of another resource type',
    [{ op: 'add', path: 'members', value: [{ value: 'x' }] }],
    'invalidPath',
  ],
  ['an empty path', [{ op: 'replace', path: '', value: 'x' }], 'invalidPath'],
  ['a path with a space', [{ op: 'replace', path: 'display Name', value: 'x' }], 'invalidPath'],
  ['a path with a dangling dot', [{ op: 'replace', path: 'name.', value: 'x' }], 'invalidPath'],
  ['a path with a slash', [{ op: 'replace', path: '/displayName', value: 'x' }], 'invalidPath'],
  ['a path that is no string', [{ op: 'replace', path: 7, value: 'x' }], 'invalidPath'],
  [
    'a filter on an attribute without values to select',
    [{ op: 'replace', path: 'displayName[value eq "x"]', value: 'x' }],
    'invalidPath',
  ],
  ['removal by a filter on text', [{ op: 'remove', path: 'displayName[value eq "Ada"]' }], 'invalidPath'],
  [
    'replace by a filter on a single complex value',
    [{ op: 'replace', path: 'manager[value eq "boss-1"]', value: { value: 'boss-2' } }],
    'invalidPath',
  ],
  [
    'a filter on a single value that is read-only',
    [{ op: 'remove', path: 'meta[version pr]' }],
    'mutability',
  ],
  [
    'removal of a read-only part of a single value',
    [{ op: 'remove', path: 'manager[value eq "boss-1"].displayName' }],
    'mutability',
  ],
  ['a filter that is not closed', [{ op: 'remove', path: 'emails[type eq "work"' }], 'invalidFilter'],
  ['a filter that is none', [{ op: 'remove', path: 'emails[0]' }], 'invalidFilter'],
  ['a value of a wrong type', [{ op: 'replace', path: 'displayName', value: 7 }], 'invalidValue'],
  ['an object for text', [{ op: 'replace', path: 'displayName', value: { value: 'x' } }], 'invalidValue'],
  ['text for an object', [{ op: 'replace', path: 'name', value: 'Ada' }], 'invalidValue'],
  ['a boolean that is none', [{ op: 'replace', path: 'active', value: 'maybe' }], 'invalidValue'],
  [
    'two primary values at once',
    [{ op: 'replace', path: 'emails', value: [{ ...WORK }, { ...HOME, primary: true }] }],
    'invalidValue',
  ],
  ['add without a value', [{ op: 'add', path: 'displayName' }], 'invalidValue'],
  ['replace without a value', [{ op: 'replace', path: 'displayName' }], 'invalidValue'],
  ['no path, and a value that is no object', [{ op: 'replace', value: 'x' }], 'invalidValue'],
  ['no path, and a list for a value', [{ op: 'add', value: [{ displayName: 'x' }] }], 'invalidValue'],
  ['the id by its path', [{ op: 'replace', path: 'id', value: 'x' }], 'mutability'],
  ['meta by its path', [{ op: 'remove', path: 'meta' }], 'mutability'],
  ['a part of meta by its path', [{ op: 'replace', path: 'meta.version', value: 'x' }], 'mutability'],
  ['groups by their path', [{ op: 'add', path: 'groups', value: [{ value: 'x' }] }], 'mutability'],
  ['removal of what is required', [{ op: 'remove', path: 'userName' }], 'mutability'],
  ['an op that is none', [{ op: 'move', path: 'displayName', value: 'x' }], 'invalidSyntax'],
  ['no op', [{ path: 'displayName', value: 'x' }], 'invalidSyntax'],
  ['an op that is no string', [{ op: 1, path: 'displayName', value: 'x' }], 'invalidSyntax'],
  ['an operation that is no object', ['replace'], 'invalidSyntax'],
  ['an operation that is null', [null], 'invalidSyntax'],
  ['no operation', [], 'invalidSyntax'],
  ['operations that are no list', { op: 'replace', path: 'displayName', value: 'x' }, 'invalidSyntax'],
  ['operations that are null', null, 'invalidSyntax'],
];

describe('RFC 7644 §3.5.2, PATCH of a user', () => {
  const server = serverOfThisFile();
  let scim: ScimClient;

  beforeAll(async () => {
    ({ scim } = await server.freshIntegration());
  });

  async function makeAda(): Promise<Resource> {
    const { status, body } = await scim.post('/Users', { ...ADA, userName: newName() });
    expect(status).toBe(201);
    return body as Resource;
  }

  it.each(APPLIED)('%s', async (_what, operations, outcome) => {
    const before = await makeAda();
    const { status, headers, body } = await scim.patchOperations(`/Users/${before.id}`, ...operations);
    const { meta: _before, ...attributes } = before;
    const { meta, ...after } = body as Resource;
    expect({ status, after }).toEqual({ status: 200, after: { ...attributes, ...outcome } });
    expect(headers.get('etag')).toBe(meta.version);
    expect((await scim.get(`/Users/${before.id}`)).body).toEqual(body);
  });

  it.each(REFUSED)('%s is refused, and nothing of the PATCH stays', async (_what, refused, scimType) => {
    const before = await makeAda();
    const path = `/Users/${before.id}`;
    const alone = await scim.patch(path, { schemas: [PATCH_OP], Operations: refused });
    expectScimError(alone, 400, scimType);
    if (Array.isArray(refused) && refused.length > 0) {
      const harmless = { op: 'replace', path: 'displayName', value: 'Half-done' };
      const Operations = [harmless, ...(refused as unknown[]), { op: 'remove', path: 'emails' }];
      expectScimError(await scim.patch(path, { schemas: [PATCH_OP], Operations }), 400, scimType);
    }
    expect((await scim.get(path)).body).toEqual(before);
  });

  it.each([
    ['an empty object', {}],
    ['a list', []],
    [
      'the schema of a resource',
      { schemas: [CORE_USER], Operations: [{ op: 'replace', path: 'displayName', value: 'x' }] },
    ],
    ['a resource', { schemas: [CORE_USER], displayName: 'x' }],
    ['no operations', { schemas: [PATCH_OP] }],
    ['JSON Patch', [{ op: 'replace', path: '/displayName', value: 'x' }]],
  ])('a body that is %s is refused as invalidSyntax', async (_what, body) => {
    const before = await makeAda();
    expectScimError(await scim.patch(`/Users/${before.id}`, body), 400, 'invalidSyntax');
    expect((await scim.get(`/Users/${before.id}`)).body).toEqual(before);
  });

  it('takes a single complex value away where a filter in the path matches it, with and without URN, and else does nothing', async () => {
    const leaves = { op: 'Replace', path: 'active', value: 'False' };
    const [without, boss] = [{ department: 'Ops' }, { department: 'Ops', manager: { value: 'boss-1' } }];
    for (const [path, outcome] of [
      [`${ENTERPRISE}:manager[value eq "boss-1"]`, { [ENTERPRISE]: without }],
      ['manager[value eq "boss-1"]', { [ENTERPRISE]: without }],
      ['Manager[VALUE eq "boss-1" and not (displayName pr)].value', { [ENTERPRISE]: without }],
      [`${ENTERPRISE}:manager[value eq "boss-2"]`, { [ENTERPRISE]: boss }],
      ['manager[value eq "boss-2"]', { [ENTERPRISE]: boss }],
      [`${ENTERPRISE}[department eq "Ops"]`, { schemas: [CORE_USER], [ENTERPRISE]: undefined }],
      [`${ENTERPRISE}[department eq "Dev"]`, { [ENTERPRISE]: boss }],
      ['name[familyName eq "byron"]', { name: undefined }],
      [`${CORE_USER}:name[familyName eq "byron"].givenName`, { name: { familyName: 'Byron' } }],
      ['name[familyName eq "King"].givenName', { name: ADA.name }],
    ] as const) {
      const { meta: _, ...before } = await makeAda();
      const answer = await scim.patchOperations(`/Users/${before.id}`, { op: 'Remove', path }, leaves);
      const { meta: _after, ...after } = answer.body as Resource;
      expect({ path, status: answer.status, after }).toEqual({
        path,
        status: 200,
        after: { ...before, ...outcome, active: false },
      });
      // No value matches any more, which is no error.
      const again = await scim.patchOperations(`/Users/${before.id}`, { op: 'Remove', path }, leaves);
      expect(again).toMatchObject({ status: 200, body: { meta: answer.body.meta } });
    }
  });

  it('that changes nothing succeeds and leaves lastModified and version as they are', async () => {
    const before = await makeAda();
    const { status, body } = await scim.patchOperations(
      `/Users/${before.id}`,
      { op: 'add', path: 'emails', value: [WORK] },
      { op: 'replace', path: 'active', value: true },
      { op: 'remove', path: 'title' },
      { op: 'replace', value: { displayName: 'Ada', id: before.id } },
    );
    expect({ status, body }).toEqual({ status: 200, body: before });
  });

  it('answers what attributes ask for, with 200', async () => {
    const before = await makeAda();
    const answer = await scim.patchOperations(`/Users/${before.id}?attributes=displayName`, {
      op: 'replace',
      path: 'displayName',
      value: 'Bo',
    });
    const { id, schemas } = before;
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({ schemas, id, displayName: 'Bo' });
    const without = await scim.patchOperations(`/Users/${before.id}?excludedAttributes=emails`, {
      op: 'replace',
      path: 'displayName',
      value: 'Cy',
    });
    expect(without).toMatchObject({ status: 200, body: { displayName: 'Cy' } });
    expect(without.body).not.toHaveProperty('emails');
  });

  it('of a userName that another has is 409 and leaves nothing behind', async () => {
    const [before, other] = [await makeAda(), await makeAda()];
    const answer = await scim.patchOperations(
      `/Users/${before.id}`,
      { op: 'replace', path: 'displayName', value: 'Half-done' },
      { op: 'replace', path: 'userName', value: other.userName },
    );
    expectScimError(answer, 409, 'uniqueness');
    expect((await scim.get(`/Users/${before.id}`)).body).toEqual(before);
  });

  it('of a user who is not there is 404', async () => {
    for (const id of ['01890000-0000-7000-8000-000000000000', 'not-a-uuid']) {
      expectScimError(await scim.setActive(id, false), 404);
    }
  });

  it.each<[what: string, before: Resource, operations: Operation[], after: Resource]>([
    [
      'whose type was removed',
      { emails: [WORK, { ...WORK, type: 'home', primary: false }, HOME] },
      [{ op: 'remove', path: 'emails.type' }],
      { emails: [{ value: WORK.value, primary: true }, { value: HOME.value }] },
    ],
    [
      'whose type was removed by a filter, beside one without a type',
      { emails: [{ value: HOME.value, display: 'Ada' }, WORK, HOME] },
      [{ op: 'remove', path: 'emails[type eq "home"].type' }],
      { emails: [{ value: HOME.value, display: 'Ada' }, WORK] },
    ],
    [
      'whose type became that of another',
      { emails: [WORK, { ...WORK, type: 'home', primary: false, display: 'Ada' }] },
      [{ op: 'replace', path: 'emails[type eq "home"].type', value: 'work' }],
      { emails: [{ ...WORK, display: 'Ada' }] },
    ],
    [
      'whose value became that of another',
      {
        phoneNumbers: [
          { value: '1', type: 'work' },
          { value: '2', type: 'work', primary: true },
          { value: '3' },
        ],
      },
      [{ op: 'replace', path: 'phoneNumbers[type eq "work"].value', value: '2' }],
      { phoneNumbers: [{ value: '2', type: 'work', primary: true }, { value: '3' }] },
    ],
    [
      'that was primary until another was added',
      { emails: [WORK, { value: WORK.value, type: 'work' }, HOME] },
      [{ op: 'add', path: 'emails', value: { value: 'new@example.com', primary: true } }],
      { emails: [{ ...WORK, primary: false }, HOME, { value: 'new@example.com', primary: true }] },
    ],
    [
      'that was primary until another was made so',
      { emails: [WORK, { ...WORK, primary: false, display: 'Ada' }, HOME] },
      [{ op: 'replace', path: 'emails[type eq "home"].primary', value: true }],
      {
        emails: [
          { ...WORK, primary: false, display: 'Ada' },
          { ...HOME, primary: true },
        ],
      },
    ],
    [
      'that has no value of its own',
      {
        addresses: [
          { locality: 'London', type: 'work', primary: true },
          { locality: 'London', type: 'home' },
        ],
      },
      [
        { op: 'remove', path: 'addresses.type' },
        { op: 'add', path: 'addresses', value: [{ locality: 'Paris', primary: true }] },
        { op: 'add', path: 'addresses', value: [{ locality: 'London' }] },
      ],
      {
        addresses: [
          { locality: 'London', primary: false },
          { locality: 'Paris', primary: true },
        ],
      },
    ],
    [
      'of which one says that it is not primary and one says nothing',
      { emails: [HOME] },
      [{ op: 'replace', path: 'emails', value: [WORK, HOME, { ...HOME, primary: false }] }],
      { emails: [WORK, HOME] },
    ],
    [
      'that the client wanted twice, unless it is touched',
      { emails: [HOME, { ...HOME, display: 'Ada' }] },
      [{ op: 'add', path: 'emails', value: [WORK] }],
      { emails: [HOME, { ...HOME, display: 'Ada' }, WORK] },
    ],
  ])('leaves no value twice %s', async (_what, before, operations, after) => {
    const { body } = await scim.post('/Users', user(before));
    const answer = await scim.patchOperations(`/Users/${body.id}`, ...operations);
    expect(answer).toMatchObject({ status: 200, body: after });
    expect((await scim.get(`/Users/${body.id}`)).body).toEqual(answer.body);
  });

  it('removes what /Schemas says may be removed, and nothing that it calls required or read-only', async () => {
    const wrong: string[] = [];
    for (const { id: urn, attributes } of expectList(await scim.get('/Schemas'))) {
      const endpoint = urn === CORE_GROUP ? '/Groups' : '/Users';
      for (const { name, required, mutability } of attributes as Resource[]) {
        const { body: before } = await scim.post(
          endpoint,
          endpoint === '/Users' ? fullUser() : group({ members: [{ value: (await makeAda()).id }] }),
        );
        const path = `${endpoint}/${before.id}`;
        const answer = await scim.patchOperations(`${path}?attributes=${urn}:${name}`, {
          op: 'remove',
          path: `${urn}:${name}`,
        });
        const { body: after } = await scim.get(path);
        if (required || mutability === 'readOnly') {
          expectScimError(answer, 400, 'mutability');
          expect(after).toEqual(before);
        } else {
          const left = urn === ENTERPRISE ? after[ENTERPRISE]?.[name] : after[name];
          if (answer.status !== 200 || (left !== undefined && left.length !== 0)) wrong.push(name);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('refuses to remove `active`, which is required: its default would bring a deactivated user back', async () => {
    const schema = await scim.get(`/Schemas/${CORE_USER}`);
    const active = (schema.body.attributes as Resource[]).find(({ name }) => name === 'active');
    expect(active).toMatchObject({ required: true });
    const before = await makeAda();
    await scim.setActive(before.id, false);
    const answer = await scim.patchOperations(`/Users/${before.id}`, { op: 'remove', path: 'active' });
    expectScimError(answer, 400, 'mutability');
    expect((await scim.get(`/Users/${before.id}`)).body.active).toBe(false);
    const { active: _left, ...withoutActive } = (await scim.get(`/Users/${before.id}`)).body as Resource;
    expect((await scim.put(`/Users/${before.id}`, withoutActive)).body.active).toBe(false);
    expect((await scim.post('/Users', user())).body.active).toBe(true);
  });

  it('is bounded: a PATCH of very many operations is done or refused with 413, quickly', async () => {
    const before = await makeAda();
    const many = (count: number) =>
      Array.from({ length: count }, (_, n) => ({ op: 'replace', path: 'displayName', value: `Ada ${n}` }));
    const fine = await scim.patchOperations(`/Users/${before.id}`, ...many(500));
    expect(fine).toMatchObject({ status: 200, body: { displayName: 'Ada 499' } });
    expectScimError(await scim.patchOperations(`/Users/${before.id}`, ...many(5_000)), 413);
    expect((await scim.get(`/Users/${before.id}`)).body.displayName).toBe('Ada 499');
  });
});
