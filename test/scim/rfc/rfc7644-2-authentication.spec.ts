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
});
