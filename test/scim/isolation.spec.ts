import type { ScimClient } from '../support/scim-client';
import type { TestIntegration } from '../support/scimify';
import { expectList, expectScimError, memberIds, type Resource } from './support/expectations';
import { serverOfThisFile } from './support/server';
import { BULK_REQUEST, CORE_GROUP, CORE_USER, ENTERPRISE, PATCH_OP, SEARCH_REQUEST } from './support/urns';

const NAMES = ['ada', 'bo', 'cy', 'di', 'ed'];

interface Side {
  integration: TestIntegration;
  scim: ScimClient;
  users: string[];
  groups: string[];
}

describe('two integrations with the same users and groups', () => {
  const server = serverOfThisFile();
  let tenantId: string;

  beforeAll(async () => {
    tenantId = await server.scimify.createTenant('Twins');
  });

  /** The same content every time. */
  async function makeSide(integration: TestIntegration): Promise<Side> {
    const { scim } = integration;
    const users: string[] = [];
    for (const name of NAMES) {
      const { body } = await scim.post('/Users', {
        schemas: [CORE_USER],
        userName: `${name}@example.com`,
        externalId: `ext-${name}`,
        displayName: name,
        emails: [{ value: `${name}@example.com`, type: 'work' }],
        [ENTERPRISE]: { department: 'Ops' },
      });
      users.push(body.id as string);
    }
    const groups: string[] = [];
    for (const displayName of ['Platform', 'Database']) {
      const members = users.slice(0, 3).map((value) => ({ value }));
      const { body } = await scim.post('/Groups', {
        schemas: [CORE_GROUP],
        displayName,
        externalId: `ext-${displayName}`,
        members,
      });
      groups.push(body.id as string);
    }
    return { integration, scim, users, groups };
  }

  /** Everything of a side that only this side should be able to change. */
  async function snapshot({ scim }: Side): Promise<unknown> {
    return [(await scim.get('/Users?count=200')).body, (await scim.get('/Groups?count=200')).body];
  }

  describe.each([
    ['of one tenant', () => tenantId],
    ['of two tenants', () => undefined],
  ])('%s', (_whose, tenantOf) => {
    let mine: Side;
    let theirs: Side;
    let before: unknown;

    beforeAll(async () => {
      mine = await makeSide(await server.freshIntegration(tenantOf()));
      theirs = await makeSide(await server.freshIntegration(tenantOf()));
      before = await snapshot(theirs);
    });

    afterEach(async () => {
      expect(await snapshot(theirs)).toEqual(before);
    });

    /** The answer contains my resources, and nothing of theirs. */
    function expectMine(body: unknown): void {
      const text = JSON.stringify(body);
      for (const id of [...theirs.users, ...theirs.groups, theirs.integration.id])
        expect(text).not.toContain(id);
    }

    it('take the same names and external ids side by side', () => {
      expect(new Set([...mine.users, ...theirs.users, ...mine.groups, ...theirs.groups]).size).toBe(14);
    });

    it.each([
      '/Users',
      '/Groups',
      '/Users?filter=userName%20eq%20%22ada%40example.com%22',
      '/Users?filter=externalId%20eq%20%22ext-bo%22',
      '/Users?filter=emails%20co%20%22example%22',
      '/Users?filter=active%20eq%20true%20or%20userName%20pr',
      '/Users?filter=not%20(userName%20eq%20%22x%22)',
      '/Users?filter=groups%20pr',
      '/Users?filter=groups.display%20eq%20%22Platform%22',
      `/Users?filter=${encodeURIComponent(`${ENTERPRISE}:department eq "Ops"`)}`,
      '/Users?filter=meta.created%20gt%20%222001-01-01T00:00:00Z%22',
      '/Users?sortBy=userName',
      '/Users?sortBy=emails.value&sortOrder=descending',
      '/Users?startIndex=2&count=2',
      '/Users?cursor=&count=200',
      '/Groups?filter=displayName%20eq%20%22platform%22',
      '/Groups?filter=members%20pr',
      '/Groups?filter=members.display%20eq%20%22ada%22',
      '/Groups?sortBy=displayName',
      '/Groups?cursor=&count=200',
      '/Groups?attributes=members.value',
    ])('GET %s shows mine alone', async (path) => {
      const answer = await mine.scim.get(path);
      const resources = expectList(answer);
      expect(resources.length).toBeGreaterThan(0);
      for (const { id } of resources) expect([...mine.users, ...mine.groups]).toContain(id);
      if (answer.body.totalResults !== undefined) expect(answer.body.totalResults).toBeLessThanOrEqual(5);
      expectMine(answer.body);
    });

    it.each<[what: string, filter: (theirs: Side) => string, path: string]>([
      ['id', ({ users }) => `id eq "${users[0]}"`, '/Users'],
      ['id among others', ({ users }) => `userName eq "zed" or id eq "${users[0]}"`, '/Users'],
      ['group', ({ groups }) => `groups eq "${groups[0]}"`, '/Users'],
      ['group and a scan', ({ groups }) => `displayName pr and groups[value eq "${groups[0]}"]`, '/Users'],
      ['location', ({ users }) => `meta.location co "${users[0]}"`, '/Users'],
      ['id', ({ groups }) => `id eq "${groups[0]}"`, '/Groups'],
      ['member', ({ users }) => `members eq "${users[0]}"`, '/Groups'],
      ['member in brackets', ({ users }) => `members[value eq "${users[0]}"]`, '/Groups'],
      ['member by its address', ({ users }) => `members.$ref co "${users[0]}"`, '/Groups'],
    ])('a filter by their %s finds nothing in mine', async (_what, filter, path) => {
      const text = filter(theirs);
      expectList(await mine.scim.get(`${path}?filter=${encodeURIComponent(text)}`), 0);
      const search = { schemas: [SEARCH_REQUEST], filter: text };
      expectList(await mine.scim.post(`${path}/.search`, search), 0);
      expectList(await mine.scim.post('/.search', search), 0);
    });

    it('a search over everything shows mine alone', async () => {
      const answer = await mine.scim.post('/.search', { schemas: [SEARCH_REQUEST], count: 200 });
      expect(expectList(answer, 7)).toHaveLength(7);
      expectMine(answer.body);
    });

    it('their ids are 404 for every method', async () => {
      for (const [path, more] of [
        [`/Users/${theirs.users[0]}`, { schemas: [CORE_USER], userName: 'new@example.com' }],
        [`/Groups/${theirs.groups[0]}`, { schemas: [CORE_GROUP], displayName: 'New', members: [] }],
      ] as const) {
        const patch = {
          schemas: [PATCH_OP],
          Operations: [{ op: 'replace', path: 'displayName', value: 'Mine now' }],
        };
        expectScimError(await mine.scim.get(path), 404);
        expectScimError(await mine.scim.get(`${path}?attributes=id`, { 'If-None-Match': '*' }), 404);
        expectScimError(await mine.scim.put(path, more), 404);
        expectScimError(await mine.scim.patch(path, patch), 404);
        expectScimError(await mine.scim.delete(path), 404);
        for (const method of ['put', 'patch'] as const) {
          const body = method === 'put' ? more : patch;
          const answer = await mine.scim[method](path, body, { 'If-Match': '*' });
          expect([404, 412]).toContain(answer.status);
        }
      }
    });

    it('their users cannot be members of my groups', async () => {
      const stranger = theirs.users[4]!;
      const path = `/Groups/${mine.groups[0]}`;
      const members = [{ value: mine.users[0] }, { value: stranger }];
      const answers = [
        await mine.scim.post('/Groups', { schemas: [CORE_GROUP], displayName: 'Mixed', members }),
        await mine.scim.put(path, { schemas: [CORE_GROUP], displayName: 'Platform', members }),
        await mine.scim.addMembers(mine.groups[0]!, stranger),
        await mine.scim.patchOperations(path, { op: 'replace', path: 'members', value: members }),
        await mine.scim.patchOperations(path, { op: 'replace', value: { members } }),
      ];
      for (const answer of answers) {
        expectScimError(answer, 400, 'invalidValue');
        expect(answer.body.detail).toContain(stranger);
      }
      expect(memberIds(await mine.scim.get(path))).toEqual(mine.users.slice(0, 3).sort());
    });

    it('their members are not removed from their group through mine', async () => {
      expect((await mine.scim.removeMembers(mine.groups[0]!, theirs.users[0]!)).status).toBe(204);
      const byPath = { op: 'remove', path: `members[value eq "${theirs.users[0]}" or display eq "nobody"]` };
      expect((await mine.scim.patchOperations(`/Groups/${mine.groups[0]}`, byPath)).status).toBe(204);
      expect(memberIds(await mine.scim.get(`/Groups/${mine.groups[0]}`))).toEqual(
        mine.users.slice(0, 3).sort(),
      );
    });

    it('their resources are out of reach of a bulk request, by path and by reference', async () => {
      const { body } = await mine.scim.post('/Bulk', {
        schemas: [BULK_REQUEST],
        Operations: [
          { method: 'DELETE', path: `/Users/${theirs.users[0]}` },
          { method: 'DELETE', path: `/Groups/${theirs.groups[0]}` },
          { method: 'PUT', path: `/Users/${theirs.users[0]}`, data: { schemas: [CORE_USER], userName: 'x' } },
          {
            method: 'PATCH',
            path: `/Groups/${theirs.groups[0]}`,
            data: { schemas: [PATCH_OP], Operations: [{ op: 'remove', path: 'members' }] },
          },
          {
            method: 'PATCH',
            path: `/Groups/${mine.groups[0]}`,
            data: {
              schemas: [PATCH_OP],
              Operations: [{ op: 'add', path: 'members', value: [{ value: theirs.users[4] }] }],
            },
          },
          { method: 'DELETE', path: `/scim/v2/${theirs.integration.id}/Users/${theirs.users[0]}` },
          { method: 'DELETE', path: `/../${theirs.integration.id}/Users/${theirs.users[0]}` },
          {
            method: 'DELETE',
            path: `https://scimify.example/scim/v2/${theirs.integration.id}/Users/${theirs.users[0]}`,
          },
        ],
      });
      const statuses = (body.Operations as Resource[]).map(({ status }) => status as string);
      expect(statuses.slice(0, 5)).toEqual(['404', '404', '404', '404', '400']);
      for (const status of statuses.slice(5)) expect(status).toMatch(/^4\d\d$/);
      expect(memberIds(await mine.scim.get(`/Groups/${mine.groups[0]}`))).toEqual(
        mine.users.slice(0, 3).sort(),
      );
    });

    it('their cursors are refused in mine', async () => {
      for (const path of ['/Users', '/Groups', '/Users?sortBy=userName']) {
        const separator = path.includes('?') ? '&' : '?';
        const { body } = await theirs.scim.get(`${path}${separator}cursor=&count=1`);
        const answer = await mine.scim.get(`${path}${separator}count=1&cursor=${body.nextCursor}`);
        expectScimError(answer, 400, 'invalidCursor');
      }
    });

    it('the same name is a conflict within mine only, and an inactive twin of theirs is not revived', async () => {
      const answer = await mine.scim.post('/Users', { schemas: [CORE_USER], userName: 'ADA@example.com' });
      expectScimError(answer, 409, 'uniqueness');
      expectMine(answer.body);
      const other = await server.freshIntegration(tenantOf());
      const idle = await other.scim.createUser('idle@example.com');
      await other.scim.setActive(idle, false);
      const made = await mine.scim.post('/Users', {
        schemas: [CORE_USER],
        userName: 'idle@example.com',
        externalId: '00u-idle@example.com',
      });
      expect(made.status).toBe(201);
      expect(made.body.id).not.toBe(idle);
      expect((await other.scim.get(`/Users/${idle}`)).body.active).toBe(false);
      await mine.scim.delete(`/Users/${made.body.id}`);
    });

    it('their key does not open mine, nor my key theirs', async () => {
      const crossed = server.scimify.scimWith(mine.integration.id, theirs.integration.scimKey);
      expectScimError(await crossed.get('/Users'), 401);
      expectScimError(await crossed.post('/Users', { schemas: [CORE_USER], userName: 'x' }), 401);
      const otherWay = server.scimify.scimWith(theirs.integration.id, mine.integration.scimKey);
      expectScimError(await otherWay.delete(`/Users/${theirs.users[0]}`), 401);
    });
  });
});
