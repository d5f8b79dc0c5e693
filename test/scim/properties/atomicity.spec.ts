import fc from '../../support/properties';
import { PATCH_SCHEMA } from '../../support/scim-client';
import type { TestIntegration } from '../../support/scimify';
import type { Answer } from '../../support/http';
import { expectScimErrorOf } from '../support/expectations';
import { fullUser, newName } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { CORE_GROUP, CORE_USER, ENTERPRISE, NOBODY } from '../support/urns';
import { type Pool, groupOperationOn } from './support/group-model';
import { userOperation } from './support/user-model';

const TAKEN = 'taken@example.com';
const OTHER_NAME = 'Another group';

/** Operations that always fail, whatever the operations before them did. */
const failingOnAnything: readonly object[] = [
  { op: 'upsert', path: 'externalId', value: 'x' },
  { op: 'remove' },
  { op: 'add', path: 'externalId' },
  { op: 'add', path: 'shoeSize', value: 44 },
  { op: 'add', path: 'externalId', value: 5 },
  { op: 'add', path: 'externalId', value: 'x\u0000' },
  { op: 'add', path: 'externalId', value: 'x'.repeat(257) },
  { op: 'replace', path: 'id', value: NOBODY },
  { op: 'replace', path: 'meta.version', value: 'W/"1"' },
  { op: 'replace', path: 'externalId[value eq "x"]', value: 'x' },
  { op: 'replace', path: 'a b', value: 'x' },
  { op: 'replace', value: 'x' },
  { op: 'replace', value: { externalId: ['x', 'y'] } },
];

const failingOnUsers: readonly object[] = [
  ...failingOnAnything,
  { op: 'remove', path: 'userName' },
  { op: 'remove', path: 'active' },
  { op: 'replace', path: 'userName', value: TAKEN.toUpperCase() },
  { op: 'replace', value: { userName: ' ' } },
  { op: 'replace', path: 'groups', value: [] },
  { op: 'add', path: 'active', value: 'maybe' },
  { op: 'replace', path: 'emails[type eq "nowhere"].value', value: 'x' },
  { op: 'add', path: 'emails[type eq].value', value: 'x' },
  {
    op: 'add',
    path: 'roles',
    value: [
      { value: 'a', primary: true },
      { value: 'b', primary: true },
    ],
  },
  { op: 'add', path: 'emails', value: [{ value: 'x' }, null] },
  { op: 'add', path: `${ENTERPRISE}:manager`, value: { value: 5 } },
];

const failingOnGroups: readonly object[] = [
  ...failingOnAnything,
  { op: 'remove', path: 'displayName' },
  { op: 'replace', path: 'displayName', value: '' },
  { op: 'replace', path: 'displayName', value: OTHER_NAME.toUpperCase() },
  { op: 'replace', path: 'members', value: null },
  { op: 'replace', path: 'members', value: 'nobody' },
  { op: 'replace', path: 'members', value: [NOBODY] },
  { op: 'replace', value: { members: null } },
  { op: 'add', path: 'members', value: [{ display: 'x' }] },
  { op: 'add', path: 'members', value: [{ value: NOBODY, type: 'Group' }] },
  { op: 'replace', path: 'members[value eq "x"].value', value: NOBODY },
  { op: 'remove', path: 'members[value eq x]' },
  { op: 'remove', path: 'members', value: null },
];

