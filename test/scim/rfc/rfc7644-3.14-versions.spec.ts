import type { ScimClient } from '../../support/scim-client';
import { expectScimError, type Resource } from '../support/expectations';
import { group, newName, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { NOBODY } from '../support/urns';

describe('RFC 7644 §3.14, versions', () => {
  const server = serverOfThisFile();
  let scim: ScimClient;

  beforeAll(async () => {
    ({ scim } = await server.freshIntegration());
  });

  describe.each([
    ['/Users', user],
    ['/Groups', group],
  ] as const)('of %s', (endpoint, sample) => {
    let made: Resource;
    let path: string;
    let rename: { op: string; path: string; value: string };

    beforeEach(async () => {
      ({ body: made } = await scim.post(endpoint, sample({ displayName: `Version ${newName()}` })));
      path = `${endpoint}/${made.id}`;
      rename = { op: 'replace', path: 'displayName', value: `Renamed ${made.id}` };
    });

    const patch = (ifMatch: string) =>
      scim.patch(
        path,
        { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [rename] },
        { 'If-Match': ifMatch },
      );
    const put = (ifMatch: string) =>
      scim.put(path, { ...made, displayName: rename.value }, { 'If-Match': ifMatch });

    it('are an ETag on every answer with the resource, equal to meta.version', async () => {
      const answers = [
        await scim.get(path),
        await scim.put(path, { ...made, displayName: rename.value }),
        await scim.patchOperations(`${path}?attributes=meta`, {
          op: 'replace',
          path: 'externalId',
          value: newName(),
        }),
      ];
      for (const { status, headers, body } of answers) {
        expect(status).toBe(200);
        expect(headers.get('etag')).toBe(body.meta.version);
        expect(body.meta.version).toMatch(/^W\/"[^"]+"$/);
      }
      expect(new Set(answers.map(({ body }) => body.meta.version as string)).size).toBe(3);
    });

    it('let a write through that names the version of now', async () => {
      expect((await patch(made.meta.version)).status).toBeLessThan(300);
      const { body } = await scim.get(path);
      expect(body.displayName).toBe(rename.value);
      expect((await scim.put(path, made, { 'If-Match': body.meta.version })).status).toBe(200);
      const { headers } = await scim.get(path);
      expect((await scim.delete(path, { 'If-Match': headers.get('etag')! })).status).toBe(204);
    });

    it.each(['W/"stale"', '"stale"', 'W/"0"', 'W/"stale", W/"older"', 'stale', ''.padEnd(300, 'x')])(
      'refuse PUT, PATCH and DELETE for If-Match: %s with 412, and nothing changes',
      async (ifMatch) => {
        expectScimError(await patch(ifMatch), 412);
        expectScimError(await put(ifMatch), 412);
        expectScimError(await scim.delete(path, { 'If-Match': ifMatch }), 412);
        expect((await scim.get(path)).body).toEqual(made);
      },
    );

    it('let a write through for *, and for one of several that is right', async () => {
      expect((await patch('*')).status).toBeLessThan(300);
      const { body } = await scim.get(path);
      expect((await put(`W/"stale", ${body.meta.version}`)).status).toBe(200);
    });

    it('keep PUT, PATCH and DELETE from a resource that If-None-Match names, * above all, and nothing changes', async () => {
      for (const tag of ['*', made.meta.version, `W/"stale", ${made.meta.version}`] as string[]) {
        const headers = { 'If-None-Match': tag };
        expectScimError(await scim.put(path, { ...made, displayName: rename.value }, headers), 412);
        expectScimError(await scim.put(path, made, headers), 412);
        expectScimError(await scim.patch(path, { Operations: [rename] }, headers), 412);
        expectScimError(await scim.delete(path, headers), 412);
        expect((await scim.get(path)).body).toEqual(made);
      }
      const nobody = path.replace(made.id as string, NOBODY);
      expectScimError(await scim.put(nobody, made, { 'If-None-Match': '*' }), 404);
      const both = { 'If-Match': made.meta.version as string, 'If-None-Match': 'W/"stale"' };
      expect((await scim.put(path, { ...made, displayName: rename.value }, both)).status).toBe(200);
      expect((await scim.delete(path, { 'If-None-Match': made.meta.version as string })).status).toBe(204);
    });

    it('are not asked for: a write without If-Match goes through', async () => {
      expect((await scim.patchOperations(path, rename)).status).toBeLessThan(300);
      expect((await scim.delete(path)).status).toBe(204);
    });

    it('let one of two writers through who read the same', async () => {
      const answers = await Promise.all([
        patch(made.meta.version),
        put(made.meta.version),
        patch(made.meta.version),
      ]);
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status < 300).length).toBeGreaterThanOrEqual(1);
      for (const status of statuses) expect([200, 204, 412]).toContain(status);
      // All three write the same, so a later request either sees the change or is refused.
      expect((await scim.get(path)).body.displayName).toBe(rename.value);
    });

    it('answer 304 without a body to If-None-Match of the version of now', async () => {
      for (const query of ['?attributes=displayName', '?excludedAttributes=groups,members']) {
        for (const tag of [made.meta.version, '*', `W/"stale", ${made.meta.version}`] as string[]) {
          const answer = await scim.get(path + query, { 'If-None-Match': tag });
          expect({ query, tag, status: answer.status, body: answer.body }).toEqual({
            query,
            tag,
            status: 304,
            body: '',
          });
          expect(answer.headers.get('etag')).toBe(made.meta.version);
        }
      }
    });

    it('answer the resource to If-None-Match of another version', async () => {
      const answer = await scim.get(`${path}?excludedAttributes=groups,members`, {
        'If-None-Match': 'W/"stale"',
      });
      expect(answer).toMatchObject({ status: 200, body: { id: made.id } });
      await scim.patchOperations(path, rename);
      const changed = await scim.get(`${path}?attributes=displayName`, {
        'If-None-Match': made.meta.version,
      });
      expect(changed).toMatchObject({ status: 200, body: { displayName: rename.value } });
    });
  });

  it('of a group cover its members', async () => {
    const id = await scim.createUser(newName());
    const { body: before } = await scim.post('/Groups', group());
    await scim.addMembers(before.id, id);
    const { body: joined } = await scim.get(`/Groups/${before.id}`);
    expect(joined.meta.version).not.toBe(before.meta.version);
    await scim.addMembers(before.id, id);
    expect((await scim.get(`/Groups/${before.id}`)).body.meta).toEqual(joined.meta);
    await scim.removeMembers(before.id, id);
    expect((await scim.get(`/Groups/${before.id}`)).body.meta.version).not.toBe(joined.meta.version);
  });

  it('never hide what is derived: groups of a user, display of a member', async () => {
    const { body: ada } = await scim.post('/Users', user({ displayName: 'Ada' }));
    const groupId = await scim.createGroup(`Derived ${ada.id}`, [ada.id]);
    const joined = await scim.get(`/Users/${ada.id}`, { 'If-None-Match': ada.meta.version });
    expect(joined).toMatchObject({ status: 200, body: { groups: [{ value: groupId }] } });

    const { body: team } = await scim.get(`/Groups/${groupId}`);
    await scim.patchOperations(`/Users/${ada.id}`, { op: 'replace', path: 'displayName', value: 'Ada B' });
    const renamed = await scim.get(`/Groups/${groupId}`, { 'If-None-Match': team.meta.version });
    expect(renamed).toMatchObject({ status: 200, body: { members: [{ display: 'Ada B' }] } });

    const { body: user2 } = await scim.get(`/Users/${ada.id}`);
    await scim.renameGroup(groupId, `Renamed ${ada.id}`);
    const seen = await scim.get(`/Users/${ada.id}`, { 'If-None-Match': user2.meta.version });
    expect(seen).toMatchObject({ status: 200, body: { groups: [{ display: `Renamed ${ada.id}` }] } });
  });
});
