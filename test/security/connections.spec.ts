import { Installation } from '../support/installation';
import type { ScimifyProcess } from '../support/scimify-process';
import { Scimify } from '../support/scimify';
import { Connection } from '../support/sockets';
import { waitFor } from '../support/wait';

const ASK = 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n';

async function openAll(url: string, count: number): Promise<Connection[]> {
  const connections: Connection[] = [];
  for (let index = 0; index < count; index++) {
    const connection = await Connection.open(url);
    connection.send(ASK);
    connections.push(connection);
  }
  return connections;
}

/** Whether each connection is served, not only open. */
const served = (connections: Connection[]) =>
  Promise.all(connections.map(async (connection) => (await connection.status()) === 200));

describe('connections of one client network', () => {
  let scimify: Scimify;

  beforeAll(async () => {
    scimify = await Scimify.start({ SCIMIFY_MAX_CONNECTIONS_PER_ADDRESS: '3' });
  });

  afterAll(() => scimify.stop());

  it('are closed at once where they are too many, and may come back when others have gone', async () => {
    const connections = await openAll(scimify.url, 5);
    expect(await served(connections)).toEqual([true, true, true, false, false]);
    connections[0]!.close();
    await waitFor(
      'a place',
      async () => served(await openAll(scimify.url, 1)),
      ([isServed]) => isServed!,
    );
    for (const connection of connections) connection.close();
  });
});

describe('connections of a trusted proxy', () => {
  it('are not counted by address', async () => {
    const scimify = await Scimify.start({
      SCIMIFY_MAX_CONNECTIONS_PER_ADDRESS: '3',
      SCIMIFY_TRUSTED_PROXIES: '10.1.0.0/16,127.0.0.0/8',
    });
    const connections = await openAll(scimify.url, 6);
    expect(await served(connections)).toEqual(Array(6).fill(true));
    for (const connection of connections) connection.close();
    await scimify.stop();
  });
});

describe('connections in all', () => {
  let installation: Installation;
  let scimify: ScimifyProcess;

  beforeAll(async () => {
    installation = await Installation.create();
    // The connection that checks the start stays open for a while.
    scimify = await installation.start({ SCIMIFY_MAX_CONNECTIONS: '5' });
  });

  afterAll(() => installation.remove());

  it('are closed at once where they are too many, which the log tells once a minute', async () => {
    const connections = await openAll(scimify.url, 12);
    const places = (await served(connections)).filter((isServed) => isServed).length;
    expect(places).toBeGreaterThanOrEqual(3);
    expect(places).toBeLessThanOrEqual(5);
    await waitFor(
      'a line in the log',
      () => scimify.printed,
      (printed) => printed.includes('Closed a connection: too many connections in total'),
    );
    expect(scimify.printed.match(/Closed a connection/g)).toHaveLength(1);
    expect(scimify.printed).toContain('"client":"127.0.0.1"');
    for (const connection of connections) connection.close();
  });
});
