import { ScimError } from '../messages/scim-error';
import { container, attribute } from './attribute';
import { checkImmutable, readReplacement, readResource } from './read-resource';
import { GROUP, USER, type ResourceType } from './registry';

const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP_URN = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

function user(body: object) {
  return readResource(USER, { schemas: [USER_URN], userName: 'ada', ...body }).resource;
}

function group(body: object) {
  return readResource(GROUP, { schemas: [GROUP_URN], displayName: 'On-call', ...body }).resource;
}

function refusal(action: () => unknown): ScimError {
  try {
    action();
  } catch (error) {
    if (error instanceof ScimError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe("a client's create", () => {
  it.each([
    [
      'Okta',
      USER,
      {
        schemas: [USER_URN],
        userName: 'ada@example.com',
        name: { givenName: 'Ada', familyName: 'Byron' },
        emails: [{ primary: true, value: 'ada@example.com', type: 'work' }],
        displayName: 'Ada Byron',
        locale: 'en-US',
        externalId: '00u1exampleOktaId',
        groups: [],
        password: 'random0rReal',
        active: true,
      },
      {
        schemas: [USER_URN],
        externalId: '00u1exampleOktaId',
        userName: 'ada@example.com',
        name: { familyName: 'Byron', givenName: 'Ada' },
        displayName: 'Ada Byron',
        locale: 'en-US',
        active: true,
        emails: [{ value: 'ada@example.com', type: 'work', primary: true }],
      },
    ],
    [
      "Entra, with nulls and string booleans, and its samples' mistyped URN",
      USER,
      {
        schemas: [USER_URN, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0User'],
        externalId: 'ada',
        userName: 'ada@contoso.example',
        active: 'True',
        addresses: null,
        title: null,
        emails: [{ primary: 'True', type: 'work', value: 'ada@contoso.example' }],
        meta: { resourceType: 'User' },
        name: { formatted: 'Ada Byron', familyName: 'Byron', givenName: 'Ada', middleName: null },
        roles: [],
        'urn:ietf:params:scim:schemas:extension:enterprise:2.0User': {
          department: 'Ops',
          manager: 'boss-id',
        },
      },
      {
        schemas: [USER_URN, ENTERPRISE],
        externalId: 'ada',
        userName: 'ada@contoso.example',
        name: { formatted: 'Ada Byron', familyName: 'Byron', givenName: 'Ada' },
        active: true,
        emails: [{ value: 'ada@contoso.example', type: 'work', primary: true }],
        [ENTERPRISE]: { department: 'Ops', manager: { value: 'boss-id' } },
      },
    ],
    [
      'OneLogin, with pre-IETF URNs only',
      USER,
      {
        schemas: ['urn:scim:schemas:core:2.0', 'urn:scim:schemas:extension:enterprise:2.0'],
        userName: 'ada',
        'urn:scim:schemas:extension:enterprise:2.0': { employeeNumber: '42' },
      },
      {
        schemas: [USER_URN, ENTERPRISE],
        userName: 'ada',
        active: true,
        [ENTERPRISE]: { employeeNumber: '42' },
      },
    ],
    [
      'Google',
      USER,
      {
        schemas: ['urn:scim:schemas:core:1.0', USER_URN],
        userName: 'ada',
        emails: { value: 'ada@example.com' },
      },
      { schemas: [USER_URN], userName: 'ada', active: true, emails: [{ value: 'ada@example.com' }] },
    ],
    [
      'Entra, of a group',
      GROUP,
      {
        schemas: [GROUP_URN, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
        externalId: '8aa1',
        displayName: 'Platform On-call',
        meta: { resourceType: 'Group' },
      },
      { schemas: [GROUP_URN], externalId: '8aa1', displayName: 'Platform On-call' },
    ],
    [
      'Okta, of a group with members without type and display null',
      GROUP,
      {
        schemas: [GROUP_URN],
        id: 'ignored',
        displayName: 'Platform On-call',
        members: [
          { value: 'a', display: null },
          { value: 'b', display: 'bo@example.com' },
        ],
      },
      { schemas: [GROUP_URN], displayName: 'Platform On-call', members: [{ value: 'a' }, { value: 'b' }] },
    ],
  ] as [string, ResourceType, object, object][])('is understood: %s', (_, type, body, expected) => {
    const { resource } = readResource(type, body);
    expect(resource).toEqual(expected);
    expect(Object.keys(resource)).toEqual(Object.keys(expected));
  });
});

describe('a resource that is read', () => {
  it('has the declared names in the declared order, however they were spelled', () => {
    const resource = readResource(USER, {
      EMAILS: [{ TYPE: 'work', Value: 'a@b' }],
      USERNAME: 'ada',
      Schemas: [USER_URN.toUpperCase()],
      [ENTERPRISE.toUpperCase()]: { DEPARTMENT: 'Ops' },
    }).resource;
    expect(JSON.stringify(resource)).toBe(
      `{"schemas":["${USER_URN}","${ENTERPRISE}"],"userName":"ada","active":true,` +
        `"emails":[{"value":"a@b","type":"work"}],"${ENTERPRISE}":{"department":"Ops"}}`,
    );
  });

  it('leaves out what is unknown, read-only or the password', () => {
    expect(
      user({
        shoeSize: 44,
        id: 'x',
        groups: [{ value: 'g' }],
        meta: { version: 'x' },
        password: 'secret',
        'urn:example:foo': { bar: 1 },
        ['__proto__']: { title: 'polluted' },
        [ENTERPRISE]: { manager: { value: 'b', displayName: 'Boss' }, unknown: 1 },
      }),
    ).toEqual({
      schemas: [USER_URN, ENTERPRISE],
      userName: 'ada',
      active: true,
      [ENTERPRISE]: { manager: { value: 'b' } },
    });
  });

  it.each([
    ['null', { title: null, emails: null, name: null }],
    ['empty lists', { emails: [], roles: [] }],
    ['empty objects', { name: {}, emails: [{}], [ENTERPRISE]: { manager: {} } }],
    ['objects of nulls', { name: { givenName: null }, emails: [{ value: null }] }],
    ['an empty manager', { [ENTERPRISE]: { manager: '' } }],
    ['an empty list for a manager', { [ENTERPRISE]: { manager: [] } }],
  ])('has no value for %s', (_, body) => {
    expect(user(body)).toEqual({ schemas: [USER_URN], userName: 'ada', active: true });
  });

  it.each([
    [
      'a bare string for a manager',
      { [ENTERPRISE]: { manager: 'b' } },
      { [ENTERPRISE]: { manager: { value: 'b' } } },
    ],
    [
      'a list of one for a manager',
      { [ENTERPRISE]: { manager: [{ $ref: '../Users/b', value: 'b' }] } },
      { [ENTERPRISE]: { manager: { value: 'b', $ref: '../Users/b' } } },
    ],
    ['one object for a list', { emails: { value: 'a@b' } }, { emails: [{ value: 'a@b' }] }],
    ['bare strings in a list', { roles: ['x', 'y'] }, { roles: [{ value: 'x' }, { value: 'y' }] }],
    [
      '"False" deep inside',
      { roles: [{ value: 'x', primary: 'fALSE' }] },
      { roles: [{ value: 'x', primary: false }] },
    ],
    ['the text "True" in a string', { title: 'True' }, { title: 'True' }],
    [
      'a repeated (type, value)',
      {
        emails: [
          { value: 'a@b', type: 'work' },
          { value: 'a@b', type: 'work', display: 'A' },
        ],
      },
      {
        emails: [
          { value: 'a@b', type: 'work' },
          { value: 'a@b', display: 'A', type: 'work' },
        ],
      },
    ],
    [
      'the same value twice',
      { emails: [{ value: 'a@b' }, { value: 'a@b' }] },
      { emails: [{ value: 'a@b' }] },
    ],
    ['an empty text', { title: '' }, { title: '' }],
    ['a name of 256 characters', { userName: 'x'.repeat(256) }, { userName: 'x'.repeat(256) }],
  ])('takes %s', (_, body, expected) => {
    expect(user(body)).toMatchObject(expected);
  });

  it.each([
    ['no body', null],
    ['a list', []],
    ['a text', 'x'],
  ])('is refused as invalidSyntax if it is %s', (_, body) => {
    expect(refusal(() => readResource(USER, body))).toMatchObject({ status: 400, scimType: 'invalidSyntax' });
  });

  it.each([
    ['another type of resource', { schemas: [GROUP_URN] }, 'schema of a User'],
    ['an extension alone', { schemas: [ENTERPRISE] }, 'schema of a User'],
    ['no userName', { userName: undefined }, 'userName'],
    ['a blank userName', { userName: ' ' }, 'userName'],
    ['a number for a text', { title: 5 }, '"title" must be a string'],
    ['a text for an object', { name: 'Ada' }, '"name" must be a JSON object'],
    ['a list for a text', { title: ['x'] }, '"title" must be a string'],
    ['a list of two managers', { [ENTERPRISE]: { manager: ['a', 'b'] } }, `${ENTERPRISE}:manager`],
    ['a number for a boolean', { active: 1 }, '"active" must be true or false'],
    ['a word for a boolean', { active: 'yes' }, '"active" must be true or false'],
    ['a null in a list', { emails: [null] }, '"emails" holds a null'],
    [
      'two primary values',
      {
        emails: [
          { value: 'a', primary: true },
          { value: 'b', primary: 'true' },
        ],
      },
      'primary',
    ],
    ['a name spelled in two ways', { USERNAME: 'bo' }, 'given twice'],
    ['a part spelled in two ways', { name: { givenName: 'a', GivenName: 'b' } }, 'name.givenName'],
    ['U+0000', { title: 'a\u0000b' }, 'U+0000'],
    ['U+0000 in an ignored part', { unknown: [{ deep: '\u0000' }] }, 'U+0000'],
    ['U+0000 in a name', { 'a\u0000b': 1 }, 'U+0000'],
    ['half a surrogate pair', { title: 'a\ud800' }, 'surrogate'],
    ['a userName of 257 characters', { userName: 'x'.repeat(257) }, '256'],
    ['a userName that is too long once folded', { userName: '\ufb2c'.repeat(100) }, '256'],
    ['an externalId of 257 characters', { externalId: 'x'.repeat(257) }, '256'],
    ['a title of more than 8 KiB', { title: 'x'.repeat(8193) }, '8192'],
    ['501 values', { roles: Array.from({ length: 501 }, (_, n) => String(n)) }, '500'],
    ['a certificate that is no base64', { x509Certificates: ['<>'] }, 'base64'],
    ['a password that is no text', { password: 5 }, '"password" must be a string'],
  ])('is refused as invalidValue for %s', (_, body, reason) => {
    const error = refusal(() => user(body));
    expect(error).toMatchObject({ status: 400, scimType: 'invalidValue' });
    expect(error.detail).toContain(reason);
  });

  it.each([
    ['members without value', [{ display: 'x' }], 'members.value'],
    ['members with a number for value', [{ value: 5 }], 'members.value'],
    ['members with a blank value', [{ value: '' }], 'members.value'],
    ['bare strings for members', ['a'], 'must be a JSON object'],
    ['a nested group', [{ value: 'g', type: 'Group' }], 'groups inside groups'],
    ['a null for a member', [null], 'holds a null'],
  ])('is refused as invalidValue for %s', (_, members, reason) => {
    const error = refusal(() => group({ members }));
    expect(error).toMatchObject({ status: 400, scimType: 'invalidValue' });
    expect(error.detail).toContain(reason);
  });

  it('is refused without a stack overflow for deeply nested values', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}"\\u0000"${']'.repeat(100_000)}`) as unknown;
    expect(refusal(() => user({ unknown: deep })).scimType).toBe('invalidValue');
  });

  it('takes any type of member but Group', () => {
    expect(group({ members: [{ value: 'a', type: 'value' }] }).members).toEqual([
      { value: 'a', type: 'value' },
    ]);
  });

  it.each([
    ['absent', {}, false],
    ['null', { members: null }, false],
    ['an empty list', { members: [] }, true],
    ['a list', { Members: [{ value: 'a' }] }, true],
  ])('says that members are given or not: %s', (_, body, given) => {
    const read = readResource(GROUP, { schemas: [GROUP_URN], displayName: 'x', ...body });
    expect(read.given.has('members')).toBe(given);
  });
});

describe('a replacement', () => {
  const stored = {
    schemas: [USER_URN, ENTERPRISE],
    id: 'u1',
    externalId: 'e1',
    userName: 'ada',
    title: 'Countess',
    active: false,
    emails: [{ value: 'ada@example.com' }],
    [ENTERPRISE]: { department: 'Ops' },
    meta: { resourceType: 'User', version: 'W/"1"' },
  };
  const replaced = (body: object) =>
    readReplacement(USER, { schemas: [USER_URN], userName: 'ada', ...body }, stored).resource;

  it('clears what is not mentioned, but keeps active, emails and what is read-only', () => {
    expect(replaced({})).toEqual({
      schemas: [USER_URN],
      id: 'u1',
      userName: 'ada',
      active: false,
      emails: [{ value: 'ada@example.com' }],
      meta: stored.meta,
    });
  });

  it('keeps active and emails that are null', () => {
    expect(replaced({ active: null, emails: null })).toMatchObject({ active: false, emails: stored.emails });
  });

  it('empties a list that is given empty', () => {
    expect(replaced({ emails: [] })).not.toHaveProperty('emails');
  });

  it('ignores another id and meta', () => {
    expect(replaced({ id: 'u2', meta: { version: 'x' } })).toMatchObject({ id: 'u1', meta: stored.meta });
  });

  it('does not change the stored resource', () => {
    const before = structuredClone(stored);
    replaced({ active: true, emails: [{ value: 'x@y' }] });
    expect(stored).toEqual(before);
  });

  it('may set an immutable attribute once and not change it', () => {
    const parent = container('', '', [
      attribute('badge', '', { mutability: 'immutable' }),
      attribute('car', '', {
        type: 'complex',
        subAttributes: [attribute('plate', '', { mutability: 'immutable' })],
      }),
    ]);
    expect(() => checkImmutable(parent, {}, { badge: 'a' })).not.toThrow();
    expect(() => checkImmutable(parent, { badge: 'a' }, { badge: 'a' })).not.toThrow();
    expect(refusal(() => checkImmutable(parent, { badge: 'a' }, { badge: 'b' })).scimType).toBe('mutability');
    expect(refusal(() => checkImmutable(parent, { badge: 'a' }, {})).scimType).toBe('mutability');
    expect(
      refusal(() => checkImmutable(parent, { car: { plate: 'a' } }, { car: { plate: 'b' } })).scimType,
    ).toBe('mutability');
  });
});
