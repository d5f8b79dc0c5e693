import { Scimify } from '../support/scimify';
import { Connection, headersOf } from '../support/sockets';

describe('an address that there is not', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start();
  });

  afterAll(() => scimify.stop());

  it.each([
    ['/nowhere', '"code":"not_found"'],
    ['/api/v1/nowhere', '"code":"not_found"'],
    ['/scim/nowhere', 'urn:ietf:params:scim:api:messages:2.0:Error'],
  ])('is answered before the body arrives: %s', async (path, inBody) => {
    for (const length of [1_000_000, 'chunked'] as const) {
      const connection = await Connection.open(scimify.url);
      connection.send(headersOf('POST', path, length));
      expect(await connection.status()).toBe(404);
      await connection.end();
      expect(connection.received).toMatch(/^connection: close/im);
      expect(connection.received).toContain(inBody);
    }
  });

  it('is 404 whatever is in the body, and keeps the connection where the body has arrived', async () => {
    for (const body of ['{"a":1,"a":2}', 'no JSON', '']) {
      const connection = await Connection.open(scimify.url);
      connection.send(headersOf('POST', '/nowhere', body.length) + body);
      expect(await connection.status()).toBe(404);
      expect(connection.received).not.toMatch(/^connection: close/im);
      connection.close();
    }
    const answer = await fetch(`${scimify.url}/nowhere`, { method: 'DELETE' });
    expect([answer.status, answer.headers.get('x-frame-options')]).toEqual([404, 'DENY']);
    expect(answer.headers.get('x-request-id')).toBeTruthy();
  });
});
