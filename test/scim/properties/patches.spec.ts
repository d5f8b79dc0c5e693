import fc from '../../support/properties';
import { PATCH_SCHEMA } from '../../support/scim-client';
import type { TestIntegration } from '../../support/scimify';
import { expectScimError, memberIds, type Resource } from '../support/expectations';
import { newName } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { CORE_GROUP, CORE_USER, ENTERPRISE, NOBODY } from '../support/urns';
import { type GroupState, type Pool, groupOperationOn, strangersRefused } from './support/group-model';
import { type UserState, patched, userOperation } from './support/user-model';

describe('a sequence of PATCHes', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;

  beforeAll(async () => {
    integration = await server.freshIntegration();
  });

  const patch = (path: string, operations: readonly { json: object }[]) =>
    integration.scim.patch(path, {
      schemas: [PATCH_SCHEMA],
      Operations: operations.map(({ json }) => json),
    });

  it('does to a user what a naive model of it does', async () => {
    const requests = fc.array(fc.array(userOperation, { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(requests, async (patches) => {
        const userName = newName();
        const created = await integration.scim.post('/Users', { schemas: [CORE_USER], userName });
        expect(created.status).toBe(201);
        const path = `/Users/${created.body.id}`;
        let state: UserState = { active: true };
        let version = created.body.meta.version as string;
        for (const operations of patches) {
          const answer = await patch(path, operations);
          const outcome = patched(state, operations);
          if ('refused' in outcome) expectScimError(answer, 400, outcome.refused);
          else expect({ status: answer.status, body: answer.body }).toMatchObject({ status: 200 });

          const { body } = await integration.scim.get(path);
          if (!('refused' in outcome)) expect(answer.body).toEqual(body);
          const after = 'refused' in outcome ? state : outcome.after;
          expect(asState(body)).toEqual(after);
          expect(body.schemas).toEqual([CORE_USER, ...(after.department === undefined ? [] : [ENTERPRISE])]);
          // The version changes when the resource changes, and only then.
          expect(body.meta.version === version).toBe(isEqual(after, state));
          state = after;
          version = body.meta.version;
        }
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('does to the members of a group what the same operations do to a set', async () => {
    const pool = await poolOf(integration, ['Ada', 'Bo', 'Chloë', 'Dan "D"', 'Ada', 'Eve']);
    const requests = fc.array(
      fc.array(groupOperationOn(pool, [NOBODY, 'no-id', 'é']), { minLength: 1, maxLength: 4 }),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(requests, async (patches) => {
        const created = await integration.scim.post('/Groups', {
          schemas: [CORE_GROUP],
          displayName: newName(),
        });
        expect(created.status).toBe(201);
        const path = `/Groups/${created.body.id}`;
        let state: GroupState = { members: new Set() };
        let version = created.body.meta.version as string;
        for (const operations of patches) {
          const answer = await patch(path, operations);
          const outcome = patched(state, [...operations, strangersRefused(state, pool)]);
          if ('refused' in outcome) expectScimError(answer, 400, outcome.refused);
          else expect({ status: answer.status, body: answer.body }).toEqual({ status: 204, body: '' });

          const after = 'refused' in outcome ? state : outcome.after;
          const read = await integration.scim.get(path);
          expect(memberIds(read)).toEqual([...after.members].sort());
          expect(read.body.externalId).toBe(after.externalId);
          expect(read.body.meta.version === version).toBe(isEqual(after, state));
          state = after;
          version = read.body.meta.version;
        }
        await expectGroupsOfUsers(integration, created.body.id, pool, state);
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});

/** The other side of the membership says the same. */
async function expectGroupsOfUsers(
  { scim }: TestIntegration,
  groupId: string,
  pool: Pool,
  { members }: GroupState,
): Promise<void> {
  for (const id of pool.keys()) {
    const { body } = await scim.get(`/Users/${id}?attributes=groups`);
    const groups = ((body.groups ?? []) as Resource[]).map(({ value }) => value as string);
    expect({ id, isMember: groups.includes(groupId) }).toEqual({ id, isMember: members.has(id) });
  }
}

async function poolOf({ scim }: TestIntegration, names: readonly string[]): Promise<Pool> {
  const pool = new Map<string, string>();
  for (const displayName of names) pool.set(await scim.createUser(newName(), { displayName }), displayName);
  return pool;
}

function asState(resource: Resource): UserState {
  const { schemas: _schemas, id: _id, userName: _userName, meta: _meta, ...rest } = resource;
  const { [ENTERPRISE]: extension, ...attributes } = rest;
  return { ...(attributes as UserState), ...((extension ?? {}) as { department?: string }) };
}

function isEqual(a: unknown, b: unknown): boolean {
  try {
    expect(a).toEqual(b);
    return true;
  } catch {
    return false;
  }
}