describe('a write that fails anywhere changes nothing', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;
  let user: string;
  let group: string;
  let pool: Pool;

  beforeAll(async () => {
    integration = await server.freshIntegration();
    const { scim } = integration;
    await scim.createUser(TAKEN, { externalId: TAKEN });
    await scim.createGroup(OTHER_NAME);
    user = (await scim.post('/Users', fullUser())).body.id;
    pool = new Map(
      await Promise.all(
        ['Ada', 'Bo', 'Chloë', 'Dan'].map(async (displayName): Promise<[string, string]> => {
          return [await scim.createUser(newName(), { displayName }), displayName];
        }),
      ),
    );
    group = await scim.createGroup('On-call', [user, ...[...pool.keys()].slice(0, 2)]);
  });

  /** Everything that must not change: both resources, their versions, the other side, and the engine's work. */
  const everything = async () => {
    const read = async (path: string) => {
      const { status, headers, body } = await integration.scim.get(path);
      return { status, etag: headers.get('etag'), body };
    };
    return {
      user: await read(`/Users/${user}`),
      group: await read(`/Groups/${group}`),
      userNames: (await integration.scim.get('/Users?attributes=userName,externalId,groups&count=200')).body,
      groupNames: (await integration.scim.get('/Groups?excludedAttributes=members')).body,
      generations: (await server.scimify.groups(integration)).map(({ id, generation }) => ({
        id,
        generation,
      })),
    };
  };

  const expectNothing = async (write: () => Promise<Answer>) => {
    const before = await everything();
    const answer = await write();
    expectScimErrorOf(
      answer,
      [400, 409],
      [
        ...['invalidSyntax', 'invalidValue', 'invalidPath', 'invalidFilter', 'noTarget', 'mutability'],
        'uniqueness',
      ],
    );
    expect(await everything()).toEqual(before);
  };

  const withOneFailing = (good: fc.Arbitrary<{ json: object }>, failing: readonly object[]) =>
    fc
      .tuple(fc.array(good, { maxLength: 5 }), fc.constantFrom(...failing), fc.nat())
      .map(([operations, bad, at]) => {
        const all = operations.map(({ json }) => json);
        all.splice(at % (all.length + 1), 0, bad);
        return { schemas: [PATCH_SCHEMA], Operations: all };
      });

  it.each(titled(failingOnUsers))('a PATCH of a user: %s alone', (_, operation) =>
    expectNothing(() => integration.scim.patchOperations(`/Users/${user}`, operation)),
  );

  it.each(titled(failingOnGroups))('a PATCH of a group: %s alone', (_, operation) =>
    expectNothing(() => integration.scim.patchOperations(`/Groups/${group}`, operation)),
  );

  it('a PATCH of a user with one failing operation among others', async () => {
    await fc.assert(
      fc.asyncProperty(withOneFailing(userOperation, failingOnUsers), (body) =>
        expectNothing(() => integration.scim.patch(`/Users/${user}`, body)),
      ),
      { numRuns: 150 },
    );
  }, 60_000);

  it('a PATCH of a group with one failing operation among others', async () => {
    const good = groupOperationOn(pool, [NOBODY]);
    await fc.assert(
      fc.asyncProperty(withOneFailing(good, failingOnGroups), (body) =>
        expectNothing(() => integration.scim.patch(`/Groups/${group}`, body)),
      ),
      { numRuns: 150 },
    );
  }, 60_000);

  it('a PATCH of a group that leaves a stranger in it', async () => {
    const good = groupOperationOn(pool, [NOBODY]);
    const stranger = { op: 'add', path: 'members', value: [{ value: NOBODY }] };
    await fc.assert(
      fc.asyncProperty(fc.array(good, { maxLength: 5 }), (operations) =>
        expectNothing(() =>
          integration.scim.patchOperations(
            `/Groups/${group}`,
            ...operations.map(({ json }) => json),
            stranger,
          ),
        ),
      ),
      { numRuns: 50 },
    );
  }, 60_000);

  it.each<[string, object]>([
    ['a wrong type', { title: 'new', emails: [{ value: 5 }] }],
    ['a name that is taken', { title: 'new', userName: TAKEN.toUpperCase() }],
    ['no userName', { title: 'new', userName: undefined }],
    [
      'two primary addresses',
      {
        emails: [
          { value: 'a', primary: true },
          { value: 'b', primary: true },
        ],
      },
    ],
    ['a value that is too long', { title: 'x'.repeat(10_000) }],
  ])('a PUT of a user with %s', (_, attributes) =>
    expectNothing(() =>
      integration.scim.put(`/Users/${user}`, {
        schemas: [CORE_USER],
        userName: newName(),
        active: false,
        ...attributes,
      }),
    ),
  );

  it.each<[string, object]>([
    ['a name that is taken', { displayName: `  ${OTHER_NAME} ` }],
    ['no name', { displayName: undefined }],
    ['a stranger', { members: [{ value: NOBODY }] }],
    ['a group in it', { members: [{ value: NOBODY, type: 'Group' }] }],
    ['a bare id', { members: [NOBODY] }],
    ['a member that is null', { members: [null] }],
    ['something else in place of the members', { members: 'everybody' }],
  ])('a PUT of a group with %s', (_, attributes) =>
    expectNothing(() =>
      integration.scim.put(`/Groups/${group}`, {
        schemas: [CORE_GROUP],
        displayName: 'Renamed',
        members: [],
        ...attributes,
      }),
    ),
  );
});

function titled(operations: readonly object[]): [string, object][] {
  return operations.map((operation) => [JSON.stringify(operation).slice(0, 100), operation]);
}
