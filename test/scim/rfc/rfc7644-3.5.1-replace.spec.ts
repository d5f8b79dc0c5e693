import type { ScimClient } from '../../support/scim-client';
import { content, expectList, expectScimError, memberIds, type Resource } from '../support/expectations';
import { fullUser, group, newName, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { CORE_GROUP, CORE_USER, ENTERPRISE, NOBODY } from '../support/urns';

describe('RFC 7644 §3.5.1, replacing with PUT', () => {
  const server = serverOfThisFile();
  let scim: ScimClient;

  beforeAll(async () => {
    ({ scim } = await server.freshIntegration());
  });

  it('never creates', async () => {
    const userName = newName();
    expectScimError(await scim.put(`/Users/${NOBODY}`, user({ userName })), 404);
    expectScimError(await scim.put(`/Groups/${NOBODY}`, group()), 404);
    expectScimError(await scim.put('/Users/not-a-uuid', user({ userName })), 404);
    expectList(await scim.get(`/Users?filter=userName%20eq%20%22${userName}%22`), 0);
    expectScimError(await scim.get(`/Users/${NOBODY}`), 404);
  });

  it('is 200 with the resource as it is now, and its new ETag', async () => {
    const { body: before } = await scim.post('/Users', user());
    const sent = fullUser();
    const { status, headers, body } = await scim.put(`/Users/${before.id}`, sent);
    expect({ status, body: content(body) }).toEqual({ status: 200, body: sent });
    expect(headers.get('etag')).toBe(body.meta.version);
    expect(body.meta.version).not.toBe(before.meta.version);
    expect((await scim.get(`/Users/${before.id}`)).body).toEqual(body);
  });

  it('clears what it does not mention, but for active and emails', async () => {
    const { body: before } = await scim.post('/Users', fullUser({ active: false }));
    const { status, body } = await scim.put(`/Users/${before.id}`, user({ userName: before.userName }));
    expect({ status, body: content(body) }).toEqual({
      status: 200,
      body: { schemas: [CORE_USER], userName: before.userName, active: false, emails: before.emails },
    });
    expectList(await scim.get(`/Users?filter=externalId%20eq%20%22${before.externalId}%22`), 0);
  });

  it.each([null, undefined])('keeps active and emails where they are %j', async (nothing) => {
    const { body: before } = await scim.post('/Users', fullUser({ active: false }));
    const { body } = await scim.put(
      `/Users/${before.id}`,
      user({ userName: before.userName, active: nothing, emails: nothing }),
    );
    expect(body).toMatchObject({ active: false, emails: before.emails });
  });

  it('empties emails with [] and deactivates with false', async () => {
    const { body: before } = await scim.post('/Users', fullUser());
    const { body } = await scim.put(
      `/Users/${before.id}`,
      user({ userName: before.userName, active: false, emails: [] }),
    );
    expect(body.active).toBe(false);
    expect(body).not.toHaveProperty('emails');
  });

  it('replaces multi-valued and complex attributes whole', async () => {
    const { body: before } = await scim.post('/Users', fullUser());
    const { body } = await scim.put(
      `/Users/${before.id}`,
      user({
        userName: before.userName,
        name: { givenName: 'Only' },
        emails: [{ value: 'only@example.com' }],
        [ENTERPRISE]: { department: 'Only' },
      }),
    );
    expect(body.name).toEqual({ givenName: 'Only' });
    expect(body.emails).toEqual([{ value: 'only@example.com' }]);
    expect(body[ENTERPRISE]).toEqual({ department: 'Only' });
  });

  it('ignores what is read-only, also when it is wrong', async () => {
    const { body: before } = await scim.post('/Users', user());
    const groupId = await scim.createGroup('Read-only', [before.id]);
    const { status, body } = await scim.put(
      `/Users/${before.id}`,
      user({
        userName: before.userName,
        id: 42,
        meta: 'nonsense',
        groups: 'nonsense',
        title: 'Changed',
      }),
    );
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { id: before.id, title: 'Changed', groups: [{ value: groupId }] },
    });
    expect(body.meta.created).toBe(before.meta.created);
  });

  it('of what GET answered changes nothing', async () => {
    for (const [endpoint, sample] of [
      ['/Users', fullUser()],
      ['/Groups', group({ members: [{ value: await scim.createUser(newName()) }] })],
    ] as const) {
      const { body: made } = await scim.post(endpoint, sample);
      const { body: read } = await scim.get(`${endpoint}/${made.id}`);
      const answer = await scim.put(`${endpoint}/${made.id}`, read);
      expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: read });
    }
  });

  it('refuses what a POST would refuse, and leaves the resource as it is', async () => {
    const { body: before } = await scim.post('/Users', fullUser());
    const taken = await scim.createUser(newName());
    const { body: holder } = await scim.get(`/Users/${taken}`);
    const refused: [object, number, string][] = [
      [{ schemas: [CORE_USER] }, 400, 'invalidValue'],
      [user({ schemas: [CORE_GROUP], userName: before.userName }), 400, 'invalidValue'],
      [user({ userName: '' }), 400, 'invalidValue'],
      [user({ userName: holder.userName }), 409, 'uniqueness'],
      [user({ userName: before.userName, active: 'maybe' }), 400, 'invalidValue'],
      [user({ userName: before.userName, emails: 7 }), 400, 'invalidValue'],
      [[], 400, 'invalidSyntax'],
    ];
    for (const [body, status, scimType] of refused) {
      expectScimError(await scim.put(`/Users/${before.id}`, body), status, scimType);
    }
    expect((await scim.get(`/Users/${before.id}`)).body).toEqual(before);
  });

  describe('of a group', () => {
    let ids: string[];
    let made: Resource;

    beforeEach(async () => {
      ids = (await scim.createUsers([newName(), newName(), newName()])).sort();
      ({ body: made } = await scim.post(
        '/Groups',
        group({ members: ids.slice(0, 2).map((value) => ({ value })) }),
      ));
    });

    it('replaces the list of members', async () => {
      const { displayName } = made;
      const answer = await scim.put(
        `/Groups/${made.id}`,
        group({ displayName, members: [{ value: ids[1] }, { value: ids[2] }] }),
      );
      expect({ status: answer.status, members: memberIds(answer) }).toEqual({
        status: 200,
        members: ids.slice(1),
      });
      expect(memberIds(await scim.get(`/Groups/${made.id}`))).toEqual(ids.slice(1));
    });

    it.each([undefined, null])('keeps the members where they are %j, as in a rename', async (members) => {
      const answer = await scim.put(
        `/Groups/${made.id}`,
        group({ displayName: `Renamed ${made.id}`, members }),
      );
      expect({ status: answer.status, members: memberIds(answer) }).toEqual({
        status: 200,
        members: ids.slice(0, 2),
      });
    });

    it('empties the list with []', async () => {
      const answer = await scim.put(
        `/Groups/${made.id}`,
        group({ displayName: made.displayName, members: [] }),
      );
      expect({ status: answer.status, members: memberIds(answer) }).toEqual({ status: 200, members: [] });
    });

    it.each(
      [
        '',
        'x',
        7,
        true,
        [null],
        ['x'],
        [7],
        [[]],
        [{}],
        [{ value: null }],
        [{ value: 7 }],
        [{ value: '' }],
        [{ display: 'x' }],
      ].map((members) => [members]),
    )('refuses the members %j and keeps those who are there', async (members) => {
      expectScimError(
        await scim.put(`/Groups/${made.id}`, group({ displayName: made.displayName, members })),
        400,
        'invalidValue',
      );
      expect((await scim.get(`/Groups/${made.id}`)).body).toEqual(made);
    });
  });
});
