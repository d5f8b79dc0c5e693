import type { ScimClient } from '../../support/scim-client';
import { expectList, expectScimError, memberIds } from '../support/expectations';
import { group, newName, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { NOBODY, SEARCH_REQUEST } from '../support/urns';

describe('RFC 7644 §3.6, deleting', () => {
  const server = serverOfThisFile();
  let scim: ScimClient;

  beforeAll(async () => {
    ({ scim } = await server.freshIntegration());
  });

  it.each([
    ['/Users', user],
    ['/Groups', group],
  ] as const)(
    'in %s is 204 without a body, and 404 for everything on that id ever after',
    async (endpoint, sample) => {
      const { body } = await scim.post(endpoint, sample());
      const path = `${endpoint}/${body.id}`;
      const deleted = await scim.delete(path);
      expect({ status: deleted.status, body: deleted.body }).toEqual({ status: 204, body: '' });
      expectScimError(await scim.get(path), 404);
      expectScimError(await scim.put(path, sample()), 404);
      expectScimError(
        await scim.patchOperations(path, { op: 'replace', path: 'displayName', value: 'Undead' }),
        404,
      );
      expectScimError(await scim.delete(path), 404);
      expectScimError(await scim.delete(path, { 'If-Match': '*' }), 404);
    },
  );

  it('of what was never there is 404', async () => {
    for (const path of [`/Users/${NOBODY}`, `/Groups/${NOBODY}`, '/Users/not-a-uuid', '/Groups/0']) {
      expectScimError(await scim.delete(path), 404);
    }
  });

  it('leaves the resource out of every query', async () => {
    const userName = newName();
    const { body } = await scim.post('/Users', user({ userName, externalId: `ext-${userName}` }));
    const before = (await scim.get('/Users')).body.totalResults;
    await scim.delete(`/Users/${body.id}`);
    expect((await scim.get('/Users')).body.totalResults).toBe(before - 1);
    for (const filter of [
      `userName eq "${userName}"`,
      `id eq "${body.id}"`,
      `externalId eq "ext-${userName}"`,
      `userName sw "${userName}"`,
      `active eq false and userName eq "${userName}"`,
    ]) {
      expectList(await scim.get(`/Users?filter=${encodeURIComponent(filter)}`), 0);
      expectList(await scim.post('/Users/.search', { schemas: [SEARCH_REQUEST], filter }), 0);
    }
  });

  it('frees the names: the same can be created again, as another', async () => {
    const sent = user({ externalId: newName() });
    const first = await scim.post('/Users', sent);
    await scim.delete(`/Users/${first.body.id}`);
    const second = await scim.post('/Users', sent);
    expect(second.status).toBe(201);
    expect(second.body.id).not.toBe(first.body.id);

    const aGroup = group({ externalId: newName() });
    const one = await scim.post('/Groups', aGroup);
    await scim.delete(`/Groups/${one.body.id}`);
    const two = await scim.post('/Groups', aGroup);
    expect(two.status).toBe(201);
    expect(two.body.id).not.toBe(one.body.id);
  });

  it('of a user takes it out of its groups, and changes their version', async () => {
    const [gone, stays] = [await scim.createUser(newName()), await scim.createUser(newName())];
    const { body: before } = await scim.post(
      '/Groups',
      group({ members: [{ value: gone }, { value: stays }] }),
    );
    await scim.delete(`/Users/${gone}`);
    const after = await scim.get(`/Groups/${before.id}`);
    expect(memberIds(after)).toEqual([stays]);
    expect(after.body.meta.version).not.toBe(before.meta.version);
    expectList(await scim.get(`/Groups?filter=${encodeURIComponent(`members eq "${gone}"`)}`), 0);
    expectScimError(await scim.addMembers(before.id, gone), 400, 'invalidValue');
  });

  it('of a group keeps its users', async () => {
    const id = await scim.createUser(newName());
    const groupId = await scim.createGroup('Short-lived', [id]);
    await scim.delete(`/Groups/${groupId}`);
    const { status, body } = await scim.get(`/Users/${id}`);
    expect({ status, groups: body.groups }).toEqual({ status: 200, groups: undefined });
  });
});
