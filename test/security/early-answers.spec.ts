import type { Server } from 'node:net';
import { promisify } from 'node:util';
import { Scimify, type TestIntegration } from '../support/scimify';
import { Connection, chunk, headersOf } from '../support/sockets';
import { waitFor } from '../support/wait';

const MIB = 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, ' ');

describe('an answer that comes before the body', () => {
  let scimify: Scimify;
  let integration: TestIntegration;

  beforeAll(async () => {
    scimify = await Scimify.start({ SCIMIFY_UNFINISHED_BODIES_MIB: '32' });
    integration = await scimify.createIntegration({ enable: false });
  });

  afterAll(() => scimify.stop());

  const open = async (path: string, length: number | 'chunked', headers: Record<string, string> = {}) => {
    const connection = await Connection.open(scimify.url, { goesOn: true });
    const { Authorization } = (path.startsWith('/scim/') ? integration.scim : scimify.admin).headers;
    const address = path.replace('ID', `v2/${integration.id}`);
    connection.send(headersOf('POST', address, length, { Authorization: Authorization!, ...headers }));
    return connection;
  };

  /** The client has its answer, but does not read it. */
  const goOn = async (connection: Connection, length: number | 'chunked') => {
    for (let piece = 0; piece < 64; piece++) {
      await connection.sent(length === 'chunked' ? chunk(PIECE) : PIECE);
    }
    connection.finish();
    await connection.end();
    expect(connection.error).toBeNull();
    expect(connection.received).toMatch(/^connection: close\r$/im);
  };

  it.each<[string, number, string, number | 'chunked', Record<string, string>]>([
    ['one that is announced too large', 413, '/scim/ID/Users', 8 * MIB, {}],
    ['one that becomes too large', 413, '/scim/ID/Users', 'chunked', {}],
    ['one that is announced too large for the admin API', 413, '/api/v1/tenants', 8 * MIB, {}],
    ['one of another type', 415, '/scim/ID/Users', 8 * MIB, { 'Content-Type': 'text/plain' }],
    ['one for an address that there is not', 404, '/nowhere', 8 * MIB, {}],
  ])('reaches a client that goes on sending: %s', async (_, status, path, length, headers) => {
    const connection = await open(path, length, headers);
    if (length === 'chunked') await connection.sent(chunk(Buffer.alloc(MIB + 1, ' ')));
    expect(await connection.status()).toBe(status);
    await goOn(connection, length);
  });

  it('reaches a client that goes on sending: one for which there is no memory', async () => {
    // Each body fits alone, but not both together.
    const both = [await open('/scim/ID/Groups', 20 * MIB), await open('/scim/ID/Groups', 20 * MIB)];
    const isRefused = ({ received }: Connection) => /^HTTP\/1\.1 429 /.test(received);
    const refused = await waitFor(
      'one to be refused',
      () => both.find(isRefused),
      (found) => found !== undefined,
    );
    await goOn(refused!, 20 * MIB);
    for (const connection of both) connection.close();
  });

  it('ends the connection of a client that sends without end', async () => {
    const connection = await open('/nowhere', 'chunked');
    expect(await connection.status()).toBe(404);
    while (!connection.closed) await connection.sent(chunk(PIECE));
  });

  it('ends the connection of a client that neither sends nor closes', async () => {
    const server: Server = scimify.app.getHttpServer();
    const count = () => promisify(server.getConnections.bind(server))();
    const connection = await open('/nowhere', 8 * MIB);
    expect(await connection.status()).toBe(404);
    const before = await count();
    await waitFor('the connection to go', count, (now) => now < before);
    connection.close();
  });
});
