import type { ScimClient } from '../../support/scim-client';
import { content, expectScimError, type Resource } from '../support/expectations';
import { fullUser, newName, user } from '../support/samples';
import { serverOfThisFile } from '../support/server';
import { CORE_USER, ENTERPRISE } from '../support/urns';

describe('RFC 7643 §2, attributes', () => {
  const server = serverOfThisFile();
  let scim: ScimClient;

  beforeAll(async () => {
    ({ scim } = await server.freshIntegration());
  });

  describe('§2.1, names', () => {
    it('are read in any case and answered as the schema spells them', async () => {
      const { status, body } = await scim.post('/Users', {
        SCHEMAS: [CORE_USER],
        USERNAME: 'Ada.Case@example.com',
        Name: { GIVENNAME: 'Ada', familyname: 'Byron' },
        EMAILS: [{ Value: 'ada.case@example.com', TYPE: 'work', Primary: true }],
        [ENTERPRISE.toUpperCase()]: { DEPARTMENT: 'Ops' },
      });
      expect({ status, body: content(body) }).toEqual({
        status: 201,
        body: {
          schemas: [CORE_USER, ENTERPRISE],
          userName: 'Ada.Case@example.com',
          name: { givenName: 'Ada', familyName: 'Byron' },
          active: true,
          emails: [{ value: 'ada.case@example.com', type: 'work', primary: true }],
          [ENTERPRISE]: { department: 'Ops' },
        },
      });
    });

    it('given twice in different case are refused: neither value may win by chance', async () => {
      expectScimError(await scim.post('/Users', user({ title: 'A', TITLE: 'B' })), 400, 'invalidValue');
      expectScimError(
        await scim.post('/Users', user({ name: { givenName: 'A', GivenName: 'B' } })),
        400,
        'invalidValue',
      );
    });

    it('that no schema knows are ignored and not answered', async () => {
      const { status, body } = await scim.post(
        '/Users',
        user({ favouriteColour: 'blue', name: { givenName: 'Ada', clan: 'x' }, 'urn:example:x': { y: 1 } }),
      );
      expect({ status, names: Object.keys(body).sort() }).toEqual({
        status: 201,
        names: ['active', 'id', 'meta', 'name', 'schemas', 'userName'],
      });
      expect(body.name).toEqual({ givenName: 'Ada' });
    });
  });

  describe('§2.3, data types', () => {
    it('keep every value of every type exactly as it was sent', async () => {
      const sent = fullUser();
      const created = await scim.post('/Users', sent);
      expect({ status: created.status, body: content(created.body) }).toEqual({ status: 201, body: sent });
      const read = await scim.get(`/Users/${created.body.id}`);
      expect(read.body).toEqual(created.body);
    });

    it.each([
      'Ærøskøbing Ångström',
      'e\u0301 is not normalised to \u00e9',
      '\u{1F469}\u200d\u{1F680} \u{1D504}',
      '\u202ea right-to-left override',
      'quote " backslash \\ slash / tab \t line\nbreak',
      "Robert'); DROP TABLE scim_user;--",
      '100% _under_ ${x} {{y}} <b>',
      ' leading and trailing ',
    ])('keep the text %j', async (displayName) => {
      const { body } = await scim.post('/Users', user({ displayName }));
      expect(body.displayName).toBe(displayName);
      expect((await scim.get(`/Users/${body.id}`)).body.displayName).toBe(displayName);
      const filter = encodeURIComponent(`displayName eq ${JSON.stringify(displayName)}`);
      const found = await scim.get(`/Users?filter=${filter}`);
      expect(found.body.Resources.map(({ id }: Resource) => id)).toEqual([body.id]);
    });

    it.each([
      [true, true],
      [false, false],
      ['true', true],
      ['False', false],
      ['TRUE', true],
    ])('read the boolean %j as %j, in sub-attributes too', async (sent, read) => {
      const { status, body } = await scim.post(
        '/Users',
        user({ active: sent, roles: [{ value: 'r', primary: sent }] }),
      );
      expect({ status, body }).toMatchObject({
        status: 201,
        body: { active: read, roles: [{ value: 'r', primary: read }] },
      });
    });

    it.each([1, 0, 'yes', '', 'truee', {}, [[]]])('refuse the boolean %j', async (active) => {
      expectScimError(await scim.post('/Users', user({ active })), 400, 'invalidValue');
    });

    it('are enforced for every attribute and sub-attribute of every schema', async () => {
      const { body } = await scim.get('/Schemas');
      const wrong: [name: string, body: object][] = [];
      for (const schema of body.Resources as Resource[]) {
        if (schema.id.endsWith(':Group')) continue;
        const inSchema = (value: object) => (schema.id === CORE_USER ? value : { [schema.id]: value });
        for (const attribute of schema.attributes as Resource[]) {
          if (attribute.mutability === 'readOnly') continue;
          wrong.push([attribute.name, inSchema({ [attribute.name]: 42 })]);
          wrong.push([attribute.name, inSchema({ [attribute.name]: [[42]] })]);
          for (const sub of (attribute.subAttributes ?? []) as Resource[]) {
            if (sub.mutability === 'readOnly') continue;
            const value = { [sub.name]: { nested: 42 } };
            wrong.push([
              `${attribute.name}.${sub.name}`,
              inSchema({ [attribute.name]: attribute.multiValued ? [value] : value }),
            ]);
          }
        }
      }
      expect(wrong.length).toBeGreaterThan(90);
      for (const [name, more] of wrong) {
        const answer = await scim.post('/Users', user(more));
        expect({ name, more, status: answer.status }).toEqual({ name, more, status: 400 });
        expectScimError(answer, 400, 'invalidValue');
        expect(answer.body.detail.toLowerCase()).toContain(name.split('.')[0]!.toLowerCase());
      }
    });

    it('read binary as base64 and nothing else', async () => {
      expectScimError(
        await scim.post('/Users', user({ x509Certificates: [{ value: 'not base64!' }] })),
        400,
        'invalidValue',
      );
    });
  });

  describe('§2.4, multi-valued attributes', () => {
    it.each(['emails', 'phoneNumbers', 'ims', 'photos', 'entitlements', 'roles', 'x509Certificates'])(
      'have one primary value at most: two in "%s" are refused',
      async (name) => {
        const values = [
          { value: 'QQ==', primary: true },
          { value: 'Qg==', primary: true },
        ];
        expectScimError(await scim.post('/Users', user({ [name]: values })), 400, 'invalidValue');
      },
    );

    it('do not invent a primary value', async () => {
      const { body } = await scim.post('/Users', user({ emails: [{ value: 'a@example.com' }] }));
      expect(body.emails).toEqual([{ value: 'a@example.com' }]);
    });

    it('hold the very same value once', async () => {
      const email = { value: 'a@example.com', type: 'work' };
      const { body } = await scim.post('/Users', user({ emails: [email, { ...email }] }));
      expect(body.emails).toEqual([email]);
    });

    it('hold the same value for two types, and two values of a type', async () => {
      const emails = [
        { value: 'a@example.com', type: 'work' },
        { value: 'a@example.com', type: 'home' },
        { value: 'b@example.com', type: 'home' },
      ];
      const { body } = await scim.post('/Users', user({ emails }));
      expect(body.emails).toEqual(emails);
    });

    it('take types that are not among the canonical ones: those are suggestions', async () => {
      const { body } = await scim.post('/Users', user({ emails: [{ value: 'a@b.example', type: 'alias' }] }));
      expect(body.emails).toEqual([{ value: 'a@b.example', type: 'alias' }]);
    });
  });

  describe('§2.5, null, the empty list and absence', () => {
    it('are one and the same state', async () => {
      const states = [
        user(),
        user({ title: null, emails: [], name: null, roles: null, addresses: [] }),
        user({ externalId: null, displayName: null, [ENTERPRISE]: null, phoneNumbers: null }),
        user({ name: {}, [ENTERPRISE]: {} }),
      ];
      for (const state of states) {
        const { status, body } = await scim.post('/Users', state);
        expect({ status, names: Object.keys(body).sort() }).toEqual({
          status: 201,
          names: ['active', 'id', 'meta', 'schemas', 'userName'],
        });
      }
    });

    it('are one and the same state inside of complex values', async () => {
      const { body } = await scim.post(
        '/Users',
        user({
          name: { givenName: 'Ada', middleName: null },
          emails: [{ value: 'a@b.example', display: null }],
        }),
      );
      expect(body).toMatchObject({ name: { givenName: 'Ada' } });
      expect(body.name).toEqual({ givenName: 'Ada' });
      expect(body.emails).toEqual([{ value: 'a@b.example' }]);
    });

    it('unassign what was there, in PUT and in PATCH', async () => {
      const userName = newName();
      const { body } = await scim.post('/Users', user({ userName, title: 'Analyst', nickName: 'Ada' }));
      const put = await scim.put(`/Users/${body.id}`, user({ userName, title: null, nickName: 'Ada' }));
      expect(put.body).not.toHaveProperty('title');
      const patch = await scim.patchOperations(`/Users/${body.id}`, {
        op: 'replace',
        path: 'nickName',
        value: null,
      });
      expect(patch.status).toBe(200);
      expect(patch.body).not.toHaveProperty('nickName');
    });
  });
});
