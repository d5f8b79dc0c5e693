import { type Server } from 'node:http';
import { Scimify } from '../support/scimify';
import { Connection, headersOf } from '../support/sockets';

/**
 * Sends the beginning of a request and nothing more. @returns what came back until the server closed the
 * connection
 */
async function begin(scimify: Scimify, text: string): Promise<string> {
  const connection = await Connection.open(scimify.url);
  connection.send(text);
  await connection.end();
  return connection.received;
}

describe('a client that does not get on with its request', () => {
  it('has 10 seconds for its headers and 30 more for its body', async () => {
    const scimify = await Scimify.start();
    const server: Server = scimify.app.getHttpServer();
    expect([server.headersTimeout, server.requestTimeout, server.keepAliveTimeout]).toEqual([
      10_000, 40_000, 75_000,
    ]);
    await scimify.stop();
  });

  describe('when the settings give it a second each', () => {
    let scimify: Scimify;

    beforeAll(async () => {
      scimify = await Scimify.start({
        SCIMIFY_HEADERS_TIMEOUT_SECONDS: '1',
        SCIMIFY_BODY_TIMEOUT_SECONDS: '1',
      });
    });

    afterAll(() => scimify.stop());

    it('is cut off in the middle of its headers', async () => {
      expect(await begin(scimify, 'GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow')).toMatch(
        /^HTTP\/1\.1 408 /,
      );
    });

    it('is cut off in the middle of its body, and others are served meanwhile', async () => {
      const integration = await scimify.createIntegration({ enable: false });
      const path = `/scim/v2/${integration.id}/Users`;
      const key = { Authorization: `Bearer ${integration.scimKey}` };
      const slow = begin(scimify, `${headersOf('POST', path, 100, key)}{"na`);
      expect((await scimify.admin.get('/tenants')).status).toBe(200);
      expect(await slow).toMatch(/^(HTTP\/1\.1 408 [^]*)?$/);
    });
  });
});
