import type { ScimClient } from '../../support/scim-client';
import { PUBLIC_URL, type TestIntegration } from '../../support/scimify';
import { expectList, expectScimError, memberIds, type Resource } from '../support/expectations';
import { fullUser, group, newName, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { BULK_REQUEST, CORE_GROUP, CORE_USER, ENTERPRISE, NOBODY } from '../support/urns';

const XSD_DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

describe('RFC 7643 §3, resources', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;
  let scim: ScimClient;

  beforeAll(async () => {
    integration = await server.freshIntegration();
    ({ scim } = integration);
  });

  describe('§3, schemas', () => {
    it.each([
      ['core alone', user(), [CORE_USER]],
      ['core and extension', fullUser(), [CORE_USER, ENTERPRISE]],
      ['an extension named but without values', user({ schemas: [CORE_USER, ENTERPRISE] }), [CORE_USER]],
      [
        'an extension with values but not named',
        user({ [ENTERPRISE]: { department: 'Ops' } }),
        [CORE_USER, ENTERPRISE],
      ],
      ['one URN twice', user({ schemas: [CORE_USER, CORE_USER] }), [CORE_USER]],
      ['an URN that nobody knows', user({ schemas: [CORE_USER, 'urn:example:x'] }), [CORE_USER]],
      ['the URN in another case', user({ schemas: [CORE_USER.toUpperCase()] }), [CORE_USER]],
    ])('of a user with %s', async (_what, sent, schemas) => {
      const { status, body } = await scim.post('/Users', sent);
      expect({ status, schemas: body.schemas }).toEqual({ status: 201, schemas });
      expect((await scim.get(`/Users/${body.id}`)).body.schemas).toEqual(schemas);
    });

    it('of a group', async () => {
      expect((await scim.post('/Groups', group())).body.schemas).toEqual([CORE_GROUP]);
    });

    it.each<object>([{}, { schemas: null }, { schemas: [] }])(
      'may be left out, and the body is what its endpoint says: %j',
      async (said) => {
        const userName = newName();
        const made = await scim.post('/Users', { ...said, userName });
        expect(made).toMatchObject({ status: 201, body: { schemas: [CORE_USER], userName } });
        const [userPath, displayName] = [`/Users/${made.body.id}`, `Group of ${userName}`];
        const team = await scim.post('/Groups', { ...said, displayName });
        expect(team).toMatchObject({ status: 201, body: { schemas: [CORE_GROUP], displayName } });
        const groupPath = `/Groups/${team.body.id}`;

        const put = await scim.put(userPath, { ...said, userName, title: 'Analyst' });
        expect(put).toMatchObject({ status: 200, body: { title: 'Analyst' } });
        const join = { op: 'add', path: 'members', value: [{ value: made.body.id }] };
        expect((await scim.patch(groupPath, { ...said, Operations: [join] })).status).toBe(204);
        expect(memberIds(await scim.get(groupPath))).toEqual([made.body.id]);
        const emptied = { ...said, displayName, members: [] };
        expect((await scim.put(groupPath, emptied)).status).toBe(200);
        expect(memberIds(await scim.get(groupPath))).toEqual([]);

        const leave = { ...said, Operations: [{ op: 'replace', path: 'active', value: false }] };
        const Operations = [{ method: 'PATCH', path: userPath, data: leave }];
        const bulk = await scim.post('/Bulk', { ...said, Operations });
        expect(bulk).toMatchObject({ status: 200, body: { Operations: [{ status: '200' }] } });
        const filter = `userName eq "${userName}"`;
        for (const endpoint of ['/Users/.search', '/.search']) {
          const found = expectList(await scim.post(endpoint, { ...said, filter }), 1);
          expect(found).toMatchObject([{ userName, active: false }]);
        }
      },
    );

    it('of a message have to name it where they name something', async () => {
      const schemas = [CORE_USER];
      const Operations = [{ op: 'replace', path: 'displayName', value: 'x' }];
      const id = await scim.createUser(newName());
      const data = { schemas, Operations };
      expectScimError(await scim.patch(`/Users/${id}`, data), 400, 'invalidSyntax');
      expectScimError(await scim.post('/.search', { schemas }), 400, 'invalidSyntax');
      const operation = { method: 'PATCH', path: `/Users/${id}`, data };
      const bulk = { schemas, Operations: [operation] };
      expectScimError(await scim.post('/Bulk', bulk), 400, 'invalidSyntax');
      const inside = await scim.post('/Bulk', { ...bulk, schemas: [BULK_REQUEST] });
      expect(inside.body.Operations).toMatchObject([{ status: '400' }]);
      expect((await scim.get(`/Users/${id}`)).body.displayName).not.toBe('x');
    });

    it.each([
      ['/Users', { schemas: [CORE_GROUP], userName: 'no-schemas@example.com' }],
      ['/Users', { schemas: ['urn:example:x'], userName: 'no-schemas@example.com' }],
      ['/Users', { schemas: [ENTERPRISE], userName: 'no-schemas@example.com' }],
      ['/Users', { schemas: [''], userName: 'no-schemas@example.com' }],
      ['/Groups', { schemas: [CORE_USER], displayName: 'No schemas' }],
    ])('must name that of the resource where they name any: POST %s %j is refused', async (path, body) => {
      expectScimError(await scim.post(path, body), 400, 'invalidValue');
    });

    it('grow and shrink with the extension attributes', async () => {
      const { body } = await scim.post('/Users', user());
      const path = `/Users/${body.id}`;
      const department = `${ENTERPRISE}:department`;
      const grown = await scim.patchOperations(path, { op: 'add', path: department, value: 'Ops' });
      expect(grown.body.schemas).toEqual([CORE_USER, ENTERPRISE]);
      const shrunk = await scim.patchOperations(path, { op: 'remove', path: department });
      expect(shrunk.body.schemas).toEqual([CORE_USER]);
    });
  });

  describe('§3.1, id', () => {
    it('is issued by the server, whatever the client says', async () => {
      const made = await scim.post('/Users', user({ id: NOBODY }));
      expect(made.status).toBe(201);
      expect(made.body.id).not.toBe(NOBODY);
      expectScimError(await scim.get(`/Users/${NOBODY}`), 404);
      const put = await scim.put(`/Users/${made.body.id}`, user({ id: NOBODY }));
      expect({ status: put.status, id: put.body.id }).toEqual({ status: 200, id: made.body.id });
    });

    it('is a non-empty string, unique over users and groups, without the word bulkId', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 10; n++) {
        ids.push((await scim.post('/Users', user())).body.id, (await scim.post('/Groups', group())).body.id);
      }
      expect(new Set(ids).size).toBe(20);
      for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9-]+$/);
      expect(ids.join()).not.toMatch(/bulkId/i);
    });

    it('stays the same through every change', async () => {
      const { body } = await scim.post('/Users', user());
      await scim.put(`/Users/${body.id}`, fullUser());
      await scim.setActive(body.id, false);
      await scim.setActive(body.id, true);
      expect((await scim.get(`/Users/${body.id}`)).body.id).toBe(body.id);
    });

    it('is never given out again', async () => {
      const userName = newName();
      const first = await scim.post('/Users', user({ userName }));
      await scim.delete(`/Users/${first.body.id}`);
      const second = await scim.post('/Users', user({ userName }));
      expect(second.status).toBe(201);
      expect(second.body.id).not.toBe(first.body.id);
    });

    it('of a user is no group, and the other way round', async () => {
      const { body: aUser } = await scim.post('/Users', user());
      const { body: aGroup } = await scim.post('/Groups', group());
      expectScimError(await scim.get(`/Groups/${aUser.id}`), 404);
      expectScimError(await scim.get(`/Users/${aGroup.id}`), 404);
    });

    it('compares with case in a filter', async () => {
      const { body } = await scim.post('/Users', user());
      const upper = body.id.toUpperCase();
      expect(upper).not.toBe(body.id);
      expectList(await scim.get(`/Users?filter=${encodeURIComponent(`id eq "${upper}"`)}`), 0);
      expectList(await scim.get(`/Users?filter=${encodeURIComponent(`id eq "${body.id}"`)}`), 1);
    });
  });

  describe('§3.1, externalId', () => {
    it('is the client’s, and compares with case', async () => {
      const upper = await scim.post('/Users', user({ externalId: 'Case-1' }));
      const lower = await scim.post('/Users', user({ externalId: 'case-1' }));
      expect([upper.status, lower.status]).toEqual([201, 201]);
      const [found] = expectList(await scim.get('/Users?filter=externalId%20eq%20%22case-1%22'), 1);
      expect(found).toEqual(lower.body);
    });

    it('may be the same of several users: whether it is unique is the client’s affair', async () => {
      const made = [user({ externalId: 'the-same' }), user({ externalId: 'the-same' })];
      const ids: string[] = [];
      for (const sent of made) ids.push((await scim.post('/Users', sent)).body.id);
      const third = await scim.createUser(newName());
      const change = { op: 'replace', path: 'externalId', value: 'the-same' };
      expect((await scim.patchOperations(`/Users/${third}`, change)).status).toBe(200);
      const found = expectList(await scim.get('/Users?filter=externalId%20eq%20%22the-same%22'), 3);
      expect(found.map(({ id }) => id).sort()).toEqual([...ids, third].sort());
    });

    it.each(['', '  ', '\t\n'])(
      'is unassigned where a client sends %j, by POST, PUT and PATCH',
      async (blank) => {
        for (const [endpoint, sample] of [
          ['/Users', user],
          ['/Groups', group],
        ] as const) {
          const { status, body } = await scim.post(endpoint, sample({ externalId: blank }));
          expect(status).toBe(201);
          expect(body).not.toHaveProperty('externalId');
          const path = `${endpoint}/${body.id}`;
          const named = { ...body, externalId: 'x' };
          expect((await scim.put(path, named)).body.externalId).toBe('x');
          expect((await scim.put(path, { ...named, externalId: blank })).body).not.toHaveProperty(
            'externalId',
          );
          await scim.put(path, named);
          await scim.patchOperations(path, { op: 'replace', path: 'externalId', value: blank });
          expect((await scim.get(path)).body).not.toHaveProperty('externalId');
          await scim.put(path, named);
          await scim.patchOperations(path, { op: 'add', value: { externalId: blank } });
          expect((await scim.get(path)).body).not.toHaveProperty('externalId');
        }
      },
    );

    it('of another client is another’s business', async () => {
      const other = await server.freshIntegration();
      const mine = await scim.post('/Users', user({ externalId: 'shared' }));
      const theirs = await other.scim.post('/Users', user({ externalId: 'shared' }));
      expect([mine.status, theirs.status]).toEqual([201, 201]);
    });

    it('of a group is kept, found and replaced', async () => {
      const { body } = await scim.post('/Groups', group({ externalId: 'g-1' }));
      const [found] = expectList(await scim.get('/Groups?filter=externalId%20eq%20%22g-1%22'), 1);
      expect(found).toMatchObject({ id: body.id, externalId: 'g-1' });
      await scim.patchOperations(`/Groups/${body.id}`, { op: 'replace', path: 'externalId', value: 'g-2' });
      expect((await scim.get(`/Groups/${body.id}`)).body.externalId).toBe('g-2');
      expectList(await scim.get('/Groups?filter=externalId%20eq%20%22g-1%22'), 0);
    });
  });

  describe.each([
    ['/Users', 'User', user],
    ['/Groups', 'Group', group],
  ] as const)('§3.1, meta of %s', (endpoint, resourceType, sample) => {
    let made: Resource;
    let location: string;

    beforeAll(async () => {
      const answer = await scim.post(endpoint, sample());
      made = answer.body;
      location = `${PUBLIC_URL}/scim/v2/${integration.id}${endpoint}/${made.id}`;
      expect(answer.headers.get('location')).toBe(location);
      expect(answer.headers.get('etag')).toBe(made.meta.version);
    });

    it('has resourceType, created, lastModified, location and version', () => {
      expect(made.meta).toEqual({
        resourceType,
        created: expect.stringMatching(XSD_DATE_TIME),
        lastModified: made.meta.created,
        location,
        version: expect.stringMatching(/^W\/".+"$/),
      });
      expect(Math.abs(Date.parse(made.meta.created) - Date.now())).toBeLessThan(60_000);
    });

    it('is ignored on input', async () => {
      const meta = {
        resourceType: 'Alien',
        created: '2001-01-01T00:00:00Z',
        lastModified: '2001-01-01T00:00:00Z',
        location: 'https://evil.example/',
        version: 'W/"x"',
      };
      const posted = await scim.post(endpoint, sample({ meta }));
      expect(posted.status).toBe(201);
      expect(posted.body.meta).toMatchObject({ resourceType });
      expect(posted.body.meta.created).not.toBe(meta.created);
      const put = await scim.put(`${endpoint}/${posted.body.id}`, sample({ meta }));
      expect(put.body.meta).toMatchObject({
        resourceType,
        created: posted.body.meta.created,
        location: posted.body.meta.location,
      });
      expect(put.body.meta.location).not.toBe(meta.location);
    });

    it('keeps created, and raises lastModified and version with a change', async () => {
      const { body: before } = await scim.post(endpoint, sample());
      await scim.patchOperations(`${endpoint}/${before.id}`, {
        op: 'replace',
        path: 'displayName',
        value: `Changed ${before.id}`,
      });
      const { body: after } = await scim.get(`${endpoint}/${before.id}`);
      expect(after.meta.created).toBe(before.meta.created);
      expect(Date.parse(after.meta.lastModified)).toBeGreaterThan(Date.parse(before.meta.lastModified));
      expect(after.meta.version).not.toBe(before.meta.version);
      expect(after.meta.location).toBe(before.meta.location);
    });

    it('stays as it is where a write changes nothing', async () => {
      const { body: before } = await scim.post(endpoint, sample({ displayName: `Same ${newName()}` }));
      const { status } = await scim.patchOperations(`${endpoint}/${before.id}`, {
        op: 'replace',
        path: 'displayName',
        value: before.displayName,
      });
      expect(status).toBeLessThan(300);
      expect((await scim.get(`${endpoint}/${before.id}`)).body.meta).toEqual(before.meta);
    });
  });
});
