import fc from '../../../test/support/properties';
import { atOnce } from '../../event-loop/slice';
import { ScimError } from '../messages/scim-error';
import { MESSAGE_URNS } from '../messages/urns';
import type { ScimObject } from '../schema/json';
import { completed } from '../schema/read-resource';
import { GROUP, USER } from '../schema/registry';
import { applyPatch } from './apply-patch';
import { readPatchRequest } from './patch-request';

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

const ADA: ScimObject = {
  schemas: [CORE, ENTERPRISE],
  id: 'u1',
  userName: 'ada',
  name: { familyName: 'Byron', givenName: 'Ada' },
  displayName: 'Ada',
  active: true,
  emails: [
    { value: 'ada@work.example', type: 'work', primary: true },
    { value: 'ada@home.example', type: 'home' },
  ],
  addresses: [{ streetAddress: '1 Main St', type: 'work' }],
  groups: [{ value: 'g1' }],
  [ENTERPRISE]: { department: 'Ops', manager: { value: 'boss', $ref: '../Users/boss' } },
  meta: { resourceType: 'User', version: 'W/"1"' },
};

function patch(...operations: object[]): { resource: ScimObject; changed: boolean } {
  const body = { schemas: [MESSAGE_URNS.patchOp], Operations: operations };
  return applyPatch(USER, ADA, atOnce(readPatchRequest(USER, body)));
}

