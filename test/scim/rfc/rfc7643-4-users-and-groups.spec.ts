import type { ScimClient } from '../../support/scim-client';
import { PUBLIC_URL, type TestIntegration } from '../../support/scimify';
import {
  expectList,
  expectScimError,
  expectScimErrorOf,
  memberIds,
  type Resource,
} from '../support/expectations';
import { fullUser, group, newName, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { ENTERPRISE, NOBODY } from '../support/urns';

describe('RFC 7643 §4, users and groups', () => {
  const server = serverOfThisFile();
  let integration: TestIntegration;
  let scim: ScimClient;

  beforeAll(async () => {
    integration = await server.freshIntegration();
    ({ scim } = integration);
  });

  describe('§4.1.1, userName', () => {
    it.each([undefined, null, '', '   ', 42, {}, []])('may not be %j', async (userName) => {
      expectScimError(await scim.post('/Users', user({ userName })), 400, 'invalidValue');
      const id = await scim.createUser(newName());
      expectScimError(await scim.put(`/Users/${id}`, user({ userName })), 400, 'invalidValue');
    });

    it('cannot be taken away by PATCH', async () => {
      const userName = newName();
      const id = await scim.createUser(userName);
      expectScimError(
        await scim.patchOperations(`/Users/${id}`, { op: 'remove', path: 'userName' }),
        400,
        'mutability',
      );
      for (const value of ['', null]) {
        expectScimErrorOf(
          await scim.patchOperations(`/Users/${id}`, { op: 'replace', path: 'userName', value }),
          [400],
          ['mutability', 'invalidValue'],
        );
      }
      expect((await scim.get(`/Users/${id}`)).body.userName).toBe(userName);
    });

    it.each([
      ['the same', 'ida@example.com', 'ida@example.com'],
      ['another case', 'ivy@example.com', 'IVY@Example.COM'],
      ['another case beyond ASCII', 'éric@example.com', 'ÉRIC@example.com'],
      ['another normal form of Unicode', 'zoe\u0301@example.com', 'zo\u00e9@example.com'],
    ])('is unique: %s is a conflict in POST, PUT and PATCH', async (_what, taken, wanted) => {
      const holder = await scim.createUser(taken, { externalId: null });
      expectScimError(await scim.post('/Users', user({ userName: wanted })), 409, 'uniqueness');
      const id = await scim.createUser(newName());
      expectScimError(await scim.put(`/Users/${id}`, user({ userName: wanted })), 409, 'uniqueness');
      expectScimError(
        await scim.patchOperations(`/Users/${id}`, { op: 'replace', path: 'userName', value: wanted }),
        409,
        'uniqueness',
      );
      expect((await scim.get(`/Users/${holder}`)).body.userName).toBe(taken);
    });

    it('may change its case, and is answered as it was sent', async () => {
      const id = await scim.createUser('cased@example.com');
      const answer = await scim.patchOperations(`/Users/${id}`, {
        op: 'replace',
        path: 'userName',
        value: 'CaseD@example.com',
      });
      expect(answer).toMatchObject({ status: 200, body: { userName: 'CaseD@example.com' } });
    });

    it('that differs in an accent is another', async () => {
      const answers = [
        await scim.post('/Users', user({ userName: 'rene@example.com' })),
        await scim.post('/Users', user({ userName: 'rené@example.com' })),
        await scim.post('/Users', user({ userName: 'strasse@example.com' })),
        await scim.post('/Users', user({ userName: 'straße@example.com' })),
        await scim.post('/Users', user({ userName: 'trailing@example.com' })),
        await scim.post('/Users', user({ userName: 'trailing@example.com ' })),
      ];
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201, 201]);
    });
  });

  describe('§4.1.1 and §9.2, password', () => {
    const password = 'correct horse battery staple 7!';
    let id: string;

    it('is accepted and never answered', async () => {
      const userName = newName();
      const posted = await scim.post('/Users', user({ userName, password }));
      id = posted.body.id;
      const answers = [
        posted,
        await scim.put(`/Users/${id}`, user({ userName, password: `${password}2` })),
        await scim.patchOperations(`/Users/${id}`, { op: 'replace', value: { password: `${password}3` } }),
        await scim.patchOperations(`/Users/${id}`, { op: 'add', path: 'password', value: `${password}4` }),
        await scim.get(`/Users/${id}`),
        await scim.get(`/Users/${id}?attributes=password`),
        await scim.get('/Users?attributes=password,userName'),
      ];
      expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200, 200, 200, 200]);
      for (const { body } of answers) expect(JSON.stringify(body)).not.toMatch(/password|battery/i);
    });

    it.each([`password eq ${JSON.stringify(password)}`, 'password sw "correct"', 'password pr'])(
      'cannot be found by the filter %s',
      async (filter) => {
        const answer = await scim.get(`/Users?filter=${encodeURIComponent(filter)}`);
        if (answer.status === 200) expectList(answer, 0);
        else expectScimErrorOf(answer, [400, 403], ['invalidFilter', 'sensitive']);
      },
    );

    it('is not in what a refusal says', async () => {
      for (const answer of [
        await scim.post('/Users', user({ password: { secret: 'hunter2' } })),
        await scim.post('/Users', user({ password: `hunter2${'x'.repeat(10_000)}` })),
        await scim.patchOperations(`/Users/${id}`, {
          op: 'replace',
          path: 'password',
          value: ['hunter2', 'x'],
        }),
        await scim.patchOperations(`/Users/${id}`, { op: 'replace', path: 'password.hunter2', value: 'x' }),
      ]) {
        expect(answer.status).toBe(400);
        if (!JSON.stringify(answer.body).includes('password.hunter2')) {
          expect(JSON.stringify(answer.body)).not.toContain('hunter2');
        }
      }
    });
  });

  describe('§4.1.1, active', () => {
    it('is true unless it is said to be false', async () => {
      expect((await scim.post('/Users', user())).body.active).toBe(true);
      expect((await scim.post('/Users', user({ active: null }))).body.active).toBe(true);
      const inactive = await scim.post('/Users', user({ active: false }));
      expect(inactive).toMatchObject({ status: 201, body: { active: false } });
    });

    it('is always answered, false too, and the user stays readable and listed', async () => {
      const userName = newName();
      const id = await scim.createUser(userName);
      expect((await scim.setActive(id, false)).body.active).toBe(false);
      expect((await scim.get(`/Users/${id}`)).body.active).toBe(false);
      const [listed] = expectList(await scim.get(`/Users?filter=userName%20eq%20%22${userName}%22`), 1);
      expect(listed).toMatchObject({ id, active: false });
    });
  });

  describe('§4.1.2, groups of a user', () => {
    it('are derived from the groups, with value, $ref, display and type', async () => {
      const id = await scim.createUser(newName());
      const groupId = await scim.createGroup('Derived', [id]);
      expect((await scim.get(`/Users/${id}`)).body.groups).toEqual([
        {
          value: groupId,
          $ref: `${PUBLIC_URL}/scim/v2/${integration.id}/Groups/${groupId}`,
          display: 'Derived',
          type: 'direct',
        },
      ]);
      await scim.renameGroup(groupId, 'Derived anew');
      expect((await scim.get(`/Users/${id}`)).body.groups[0].display).toBe('Derived anew');
      await scim.delete(`/Groups/${groupId}`);
      expect((await scim.get(`/Users/${id}`)).body).not.toHaveProperty('groups');
    });

    it('are read-only: POST and PUT ignore them, PATCH by name is refused', async () => {
      const groupId = await scim.createGroup('Not by the user');
      const posted = await scim.post('/Users', user({ groups: [{ value: groupId }] }));
      expect(posted.status).toBe(201);
      const path = `/Users/${posted.body.id}`;
      expect((await scim.put(path, user({ groups: [{ value: groupId }] }))).status).toBe(200);
      for (const operation of [
        { op: 'add', path: 'groups', value: [{ value: groupId }] },
        { op: 'replace', path: 'groups', value: [] },
        { op: 'remove', path: 'groups' },
        { op: 'remove', path: `groups[value eq "${groupId}"]` },
      ]) {
        expectScimError(await scim.patchOperations(path, operation), 400, 'mutability');
      }
      expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual([]);
      expect((await scim.get(path)).body).not.toHaveProperty('groups');
    });
  });

  describe('§4.3, the enterprise extension', () => {
    it('does not let a client name the manager’s displayName', async () => {
      const { body } = await scim.post(
        '/Users',
        user({ [ENTERPRISE]: { manager: { value: '26118915', displayName: 'The Boss' } } }),
      );
      expect(body[ENTERPRISE].manager.value).toBe('26118915');
      expect(body[ENTERPRISE].manager.displayName).not.toBe('The Boss');
      expectScimError(
        await scim.patchOperations(`/Users/${body.id}`, {
          op: 'replace',
          path: `${ENTERPRISE}:manager.displayName`,
          value: 'The Boss',
        }),
        400,
        'mutability',
      );
    });
  });

  describe('§4.2, groups', () => {
    it.each([undefined, null, '', '  ', 42, {}])('may not be called %j', async (displayName) => {
      expectScimError(await scim.post('/Groups', group({ displayName })), 400, 'invalidValue');
    });

    it.each([
      ['the same', 'Platform On-call', 'Platform On-call'],
      ['another case', 'Ops', 'OPS'],
      ['spaces around', 'Database', '  Database '],
      ['more spaces inside', 'Data Centre', 'Data   Centre'],
      ['another case beyond ASCII', 'Équipe', 'ÉQUIPE'],
    ])('have a name of their own: %s is a conflict in POST, PUT and PATCH', async (_what, taken, wanted) => {
      await scim.createGroup(taken);
      expectScimError(await scim.post('/Groups', group({ displayName: wanted })), 409, 'uniqueness');
      const { body } = await scim.post('/Groups', group());
      expectScimError(
        await scim.put(`/Groups/${body.id}`, group({ displayName: wanted })),
        409,
        'uniqueness',
      );
      expectScimError(await scim.renameGroup(body.id, wanted), 409, 'uniqueness');
      expect((await scim.get(`/Groups/${body.id}`)).body.displayName).toBe(body.displayName);
    });

    it('keep their name as it was sent', async () => {
      const displayName = '  Träger "A" & B/C  ';
      const { body } = await scim.post('/Groups', group({ displayName }));
      expect((await scim.get(`/Groups/${body.id}`)).body.displayName).toBe(displayName);
    });

    it('show members with value, $ref, type and the user’s display name of now', async () => {
      const id = await scim.createUser(newName(), { displayName: 'Ada' });
      const groupId = await scim.createGroup('Shown', [id]);
      const shown = { value: id, $ref: `${PUBLIC_URL}/scim/v2/${integration.id}/Users/${id}`, type: 'User' };
      expect((await scim.get(`/Groups/${groupId}`)).body.members).toEqual([{ ...shown, display: 'Ada' }]);
      await scim.patchOperations(`/Users/${id}`, { op: 'replace', path: 'displayName', value: 'Ada B' });
      expect((await scim.get(`/Groups/${groupId}`)).body.members).toEqual([{ ...shown, display: 'Ada B' }]);
    });

    it('show an empty list where nobody is in them, unless members are left out', async () => {
      const displayName = `Nobody in it ${newName()}`;
      const made = await scim.post('/Groups', group({ displayName }));
      expect(made).toMatchObject({ status: 201, body: { displayName, members: [] } });
      const path = `/Groups/${made.body.id}`;
      const rename = { op: 'replace', path: 'externalId', value: 'x' };
      const query = `filter=${encodeURIComponent(`displayName eq "${displayName}"`)}`;
      for (const parameters of ['', 'attributes=members', 'attributes=displayName,members.value']) {
        const answers = [
          await scim.get(`${path}?${parameters}`),
          await scim.put(`${path}?${parameters}`, group({ displayName, members: [] })),
          await scim.post(`/Groups?${parameters}`, group()),
        ];
        if (parameters !== '') answers.push(await scim.patchOperations(`${path}?${parameters}`, rename));
        const lists = [
          await scim.get(`/Groups?${query}&${parameters}`),
          await scim.post('/.search', {
            filter: `displayName eq "${displayName}"`,
            attributes: parameters === '' ? undefined : ['members'],
          }),
        ];
        const shown = [
          ...answers.map(({ body }) => body as Resource),
          ...lists.flatMap((l) => expectList(l, 1)),
        ];
        for (const resource of shown) expect(resource).toMatchObject({ members: [] });
      }
      for (const parameters of ['excludedAttributes=members', 'attributes=displayName']) {
        expect((await scim.get(`${path}?${parameters}`)).body).not.toHaveProperty('members');
        const [listed] = expectList(await scim.get(`/Groups?${query}&${parameters}`), 1);
        expect(listed).not.toHaveProperty('members');
      }

      // The request excludes all attributes of the members. The group must not look empty.
      await scim.addMembers(made.body.id, await scim.createUser(newName()));
      const everything = 'members.value,members.$ref,members.type,members.display';
      const { body } = await scim.get(`${path}?excludedAttributes=${everything}`);
      expect(body).not.toHaveProperty('members');
    });

    it('take members in POST, PUT and PATCH with any of the ways to write them', async () => {
      const id = await scim.createUser(newName());
      for (const member of [
        { value: id },
        { value: id, type: 'User' },
        { value: id, type: 'user' },
        { value: id, display: null },
        { value: id, display: 'whatever', $ref: null, type: null },
        { value: id, $ref: `../Users/${id}` },
        { VALUE: id, Type: 'User' },
      ]) {
        const posted = await scim.post('/Groups', group({ members: [member] }));
        expect({ member, status: posted.status, members: memberIds(posted) }).toEqual({
          member,
          status: 201,
          members: [id],
        });
        const empty = await scim.post('/Groups', group());
        const put = await scim.put(`/Groups/${empty.body.id}`, group({ members: [member] }));
        expect({ member, members: memberIds(put) }).toEqual({ member, members: [id] });
        const patched = await scim.post('/Groups', group());
        await scim.patchOperations(`/Groups/${patched.body.id}`, {
          op: 'add',
          path: 'members',
          value: [member],
        });
        expect(memberIds(await scim.get(`/Groups/${patched.body.id}`))).toEqual([id]);
      }
    });

    it('count a member who is named twice once', async () => {
      const id = await scim.createUser(newName());
      const { body } = await scim.post(
        '/Groups',
        group({ members: [{ value: id }, { value: id, display: 'x' }] }),
      );
      expect(body.members).toHaveLength(1);
    });

    it('refuse members that are no users of this integration, name every one, and apply nothing', async () => {
      const id = await scim.createUser(newName());
      const aGroup = await scim.createGroup('Nested');
      const gone = await scim.createUser(newName());
      await scim.delete(`/Users/${gone}`);
      const strangers = [NOBODY, aGroup, gone, 'not-a-uuid'];
      const members = [id, ...strangers].map((value) => ({ value }));
      const { body: target } = await scim.post('/Groups', group());
      const path = `/Groups/${target.id}`;
      for (const answer of [
        await scim.post('/Groups', group({ displayName: 'With strangers', members })),
        await scim.put(path, group({ displayName: 'With strangers', members })),
        await scim.patchOperations(
          path,
          { op: 'replace', path: 'displayName', value: 'With strangers' },
          { op: 'add', path: 'members', value: members },
        ),
      ]) {
        expectScimError(answer, 400, 'invalidValue');
        for (const stranger of strangers) expect(answer.body.detail).toContain(stranger);
        expect(answer.body.detail).not.toContain(id);
      }
      expect((await scim.get(path)).body).toEqual(target);
      expectList(await scim.get('/Groups?filter=displayName%20eq%20%22With%20strangers%22'), 0);
    });

    it('refuse a member that is said to be a group, and say why, whoever it is', async () => {
      const inner = await scim.createGroup('Inner');
      const id = await scim.createUser(newName());
      const outer = `/Groups/${await scim.createGroup('Outer', [id])}`;
      for (const members of [inner, id].flatMap((value) => [
        [{ value, type: 'Group' }],
        [{ value, type: 'group' }],
      ])) {
        for (const answer of [
          await scim.post('/Groups', group({ members })),
          await scim.put(outer, group({ members })),
          await scim.patchOperations(outer, { op: 'add', path: 'members', value: members }),
          await scim.patchOperations(outer, { op: 'remove', path: 'members', value: members }),
        ]) {
          expectScimError(answer, 400, 'invalidValue');
          expect(answer.body.detail).toMatch(/groups inside groups|nested/i);
        }
      }
      expect(memberIds(await scim.get(outer))).toEqual([id]);
    });

    it('are users whatever type a client gives them, unless it says Group', async () => {
      const inner = await scim.createGroup('Inner of no type');
      const id = await scim.createUser(newName());
      const { body } = await scim.post('/Groups', group());
      const path = `/Groups/${body.id}`;
      for (const type of ['value', 'direct', '', 'USER', 'Person', 'Groups', null]) {
        const posted = await scim.post('/Groups', group({ members: [{ value: id, type }] }));
        expect({ type, status: posted.status }).toEqual({ type, status: 201 });
        expect(posted.body.members).toMatchObject([{ value: id, type: 'User' }]);
        const members = [{ value: id, type }];
        for (const [write, expected] of [
          [() => scim.patchOperations(path, { op: 'add', path: 'members', value: members }), [id]],
          [() => scim.patchOperations(path, { op: 'remove', path: 'members', value: members }), []],
          [() => scim.patchOperations(path, { op: 'replace', value: { members } }), [id]],
          [() => scim.patchOperations(path, { op: 'replace', path: 'members', value: [] }), []],
          [() => scim.put(path, group({ members })), [id]],
          [() => scim.put(path, group({ members: [] })), []],
        ] as const) {
          expect((await write()).status).toBeLessThan(300);
          expect(memberIds(await scim.get(path))).toEqual(expected);
        }
        const refused = await scim.put(path, group({ members: [{ value: inner, type }] }));
        expectScimError(refused, 400, 'invalidValue');
        expect(refused.body.detail).toContain('no users of this integration');
        expect(refused.body.detail).toContain(inner);
      }
    });

    it('do not let the attributes of a member be changed', async () => {
      const [id, other] = [await scim.createUser(newName()), await scim.createUser(newName())];
      const { body } = await scim.post('/Groups', group({ members: [{ value: id }] }));
      for (const sub of ['value', 'type', '$ref', 'display']) {
        expectScimError(
          await scim.patchOperations(`/Groups/${body.id}`, {
            op: 'replace',
            path: `members[value eq "${id}"].${sub}`,
            value: other,
          }),
          400,
          'mutability',
        );
      }
      expect(memberIds(await scim.get(`/Groups/${body.id}`))).toEqual([id]);
    });

    it('lose a user who is deleted, and keep one who is deactivated', async () => {
      const [gone, idle] = [await scim.createUser(newName()), await scim.createUser(newName())];
      const groupId = await scim.createGroup('Leavers', [gone, idle]);
      await scim.delete(`/Users/${gone}`);
      await scim.setActive(idle, false);
      expect(memberIds(await scim.get(`/Groups/${groupId}`))).toEqual([idle]);
    });
  });

  describe('§7, characteristics that the schemas declare', () => {
    it('hold for every attribute that may be written: it is read back', async () => {
      const { body } = await scim.get('/Schemas');
      const written = fullUser() as Resource;
      const answer = await scim.post('/Users', written);
      for (const schema of body.Resources as Resource[]) {
        if (schema.id.endsWith(':Group')) continue;
        const inBody = schema.id === ENTERPRISE ? written[ENTERPRISE] : written;
        const inAnswer = schema.id === ENTERPRISE ? answer.body[ENTERPRISE] : answer.body;
        for (const { name, mutability, returned } of schema.attributes as Resource[]) {
          if (mutability !== 'readWrite' || returned === 'never') continue;
          expect([name, inBody[name] !== undefined]).toEqual([name, true]);
          expect([name, inAnswer[name]]).toEqual([name, inBody[name]]);
        }
      }
    });

    it('hold for caseExact: a filter in another case finds what is not caseExact, and only that', async () => {
      const { body: made } = await scim.post('/Users', fullUser());
      const { body } = await scim.get('/Schemas');
      for (const schema of body.Resources as Resource[]) {
        if (schema.id.endsWith(':Group')) continue;
        const values = schema.id === ENTERPRISE ? made[ENTERPRISE] : made;
        for (const { name, type, caseExact } of schema.attributes as Resource[]) {
          const value: unknown = values[name];
          if ((type !== 'string' && type !== 'reference') || typeof value !== 'string') continue;
          const other = value === value.toUpperCase() ? value.toLowerCase() : value.toUpperCase();
          if (other === value) continue;
          const filter = `id eq "${made.id}" and ${schema.id}:${name} eq ${JSON.stringify(other)}`;
          const found = expectList(await scim.get(`/Users?filter=${encodeURIComponent(filter)}`));
          expect([name, found.length]).toEqual([name, caseExact ? 0 : 1]);
        }
      }
    });
  });
});
