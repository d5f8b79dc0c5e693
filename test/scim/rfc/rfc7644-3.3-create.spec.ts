import type { ScimClient } from '../../support/scim-client';
import { PUBLIC_URL, type TestIntegration } from '../../support/scimify';
import { sendExactly } from '../support/exact-request';
import { content, expectList, expectScimError, expectScimErrorOf, memberIds } from '../support/expectations';
import { fullUser, group, newName, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';

describe('RFC 7644 §3.3, creating resources', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;
  let scim: ScimClient;

  beforeAll(async () => {
    integration = await server.freshIntegration();
    ({ scim } = integration);
  });

  it.each([
    ['/Users', 'User', fullUser],
    ['/Groups', 'Group', () => group({ members: [] })],
  ] as const)(
    'POST %s is 201 with the whole resource, Location and ETag',
    async (endpoint, resourceType, sample) => {
      const sent = sample();
      const { status, headers, body } = await scim.post(endpoint, sent);
      expect({ status, body: content(body) }).toEqual({ status: 201, body: sent });
      expect(body.meta).toMatchObject({
        resourceType,
        location: `${PUBLIC_URL}/scim/v2/${integration.id}${endpoint}/${body.id}`,
      });
      expect(headers.get('location')).toBe(body.meta.location);
      expect(headers.get('etag')).toBe(body.meta.version);
      expect((await scim.get(`${endpoint}/${body.id}`)).body).toEqual(body);
    },
  );

  it('has addresses of the public URL, whatever Host and forwarded headers say', async () => {
    const answer = await sendExactly(server.scimify.url, {
      method: 'POST',
      target: `/scim/v2/${integration.id}/Users`,
      headers: {
        Authorization: `Bearer ${integration.scimKey}`,
        'Content-Type': 'application/scim+json',
        Host: 'evil.example',
        'X-Forwarded-Host': 'evil.example',
        'X-Forwarded-Proto': 'gopher',
        'X-Forwarded-Prefix': '/evil',
        Forwarded: 'host=evil.example;proto=gopher',
      },
      body: JSON.stringify(user()),
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(answer.body.meta.location);
    expect(answer.body.meta.location).toBe(`${PUBLIC_URL}/scim/v2/${integration.id}/Users/${answer.body.id}`);
  });

  it('ignores what is read-only', async () => {
    const { status, body } = await scim.post(
      '/Users',
      user({ id: 'mine', meta: { version: 'mine' }, groups: [{ value: 'mine', display: 'mine' }] }),
    );
    expect(status).toBe(201);
    expect(JSON.stringify(body)).not.toContain('mine');
  });

  it('shows as much of the resource as the client asks for', async () => {
    const some = await scim.post('/Users?attributes=userName', fullUser());
    expect(Object.keys(some.body).sort()).toEqual(['id', 'schemas', 'userName']);
    const most = await scim.post('/Users?excludedAttributes=emails,name', fullUser());
    expect(most.body).toHaveProperty('displayName');
    expect(most.body).not.toHaveProperty('emails');
    const ids = await scim.createUsers([newName(), newName()]);
    const members = ids.map((value) => ({ value }));
    const bare = await scim.post('/Groups?excludedAttributes=members', group({ members }));
    expect(bare.body).not.toHaveProperty('members');
    expect(memberIds(await scim.get(`/Groups/${bare.body.id}`))).toEqual(ids.sort());
  });

  it('lets only one of ten equal requests at once through', async () => {
    const sent = user();
    const answers = await Promise.all(Array.from({ length: 10 }, () => scim.post('/Users', sent)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(409)]);
    const groups = await Promise.all(
      Array.from({ length: 10 }, () => scim.post('/Groups', group({ displayName: 'Only one' }))),
    );
    expect(groups.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(409)]);
  });

  describe('§3.3.1, a user who is there already', () => {
    it.each([
      ['userName', { userName: 'taken@example.com' }],
      ['userName in another case', { userName: 'TAKEN@example.com' }],
      ['userName under another externalId', { userName: 'taken@example.com', externalId: 'other' }],
      ['both', { userName: 'taken@example.com', externalId: 'taken' }],
    ])('and active, by %s, is 409 uniqueness', async (_what, sent) => {
      await scim.post('/Users', user({ userName: 'taken@example.com', externalId: 'taken' }));
      const answer = await scim.post('/Users', user(sent));
      expectScimError(answer, 409, 'uniqueness');
    });

    it.each([
      ['userName', (userName: string) => ({ userName: userName.toUpperCase() })],
      ['both', (userName: string) => ({ userName, externalId: `00u-${userName}` })],
    ])(
      'and inactive, by %s, is revived with the old id and none of the old memberships',
      async (_what, sent) => {
        const userName = newName();
        const id = await scim.createUser(userName, { title: 'Before' });
        const groupId = await scim.createGroup(`Of ${userName}`, [id]);
        await scim.setActive(id, false);
        expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual([id]);

        const { status, headers, body } = await scim.post(
          '/Users',
          user({ ...sent(userName), nickName: 'After' }),
        );
        expect({ status, body }).toMatchObject({
          status: 201,
          body: { id, active: true, nickName: 'After' },
        });
        expect(body).not.toHaveProperty('title');
        expect(body).not.toHaveProperty('groups');
        expect(headers.get('location')).toBe(`${PUBLIC_URL}/scim/v2/${integration.id}/Users/${id}`);
        expect(headers.get('etag')).toBe(body.meta.version);
        expect((await scim.get(`/Users/${id}`)).body).toEqual(body);
        expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual([]);
      },
    );

    it('and inactive is a conflict when the request says active: false', async () => {
      const userName = newName();
      const id = await scim.createUser(userName);
      await scim.setActive(id, false);
      expectScimError(await scim.post('/Users', user({ userName, active: false })), 409, 'uniqueness');
      expect((await scim.get(`/Users/${id}`)).body.active).toBe(false);
    });

    it('and inactive is a conflict under another externalId: that is somebody else', async () => {
      const userName = newName();
      const id = await scim.createUser(userName);
      await scim.setActive(id, false);
      const answer = await scim.post('/Users', user({ userName, externalId: '00u-somebody-else' }));
      expectScimError(answer, 409, 'uniqueness');
      expect((await scim.get(`/Users/${id}`)).body.active).toBe(false);
    });

    it('by externalId alone is a new user, be the other one active or not', async () => {
      const userName = newName();
      const id = await scim.createUser(userName);
      for (const active of [true, false]) {
        await scim.setActive(id, active);
        const sent = user({ externalId: `00u-${userName}` });
        const { status, body } = await scim.post('/Users', sent);
        expect({ status, isNew: body.id !== id }).toEqual({ status: 201, isNew: true });
        expect((await scim.get(`/Users/${id}`)).body.active).toBe(active);
      }
    });

    it('and deleted is a new user', async () => {
      const userName = newName();
      const id = await scim.createUser(userName);
      await scim.delete(`/Users/${id}`);
      const { status, body } = await scim.post('/Users', user({ userName, externalId: `00u-${userName}` }));
      expect(status).toBe(201);
      expect(body.id).not.toBe(id);
    });
  });

  describe('a user who is reactivated by id', () => {
    async function leaver(): Promise<{ id: string; userName: string; groupId: string }> {
      const userName = newName();
      const id = await scim.createUser(userName);
      const groupId = await scim.createGroup(`Team of ${userName}`, [id]);
      await scim.setActive(id, false);
      return { id, userName, groupId };
    }

    it('keeps the memberships', async () => {
      const { id, userName, groupId } = await leaver();
      await scim.setActive(id, true);
      expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual([id]);
      await scim.setActive(id, false);
      const same = user({ userName, externalId: `00u-${userName}`, active: true });
      expect((await scim.put(`/Users/${id}`, same)).body.active).toBe(true);
      expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual([id]);
    });

    it('is another person under another externalId, and gets none of the memberships', async () => {
      const { id, userName, groupId } = await leaver();
      const other = user({ userName, externalId: `00u-other-${userName}`, active: true });
      expect((await scim.put(`/Users/${id}`, other)).body).toMatchObject({ id, active: true });
      expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual([]);

      const second = await leaver();
      await scim.patchOperations(`/Users/${second.id}`, {
        op: 'replace',
        value: { active: true, externalId: `00u-other-${second.userName}` },
      });
      expect(memberIds(await scim.get(`/Groups/${second.groupId}`))).toEqual([]);
    });
  });

  it('keeps nothing of a refused create', async () => {
    const userName = newName();
    expectScimError(
      await scim.post('/Users', user({ userName, emails: [{ value: 7 }] })),
      400,
      'invalidValue',
    );
    expectList(await scim.get(`/Users?filter=userName%20eq%20%22${userName}%22`), 0);
  });

  it.each([
    ['null', null],
    ['a list', '[]'],
    ['a string', '"user"'],
    ['a number', '7'],
    ['no JSON', '{"userName": '],
    ['two documents', '{}{}'],
    ['nothing', ''],
    ['a single quote', "{'userName': 'x'}"],
    ['NaN', '{"userName": NaN}'],
  ])('refuses a body that is %s as invalidSyntax', async (_what, body) => {
    for (const endpoint of ['/Users', '/Groups']) {
      const answer = await scim.post(endpoint, body === null ? 'null' : body);
      expectScimError(answer, 400, 'invalidSyntax');
    }
  });

  it('refuses keys that would reach into JavaScript, or ignores them', async () => {
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
      const body = JSON.stringify(user()).replace(/}$/, `,"${name}":{"title":"polluted","value":"x"}}`);
      const answer = await scim.post('/Users', body);
      if (answer.status === 201) expect(answer.body).not.toHaveProperty('title');
      else expectScimErrorOf(answer, [400], ['invalidSyntax', 'invalidValue']);
    }
    expect(({} as { title?: string }).title).toBeUndefined();
  });
});
