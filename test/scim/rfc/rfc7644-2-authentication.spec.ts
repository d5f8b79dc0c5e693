import { expectScimError } from '../support/expectations';
import { sendExactly } from '../support/exact-request';
import { serverOfThisFile } from '../support/server';
import { NOBODY } from '../support/urns';

const ENDPOINTS: [method: string, path: string][] = [
  ['GET', '/Users'],
  ['POST', '/Users'],
  ['GET', `/Users/${NOBODY}`],
  ['PUT', `/Users/${NOBODY}`],
  ['PATCH', `/Users/${NOBODY}`],
  ['DELETE', `/Users/${NOBODY}`],
  ['POST', '/Users/.search'],
  ['GET', '/Groups'],
  ['POST', '/Groups'],
  ['GET', `/Groups/${NOBODY}`],
  ['PUT', `/Groups/${NOBODY}`],
  ['PATCH', `/Groups/${NOBODY}`],
  ['DELETE', `/Groups/${NOBODY}`],
  ['POST', '/Groups/.search'],
  ['POST', '/.search'],
  ['POST', '/Bulk'],
  ['GET', '/Me'],
  ['GET', '/ServiceProviderConfig'],
  ['GET', '/ResourceTypes'],
  ['GET', '/ResourceTypes/User'],
  ['GET', '/Schemas'],
  ['GET', '/Schemas/urn:ietf:params:scim:schemas:core:2.0:User'],
  ['GET', '/Nonsense'],
  ['GET', ''],
];

describe('RFC 7644 §2, authentication', () => {
  const server = serverOfThisFile();
  let base: string;

  beforeAll(async () => {
    const integration = await server.freshIntegration();
    base = `/scim/v2/${integration.id}`;
  });

  it.each(ENDPOINTS)(
    '%s %s without a key is 401, names the scheme, and is told apart from nothing',
    async (method, path) => {
      const answer = await sendExactly(server.scimify.url, { method, target: base + path });
      expectScimError(answer, 401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer\b/);
    },
  );

  it('looks at the key before the body: a body that cannot be read is 401 as well', async () => {
    const answer = await sendExactly(server.scimify.url, {
      method: 'POST',
      target: `${base}/Users`,
      headers: { 'Content-Type': 'application/scim+json' },
      body: '{"userName":',
    });
    expectScimError(answer, 401);
  });

  describe.each([
    ['an escaped letter', '/%73cim/v2'],
    ['an escaped digit', '/scim/v%32'],
    ['doubled slashes', '//scim//v2/'],
  ])('behind %s', (_, prefix) => {
    const target = (path: string) => base.replace('/scim/v2', prefix) + path;

    it.each(ENDPOINTS)('%s %s without a key is 401 as well', async (method, path) => {
      expectScimError(await sendExactly(server.scimify.url, { method, target: target(path) }), 401);
    });

    it('looks at the key before the body', async () => {
      const answer = await sendExactly(server.scimify.url, {
        method: 'POST',
        target: target('/Groups'),
        headers: { 'Content-Type': 'application/scim+json' },
        body: '{"displayName":',
      });
      expectScimError(answer, 401);
    });

    it('notes what it refuses, and answers a good key', async () => {
      const { id, scim, scimKey } = await server.freshIntegration();
      const headers = { Authorization: `Bearer ${scimKey}`, 'Content-Type': 'application/scim+json' };
      const address = `${prefix}/${id}`;
      const user = await scim.createUser('ada@example.com');
      const found = await sendExactly(server.scimify.url, {
        method: 'GET',
        target: `${address}/Users/${user}`,
        headers,
      });
      expect(found.status).toBe(200);
      const refused = await sendExactly(server.scimify.url, {
        method: 'PATCH',
        target: `${address}/Users/${user}`,
        headers,
        body: '{}',
      });
      expectScimError(refused, 400, 'invalidSyntax');
      const { body } = await server.scimify.admin.get(`/integrations/${id}/refused-writes`);
      expect(body.items).toMatchObject([{ method: 'PATCH', userId: user }]);
    });
  });
});
