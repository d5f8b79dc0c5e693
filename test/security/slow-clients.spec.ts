import { type Server } from 'node:http';
import { type Socket, connect } from 'node:net';
import { once } from 'node:events';
import { Scimify } from '../support/scimify';

/** Sends the beginning of a request and nothing more. @returns what came back until the server hung up */
async function begin(scimify: Scimify, text: string): Promise<string> {
  const { hostname, port } = new URL(scimify.url);
  const socket: Socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (data) => (received += data.toString()));
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return received;
}

describe('a client that does not get on with its request', () => {
  let scimify: Scimify;
  let server: Server;

  beforeAll(async () => {
    scimify = await Scimify.start();
    server = scimify.app.getHttpServer();
  });

  afterAll(() => scimify.stop());

  it('has 20 seconds for its headers and five minutes for all of it', () => {
    expect(server.headersTimeout).toBe(20_000);
    expect(server.requestTimeout).toBe(300_000);
    expect(server.keepAliveTimeout).toBe(75_000);
  });

  it('is cut off in the middle of its headers', async () => {
    server.headersTimeout = 200;
    expect(await begin(scimify, 'GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow')).toMatch(
      /^HTTP\/1\.1 408 /,
    );
  });

  it('is cut off in the middle of its body, and others are served meanwhile', async () => {
    server.requestTimeout = 300;
    server.headersTimeout = 200;
    const slow = begin(
      scimify,
      'POST /api/v1/tenants HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"na',
    );
    expect((await scimify.admin.get('/tenants')).status).toBe(200);
    expect(await slow).toMatch(/^(HTTP\/1\.1 408 [^]*)?$/);
  });
});
