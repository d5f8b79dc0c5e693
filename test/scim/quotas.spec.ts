import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { TransactionRunner } from '../../src/database/transaction-runner';
import fc from '../support/properties';
import { GROUP_SCHEMA, USER_SCHEMA } from '../support/scim-client';
import { Scimify, type TestIntegration } from '../support/scimify';

const MOST = { users: 6, groups: 4, memberships: 8 };
const NOBODY = '01980000-0000-7000-8000-000000000000';
const NAMES = [0, 1, 2, 3, 4, 5, 6, 7];

describe('what a tenant holds', () => {
  let scimify: Scimify;
  let reader: DataSource;

  beforeAll(async () => {
    scimify = await Scimify.start({
      SCIMIFY_MAX_USERS: String(MOST.users),
      SCIMIFY_MAX_GROUPS: String(MOST.groups),
      SCIMIFY_MAX_MEMBERSHIPS: String(MOST.memberships),
    });
    reader = scimify.app.get<DataSource>(getDataSourceToken());
  });

  afterAll(() => scimify.stop());

  const kept = async (id: string) => {
    const [row] = await reader.query<Record<string, unknown>[]>(
      'SELECT users, groups_, memberships FROM directory_count WHERE integrationId = ?',
      [id],
    );
    return { users: row?.users ?? 0, groups: row?.groups_ ?? 0, memberships: row?.memberships ?? 0 };
  };
  const recounted = async (id: string) => {
    const total = async (from: string) =>
      Number(
        (await reader.query<{ total: number }[]>(`SELECT COUNT(*) AS total FROM ${from}`, [id]))[0]!.total,
      );
    return {
      users: await total('scim_user WHERE integrationId = ? AND deletedAt IS NULL'),
      groups: await total('scim_group WHERE integrationId = ? AND deletedAt IS NULL'),
      memberships: await total(
        'group_member m JOIN scim_group g ON g.id = m.groupId WHERE m.integrationId = ? AND g.deletedAt IS NULL',
      ),
    };
  };

  type Step = (world: TestIntegration) => Promise<{ status: number }>;
  const idOf = async ({ scim }: TestIntegration, type: 'Users' | 'Groups', name: number): Promise<string> => {
    const [attribute, text] =
      type === 'Users' ? ['userName', `user${name}`] : ['displayName', `Group ${name}`];
    const filter = encodeURIComponent(`${attribute} eq "${text}"`);
    return (await scim.get(`/${type}?filter=${filter}`)).body.Resources[0]?.id ?? NOBODY;
  };
  const membersOf = async (world: TestIntegration, people: number[]) => {
    const ids = await Promise.all(people.map((person) => idOf(world, 'Users', person)));
    return ids.filter((id) => id !== NOBODY).map((value) => ({ value }));
  };
  const person = fc.constantFrom(...NAMES);
  const team = fc.constantFrom(...NAMES.slice(0, 5));
  const people = fc.uniqueArray(person, { maxLength: 5 });
  const step = fc.oneof(
    ...[1, 2, 3].map(() =>
      person.map(
        (name): Step =>
          ({ scim }) =>
            scim.post('/Users', { schemas: [USER_SCHEMA], userName: `user${name}`, externalId: `e${name}` }),
      ),
    ),
    person.map(
      (name): Step =>
        async (world) =>
          world.scim.delete(`/Users/${await idOf(world, 'Users', name)}`),
    ),
    fc.tuple(person, fc.boolean()).map(
      ([name, active]): Step =>
        async (world) =>
          world.scim.setActive(await idOf(world, 'Users', name), active),
    ),
    fc.tuple(person, fc.boolean()).map(
      ([name, active]): Step =>
        async (world) =>
          world.scim.put(`/Users/${await idOf(world, 'Users', name)}`, {
            ...{ schemas: [USER_SCHEMA], userName: `user${name}`, externalId: `other${name}`, active },
          }),
    ),
    fc.tuple(team, people).map(
      ([name, some]): Step =>
        async (world) =>
          world.scim.post('/Groups', {
            ...{ schemas: [GROUP_SCHEMA], displayName: `Group ${name}` },
            members: await membersOf(world, some),
          }),
    ),
    fc.tuple(team, people).map(
      ([name, some]): Step =>
        async (world) =>
          world.scim.put(`/Groups/${await idOf(world, 'Groups', name)}`, {
            ...{ schemas: [GROUP_SCHEMA], displayName: `Group ${name}` },
            members: await membersOf(world, some),
          }),
    ),
    fc.tuple(team, people, fc.constantFrom('add', 'remove')).map(
      ([name, some, op]): Step =>
        async (world) =>
          world.scim.patchOperations(`/Groups/${await idOf(world, 'Groups', name)}`, {
            ...{ op, path: 'members', value: await membersOf(world, some) },
          }),
    ),
    team.map(
      (name): Step =>
        async (world) =>
          world.scim.delete(`/Groups/${await idOf(world, 'Groups', name)}`),
    ),
  );

  it('is counted exactly, whatever is done to it, and never more than it may be', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const world = await scimify.createIntegration({ enable: false });
        const before = { users: 0, groups: 0, memberships: 0 };
        for (const take of steps) {
          const { status } = await take(world);
          expect([200, 201, 204, 400, 403, 404, 409]).toContain(status);
          const counts = await kept(world.id);
          expect(counts).toEqual(await recounted(world.id));
          for (const counted of ['users', 'groups', 'memberships'] as const) {
            expect(counts[counted]).toBeLessThanOrEqual(MOST[counted]);
          }
          if (status === 403) expect(counts).toEqual(before);
          Object.assign(before, counts);
        }
      }),
      { numRuns: 12 },
    );
  }, 240_000);

  it('may not grow beyond its quota: the client is told which, and the write is kept for an admin to see', async () => {
    const world = await scimify.createIntegration({ enable: false });
    const ids = await world.scim.createUsers(NAMES.slice(0, MOST.users).map((name) => `user${name}@x.io`));
    const sent = { schemas: [USER_SCHEMA], userName: 'one.more@x.io' };
    const refused = await world.scim.post('/Users', sent);
    expect(refused).toMatchObject({ status: 403 });
    expect(refused.body.detail).toMatch(/may have 6 users .* Delete some, or ask the operator/);
    const { body } = await scimify.admin.get(`/integrations/${world.id}/refused-writes`);
    expect(body.items).toMatchObject([{ method: 'POST', status: 403, detail: refused.body.detail }]);

    await world.scim.createGroup('One', ids);
    const group = await world.scim.createGroup('Two');
    expect((await world.scim.addMembers(group, ...ids.slice(0, 3))).body.detail).toMatch(
      /may have 8 memberships/,
    );
    expect((await world.scim.addMembers(group, ...ids.slice(0, 2))).status).toBe(204);

    // Existing resources can still be changed, and a deletion makes room.
    expect((await world.scim.setActive(ids[0]!, false)).status).toBe(200);
    expect((await world.scim.delete(`/Users/${ids[0]}`)).status).toBe(204);
    expect((await world.scim.post('/Users', sent)).status).toBe(201);
  });

  it('is counted over all integrations of the tenant, and a quota of the tenant’s own comes before the setting', async () => {
    const first = await scimify.createIntegration({ enable: false });
    const second = await scimify.createIntegration({ enable: false, tenantId: first.tenantId });
    await first.scim.createUsers(['a@x.io', 'b@x.io', 'c@x.io']);
    await second.scim.createUsers(['a@x.io', 'b@x.io', 'c@x.io']);
    const sent = { schemas: [USER_SCHEMA], userName: 'd@x.io' };
    expect((await second.scim.post('/Users', sent)).status).toBe(403);
    const writer = scimify.app.get(TransactionRunner);
    await writer.run((tx) =>
      tx.query('UPDATE tenant SET quotas = ? WHERE id = ?', [JSON.stringify({ users: 7 }), first.tenantId]),
    );
    expect((await second.scim.post('/Users', sent)).status).toBe(201);
    expect((await first.scim.post('/Users', sent)).body.detail).toMatch(/may have 7 users/);
  });
});