function refusal(...operations: object[]): ScimError {
  try {
    patch(...operations);
  } catch (error) {
    if (error instanceof ScimError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const [work, home] = ADA.emails as ScimObject[];

describe('a PATCH', () => {
  it.each([
    // RFC 7644 §3.5.2.1: add.
    [
      'add to a list',
      { op: 'add', path: 'emails', value: [{ value: 'x@y' }] },
      { emails: [work, home, { value: 'x@y' }] },
    ],
    [
      'add one to a list',
      { op: 'add', path: 'emails', value: { value: 'x@y' } },
      { emails: [work, home, { value: 'x@y' }] },
    ],
    [
      'add without a path',
      { op: 'add', value: { emails: [{ value: 'babs@jensen.org', type: 'home' }], nickName: 'Babs' } },
      { emails: [work, home, { value: 'babs@jensen.org', type: 'home' }], nickName: 'Babs' },
    ],
    ['add a single value', { op: 'add', path: 'title', value: 'Countess' }, { title: 'Countess' }],
    [
      'add in place of a single value',
      { op: 'add', path: 'displayName', value: 'Bo' },
      { displayName: 'Bo' },
    ],
    [
      'add to a complex value',
      { op: 'add', path: 'name', value: { middleName: 'K' } },
      { name: { familyName: 'Byron', givenName: 'Ada', middleName: 'K' } },
    ],
    [
      'add a sub-attribute',
      { op: 'add', path: 'name.honorificPrefix', value: 'Lady' },
      { name: { familyName: 'Byron', givenName: 'Ada', honorificPrefix: 'Lady' } },
    ],
    [
      'add a part to the same (type, value)',
      { op: 'add', path: 'emails', value: [{ value: 'ada@home.example', type: 'home', display: 'Home' }] },
      { emails: [work, { value: 'ada@home.example', display: 'Home', type: 'home' }] },
    ],
    [
      'add to what a filter selects',
      { op: 'add', path: 'emails[type eq "home"]', value: { display: 'Home' } },
      { emails: [work, { value: 'ada@home.example', display: 'Home', type: 'home' }] },
    ],
    // §3.5.2.2: remove.
    ['remove a single value', { op: 'remove', path: 'displayName' }, { displayName: undefined }],
    ['remove what is not there', { op: 'remove', path: 'title' }, {}],
    ['remove a list', { op: 'remove', path: 'emails' }, { emails: undefined }],
    ['remove what a filter selects', { op: 'remove', path: 'emails[type eq "work"]' }, { emails: [home] }],
    [
      'remove what a filter of two parts selects',
      { op: 'remove', path: 'emails[type eq "home" and value ew "home.example"]' },
      { emails: [work] },
    ],
    ['remove what a filter does not find', { op: 'remove', path: 'emails[type eq "other"]' }, {}],
    [
      'remove a sub-attribute of what a filter selects',
      { op: 'remove', path: 'emails[type eq "work"].primary' },
      { emails: [{ value: 'ada@work.example', type: 'work' }, home] },
    ],
    [
      'remove a sub-attribute of every value',
      { op: 'remove', path: 'addresses.streetAddress' },
      { addresses: [{ type: 'work' }] },
    ],
    ['remove a sub-attribute', { op: 'remove', path: 'name.givenName' }, { name: { familyName: 'Byron' } }],
    [
      'remove a whole extension by its URN',
      { op: 'remove', path: ENTERPRISE },
      { schemas: [CORE], [ENTERPRISE]: undefined },
    ],
    // §3.5.2.3: replace.
    [
      'replace a list',
      { op: 'replace', path: 'emails', value: [{ value: 'x@y' }] },
      { emails: [{ value: 'x@y' }] },
    ],
    ['replace a list by none', { op: 'replace', path: 'emails', value: [] }, { emails: undefined }],
    [
      'replace what a filter selects, whole',
      {
        op: 'replace',
        path: 'addresses[type eq "work"]',
        value: { type: 'work', streetAddress: '911 Universal City Plaza', country: 'US' },
      },
      { addresses: [{ streetAddress: '911 Universal City Plaza', country: 'US', type: 'work' }] },
    ],
    [
      'replace a sub-attribute of what a filter selects',
      { op: 'replace', path: 'addresses[type eq "work"].streetAddress', value: '1010 Broadway Ave' },
      { addresses: [{ streetAddress: '1010 Broadway Ave', type: 'work' }] },
    ],
    [
      'replace without a path',
      { op: 'replace', value: { emails: [{ value: 'x@y', type: 'work' }], nickName: 'Babs' } },
      { emails: [{ value: 'x@y', type: 'work' }], nickName: 'Babs' },
    ],
    [
      'replace the named parts of a complex value',
      { op: 'replace', path: 'name', value: { givenName: 'Augusta' } },
      { name: { familyName: 'Byron', givenName: 'Augusta' } },
    ],
    ['replace what is not there', { op: 'replace', path: 'title', value: 'Countess' }, { title: 'Countess' }],
    ['replace by null', { op: 'replace', path: 'displayName', value: null }, { displayName: undefined }],
    [
      'replace a part by null',
      { op: 'replace', path: 'name', value: { givenName: null } },
      { name: { familyName: 'Byron' } },
    ],
    [
      'replace a sub-attribute of every value',
      { op: 'replace', path: 'emails.display', value: 'Ada' },
      {
        emails: [
          { ...work, display: 'Ada' },
          { ...home, display: 'Ada' },
        ],
      },
    ],
    // §3.5.2: primary moves.
    [
      'add a primary value',
      { op: 'add', path: 'emails', value: { value: 'x@y', primary: true } },
      { emails: [{ ...work, primary: false }, home, { value: 'x@y', primary: true }] },
    ],
    [
      'make another value primary',
      { op: 'replace', path: 'emails[type eq "home"].primary', value: 'True' },
      {
        emails: [
          { ...work, primary: false },
          { ...home, primary: true },
        ],
      },
    ],
    // Okta.
    ['Okta: deactivate without a path', { op: 'replace', value: { active: false } }, { active: false }],
    ['Okta: deactivate with a path', { op: 'replace', path: 'active', value: false }, { active: false }],
    [
      'Okta: the id in a path-less value',
      { op: 'replace', value: { id: 'other', displayName: 'Bo' } },
      { displayName: 'Bo' },
    ],
    ['Okta: a password', { op: 'replace', value: { password: 'secret' } }, {}],
    ['a password by path', { op: 'replace', path: 'password', value: 'secret' }, {}],
    // Entra.
    ['Entra: capitals', { op: 'Replace', path: 'displayName', value: 'Ada B' }, { displayName: 'Ada B' }],
    ['Entra: "False"', { op: 'Replace', path: 'active', value: 'False' }, { active: false }],
    [
      'Entra: replace an address by its type',
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'ada.b@contoso.example' },
      { emails: [{ value: 'ada.b@contoso.example', type: 'work', primary: true }, home] },
    ],
    [
      'Entra: add to a type that is not there',
      { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+1 555 0100' },
      { phoneNumbers: [{ value: '+1 555 0100', type: 'mobile' }] },
    ],
    [
      'Entra: Replace of a type that is not there',
      { op: 'Replace', path: 'phoneNumbers[type eq "mobile"].value', value: '+1 555 0100' },
      { phoneNumbers: [{ value: '+1 555 0100', type: 'mobile' }] },
    ],
    [
      'Entra: a boolean text in a filter that makes a value',
      { op: 'Add', path: 'roles[primary eq "True"].value', value: 'admin' },
      { roles: [{ value: 'admin', primary: true }] },
    ],
    [
      'Entra: an extension attribute',
      { op: 'Replace', path: `${ENTERPRISE}:employeeNumber`, value: '42' },
      { [ENTERPRISE]: { employeeNumber: '42', ...(ADA[ENTERPRISE] as object) } },
    ],
    [
      'Entra: a manager as a bare id',
      { op: 'Replace', path: `${ENTERPRISE}:manager`, value: 'other' },
      { [ENTERPRISE]: { department: 'Ops', manager: { value: 'other' } } },
    ],
    [
      'Entra: a manager as a list',
      { op: 'Add', path: `${ENTERPRISE}:manager`, value: [{ $ref: '../Users/other', value: 'other' }] },
      { [ENTERPRISE]: { department: 'Ops', manager: { value: 'other', $ref: '../Users/other' } } },
    ],
    [
      'Entra: no manager, as an empty text',
      { op: 'Replace', path: `${ENTERPRISE}:manager`, value: '' },
      { [ENTERPRISE]: { department: 'Ops' } },
    ],
    [
      'Entra: the manager removed',
      { op: 'Remove', path: `${ENTERPRISE}:manager` },
      { [ENTERPRISE]: { department: 'Ops' } },
    ],
    [
      'another manager does not keep the address of the old one',
      { op: 'replace', path: `${ENTERPRISE}:manager.value`, value: 'other' },
      { [ENTERPRISE]: { department: 'Ops', manager: { value: 'other' } } },
    ],
    [
      'Entra: keys that are paths',
      {
        op: 'replace',
        value: {
          displayName: 'Ada B',
          'name.givenName': 'Augusta',
          'emails[type eq "other"].value': 'x@y',
          [`${ENTERPRISE}:department`]: 'Dev',
          [ENTERPRISE]: { costCenter: 'C1' },
        },
      },
      {
        displayName: 'Ada B',
        name: { familyName: 'Byron', givenName: 'Augusta' },
        emails: [work, home, { value: 'x@y', type: 'other' }],
        [ENTERPRISE]: {
          costCenter: 'C1',
          department: 'Dev',
          manager: { value: 'boss', $ref: '../Users/boss' },
        },
      },
    ],
    [
      'an extension by its URN as the path',
      { op: 'add', path: ENTERPRISE, value: { division: 'D', manager: { displayName: 'ignored' } } },
      { [ENTERPRISE]: { division: 'D', ...(ADA[ENTERPRISE] as object) } },
    ],
    [
      'the core schema by its URN',
      { op: 'add', value: { [CORE]: { title: 'Countess' } } },
      { title: 'Countess' },
    ],
    [
      'listed values to remove',
      { op: 'remove', path: 'emails', value: [{ value: 'ada@home.example' }] },
      { emails: [work] },
    ],
    ['an empty list of values to remove', { op: 'remove', path: 'emails', value: [] }, {}],
    // Unknown.
    ['an attribute of an unknown schema', { op: 'add', path: 'urn:example:2.0:Car:wheels', value: 4 }, {}],
    [
      'unknown keys of a path-less value',
      { op: 'add', value: { shoeSize: 44, 'a b': 1, 'urn:example:x:y': 1 } },
      {},
    ],
    // Nothing to do.
    [
      'what is there already',
      { op: 'add', path: 'emails', value: [{ value: 'ada@home.example', type: 'home' }] },
      {},
    ],
    ['null for what always has a value', { op: 'replace', value: { active: null } }, {}],
    ['an empty list to add', { op: 'add', path: 'emails', value: [] }, {}],
    ['the schemas named again', { op: 'add', path: 'schemas', value: [ENTERPRISE] }, {}],
  ] as [string, object, object][])('%s', (_, operation, expected) => {
    const before = structuredClone(ADA);
    const { resource, changed } = patch(operation);
    const wanted = JSON.parse(JSON.stringify({ ...ADA, ...expected })) as ScimObject;
    expect(resource).toEqual(wanted);
    expect(changed).toBe(Object.keys(expected).length > 0);
    expect(JSON.stringify(completed(USER, resource))).toBe(JSON.stringify(resource));
    expect(ADA).toEqual(before);
  });

  it('applies operations in order, each on the result of the one before', () => {
    const { resource } = patch(
      { op: 'remove', path: 'emails' },
      { op: 'add', path: 'emails', value: [{ value: 'x@y' }] },
      { op: 'replace', path: 'emails[value eq "x@y"].type', value: 'work' },
    );
    expect(resource.emails).toEqual([{ value: 'x@y', type: 'work' }]);
  });

  it('removes a value with its last part', () => {
    const { resource } = patch(
      { op: 'remove', path: 'addresses.streetAddress' },
      { op: 'remove', path: 'addresses[type eq "work"].type' },
    );
    expect(resource).not.toHaveProperty('addresses');
  });

  it('is no change if the result equals the start', () => {
    expect(patch({ op: 'replace', path: 'title', value: 'x' }, { op: 'remove', path: 'title' }).changed).toBe(
      false,
    );
  });

  it.each([
    ['readOnly by path', { op: 'replace', path: 'id', value: 'x' }, 'mutability'],
    ['readOnly removed', { op: 'remove', path: 'groups' }, 'mutability'],
    ['readOnly selected', { op: 'remove', path: 'groups[value eq "g1"]' }, 'mutability'],
    ['a readOnly part', { op: 'add', path: `${ENTERPRISE}:manager.displayName`, value: 'x' }, 'mutability'],
    ['meta', { op: 'replace', path: 'meta.version', value: 'x' }, 'mutability'],
    ['required removed', { op: 'remove', path: 'userName' }, 'mutability'],
    ['required nulled', { op: 'replace', value: { userName: null } }, 'mutability'],
    ['schemas removed', { op: 'remove', path: 'schemas' }, 'mutability'],
    ['active removed', { op: 'remove', path: 'active' }, 'mutability'],
    ['blank userName', { op: 'replace', path: 'userName', value: '' }, 'invalidValue'],
    ['an unknown attribute', { op: 'add', path: 'shoeSize', value: 44 }, 'invalidPath'],
    ['an unknown part', { op: 'add', path: 'name.shoeSize', value: 44 }, 'invalidPath'],
    [
      'an unknown part of what is selected',
      { op: 'add', path: 'emails[type eq "work"].x', value: 4 },
      'invalidPath',
    ],
    ['an unknown extension attribute', { op: 'add', path: `${ENTERPRISE}:x`, value: 4 }, 'invalidPath'],
    ['a path that is none', { op: 'add', path: 'emails[', value: 4 }, 'invalidFilter'],
    ['an empty path', { op: 'add', path: '', value: {} }, 'invalidPath'],
    ['a filter on a single value', { op: 'add', path: 'name[givenName eq "Ada"]', value: {} }, 'invalidPath'],
    ['a filter on the resource', { op: 'add', path: `${CORE}[a eq "b"]`, value: {} }, 'invalidPath'],
    ['a filter of another type', { op: 'add', path: 'emails[primary gt true]', value: {} }, 'invalidFilter'],
    ['a path that is no text', { op: 'add', path: 5, value: {} }, 'invalidPath'],
    [
      'replace where the filter finds nothing',
      { op: 'replace', path: 'emails[type eq "other"].value', value: 'x@y' },
      'noTarget',
    ],
    [
      'add where the filter does not say what to make',
      { op: 'add', path: 'emails[type sw "oth"].value', value: 'x@y' },
      'noTarget',
    ],
    ['remove without a path', { op: 'remove', value: { title: 'x' } }, 'noTarget'],
    ['remove of the resource', { op: 'remove', path: CORE }, 'noTarget'],
    ['no value', { op: 'replace', path: 'title' }, 'invalidValue'],
    ['a path-less value that is no object', { op: 'replace', value: 'x' }, 'invalidValue'],
    ['a path-less value that is a list', { op: 'replace', value: [{ title: 'x' }] }, 'invalidValue'],
    ['null for the values to remove', { op: 'remove', path: 'emails', value: null }, 'invalidValue'],
    [
      'values to remove that are not understood',
      { op: 'remove', path: 'emails', value: [{ x: 1 }] },
      'invalidValue',
    ],
    ['a wrong type', { op: 'add', path: 'active', value: 'maybe' }, 'invalidValue'],
    ['a wrong type in a list', { op: 'add', path: 'emails', value: [5] }, 'invalidValue'],
    ['two primaries', { op: 'replace', path: 'emails.primary', value: true }, 'invalidValue'],
    ['U+0000', { op: 'add', path: 'title', value: '\u0000' }, 'invalidValue'],
    ['a bad bracket in a key', { op: 'add', value: { 'emails[type eq]': 'x' } }, 'invalidFilter'],
    ['an unknown op', { op: 'upsert', path: 'title', value: 'x' }, 'invalidSyntax'],
    ['no op', { path: 'title', value: 'x' }, 'invalidSyntax'],
  ])('refuses %s', (_, operation, scimType) => {
    expect(refusal({ op: 'replace', path: 'displayName', value: 'Bo' }, operation)).toMatchObject({
      status: 400,
      scimType,
    });
    expect(ADA.displayName).toBe('Ada');
  });

  it("renames a group by Okta's path-less value with the id in it", () => {
    const group = { schemas: [GROUP.schema.id], id: 'g1', displayName: 'x' };
    const Operations = [{ op: 'replace', value: { id: 'g1', displayName: 'Platform On-call' } }];
    const operations = atOnce(readPatchRequest(GROUP, { schemas: [MESSAGE_URNS.patchOp], Operations }));
    expect(applyPatch(GROUP, group, operations)).toEqual({
      resource: { ...group, displayName: 'Platform On-call' },
      changed: true,
    });
  });

  it('refuses to remove the name of a group', () => {
    const group = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'x' };
    const body = { schemas: [MESSAGE_URNS.patchOp], Operations: [{ op: 'remove', path: 'displayName' }] };
    expect(() => applyPatch(GROUP, group, atOnce(readPatchRequest(GROUP, body)))).toThrow(/required/);
  });

  it.each([
    ['no object', []],
    ['other schemas', { schemas: [CORE], Operations: [{ op: 'remove', path: 'title' }] }],
    ['no operations', { schemas: [MESSAGE_URNS.patchOp] }],
    ['an empty list of operations', { schemas: [MESSAGE_URNS.patchOp], Operations: [] }],
    ['an operation that is no object', { schemas: [MESSAGE_URNS.patchOp], Operations: [null] }],
  ])('refuses a body with %s', (_, body) => {
    expect(() => atOnce(readPatchRequest(USER, body))).toThrow(
      expect.objectContaining({ status: 400, scimType: 'invalidSyntax' }) as Error,
    );
  });

  it('takes names of the message in any case', () => {
    const body = {
      Schemas: [MESSAGE_URNS.patchOp.toUpperCase()],
      operations: [{ OP: 'ADD', Path: 'title', Value: 'x' }],
    };
    expect(applyPatch(USER, ADA, atOnce(readPatchRequest(USER, body))).resource.title).toBe('x');
  });

  it('refuses more than 1,000 changes at once, each attribute of a value without a path counted', () => {
    const operation = { op: 'add', path: 'title', value: 'x' };
    expect(patch(...Array.from({ length: 1000 }, () => operation)).changed).toBe(true);
    expect(refusal(...Array.from({ length: 1001 }, () => operation)).status).toBe(413);
    const two = { op: 'add', value: { title: 'x', nickName: 'y' } };
    expect(refusal(...Array.from({ length: 501 }, () => two)).status).toBe(413);
  });

  it('refuses more than 100 changes of lists at once, comparisons counted', () => {
    const add = (n: number) => ({ op: 'add', path: 'roles', value: [{ value: `r${n}` }] });
    expect(patch(...Array.from({ length: 100 }, (_, n) => add(n))).changed).toBe(true);
    expect(refusal(...Array.from({ length: 101 }, (_, n) => add(n))).status).toBe(413);
    const filter = Array.from({ length: 11 }, (_, n) => `value eq "${n}"`).join(' or ');
    const removal = { op: 'remove', path: `emails[${filter}]` };
    expect(refusal(...Array.from({ length: 10 }, () => removal)).status).toBe(413);
    expect(patch(...Array.from({ length: 9 }, () => removal)).changed).toBe(false);
  });

  it('refuses a list that grows too long between two operations, and more values to remove than a list may have', () => {
    const many = (from: number) =>
      Array.from({ length: 300 }, (_, index) => ({ value: `${from + index}@x` }));
    const add = (from: number) => ({ op: 'add', path: 'emails', value: many(from) });
    const remove = { op: 'remove', path: 'emails', value: [...many(0), ...many(300)] };
    for (const operations of [[add(0), add(300), { op: 'remove', path: 'emails' }], [remove]]) {
      expect(refusal(...operations)).toMatchObject({ status: 400, scimType: 'invalidValue' });
    }
  });

  it('removes the values that have all named parts, for any set of parts', () => {
    const value = [{ value: 'ada@home.example' }, { type: 'work', primary: true }];
    expect(patch({ op: 'remove', path: 'emails', value }).resource.emails).toBeUndefined();
    const others = [{ value: 'ada@home.example', type: 'work' }, { type: 'other' }];
    expect(patch({ op: 'remove', path: 'emails', value: others }).changed).toBe(false);
  });

  it('ignores attributes of the extension without their URN in a value without a path', () => {
    const value = { active: false, employeeNumber: 12345, manager: null, department: { name: 'x' } };
    const { resource } = patch({ op: 'replace', value });
    expect(resource).toMatchObject({ active: false, [ENTERPRISE]: ADA[ENTERPRISE] });
  });

  it('keeps the parts that the client has just set when two entries become one', () => {
    const set = { value: 'ada@home.example', type: 'home', display: 'new' };
    const former = { op: 'add', path: 'emails[type eq "home"].display', value: 'old' };
    const { resource } = patch(former, { op: 'replace', path: 'emails[type eq "work"]', value: set });
    expect(resource.emails).toEqual([expect.objectContaining(set)]);
  });

  it('gives a valid resource or an error for any operations', () => {
    const value = fc.oneof(
      fc.constantFrom<unknown>(null, '', 'x', true, 'True', 5, [], {}, [null], { value: 'x' }),
      fc.constantFrom<unknown>(
        { value: 'x', primary: true },
        [{ value: 'y', type: 'work', primary: 'true' }],
        { givenName: 'G', nonsense: 1 },
        { title: 'x', id: 'y', emails: [{ value: 'z' }] },
      ),
    );
    const operation = fc.record(
      {
        op: fc.constantFrom('add', 'remove', 'replace', 'Replace'),
        path: fc.constantFrom(
          ...[
            'title',
            'active',
            'userName',
            'name',
            'name.givenName',
            'emails',
            'emails.type',
            'schemas',
            'id',
          ],
          ...['emails[type eq "work"]', 'emails[type eq "work"].value', 'emails[value eq "x"].primary'],
          ...[ENTERPRISE, `${ENTERPRISE}:manager`, `${ENTERPRISE}:manager.value`, CORE, 'urn:x:y:z'],
        ),
        value,
      },
      { requiredKeys: ['op'] },
    );
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 6 }), (operations) => {
        const before = JSON.stringify(ADA);
        try {
          const { resource, changed } = patch(...operations);
          expect(JSON.stringify(completed(USER, resource))).toBe(JSON.stringify(resource));
          expect(changed).toBe(JSON.stringify(completed(USER, ADA)) !== JSON.stringify(resource));
          expect(resource).toMatchObject({
            id: 'u1',
            groups: ADA.groups as object,
            meta: ADA.meta as object,
          });
        } catch (error) {
          expect(error).toBeInstanceOf(ScimError);
        }
        expect(JSON.stringify(ADA)).toBe(before);
      }),
      { numRuns: 2000 },
    );
  });
});
