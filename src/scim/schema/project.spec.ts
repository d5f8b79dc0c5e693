import { attribute } from './attribute';
import type { ScimObject } from './json';
import { Projection } from './project';
import { GROUP, ResourceType, USER } from './registry';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ADA = {
  schemas: [CORE, ENTERPRISE],
  id: 'u1',
  externalId: 'e1',
  userName: 'ada',
  name: { familyName: 'Byron', givenName: 'Ada' },
  active: true,
  emails: [{ value: 'ada@example.com', type: 'work', primary: true }, { value: 'ada@home.example' }],
  [ENTERPRISE]: { department: 'Ops', manager: { value: 'boss', $ref: '../Users/boss' } },
  meta: { resourceType: 'User', location: 'https://scim.example/Users/u1' },
};
const { schemas, id } = ADA;

function project(attributes: string[], excludedAttributes: string[] = []) {
  return new Projection(USER, { attributes, excludedAttributes }).project(ADA as unknown as ScimObject);
}

describe('a projection', () => {
  it.each([
    [[], ADA],
    [['userName'], { schemas, id, userName: 'ada' }],
    [['USERNAME', 'Name.GivenName'], { schemas, id, userName: 'ada', name: { givenName: 'Ada' } }],
    [[`${CORE}:userName`], { schemas, id, userName: 'ada' }],
    [
      ['emails.value'],
      { schemas, id, emails: [{ value: 'ada@example.com' }, { value: 'ada@home.example' }] },
    ],
    [['emails.type'], { schemas, id, emails: [{ type: 'work' }] }],
    [['emails.type', 'emails'], { schemas, id, emails: ADA.emails }],
    [['emails', 'emails.type'], { schemas, id, emails: ADA.emails }],
    [[ENTERPRISE], { schemas, id, [ENTERPRISE]: ADA[ENTERPRISE] }],
    [[`${ENTERPRISE}:department`], { schemas, id, [ENTERPRISE]: { department: 'Ops' } }],
    [[`${ENTERPRISE}:manager.value`], { schemas, id, [ENTERPRISE]: { manager: { value: 'boss' } } }],
    [['meta.location'], { schemas, id, meta: { location: ADA.meta.location } }],
    [['id'], { schemas, id }],
    [['nonsense', 'urn:example:x:y', 'not a path'], { schemas, id }],
    [['password'], { schemas, id }],
  ])('of the attributes %j', (attributes, expected) => {
    expect(project(attributes)).toEqual(expected);
  });

  it('of the core schema by its URN has its attributes and no common ones', () => {
    expect(Object.keys(project([CORE]))).toEqual(['schemas', 'id', 'userName', 'name', 'active', 'emails']);
  });

  it.each([
    [['emails', 'name', ENTERPRISE, 'meta', 'externalId', 'active'], { schemas, id, userName: 'ada' }],
    [['id', 'schemas'], ADA],
    [['name.familyName'], { ...ADA, name: { givenName: 'Ada' } }],
    [
      [`${ENTERPRISE}:manager.$ref`],
      { ...ADA, [ENTERPRISE]: { department: 'Ops', manager: { value: 'boss' } } },
    ],
    [['nonsense'], ADA],
  ])('without %j', (excluded, expected) => {
    expect(project([], excluded)).toEqual(expected);
  });

  it('takes excluded attributes out of those that are asked for', () => {
    expect(project(['userName', 'name'], ['name.givenName', 'userName'])).toEqual({
      schemas,
      id,
      name: { familyName: 'Byron' },
    });
  });

  it('says what it includes, so the rest need not be read', () => {
    const of = (attributes: string[], excludedAttributes: string[] = []) =>
      new Projection(GROUP, { attributes, excludedAttributes }).includes('members');
    expect(of([])).toBe(true);
    expect(of(['displayName'])).toBe(false);
    expect(of(['members.value'])).toBe(true);
    expect(of([], ['MEMBERS'])).toBe(false);
    expect(of([], ['members.display'])).toBe(true);
  });

  it('says whether it is the default one', () => {
    expect(new Projection(USER, { attributes: [], excludedAttributes: ['nonsense'] }).isDefault).toBe(true);
    expect(new Projection(USER, { attributes: ['nonsense'], excludedAttributes: [] }).isDefault).toBe(false);
  });

  it('has `returned: request` attributes only if the client asks for them', () => {
    const type = new ResourceType(
      'User',
      '/Users',
      '',
      {
        id: 'urn:example:User',
        aliases: [],
        name: 'User',
        description: '',
        attributes: [attribute('secretly', '', { returned: 'request' }), attribute('openly', '')],
      },
      [],
    );
    const resource = { secretly: 'a', openly: 'b' };
    expect(new Projection(type, { attributes: [], excludedAttributes: [] }).project(resource)).toEqual({
      openly: 'b',
    });
    expect(
      new Projection(type, { attributes: ['secretly'], excludedAttributes: [] }).project(resource),
    ).toEqual({
      secretly: 'a',
    });
  });
});
