import { type SetUp, Installation, adminOf, scimOf, setUp } from '../support/installation';
import type { ScimifyProcess } from '../support/scimify-process';
import { Connection, chunk, headersOf } from '../support/sockets';
import { GROUP_SCHEMA } from '../support/scim-client';
import { waitFor } from '../support/wait';

const MIB = 1024 * 1024;
const ALMOST_ALL = Buffer.alloc(MIB - 1, ' ');

describe('bodies that never end', () => {
  let installation: Installation;
  let scimify: ScimifyProcess;
  let flooding: SetUp;
  let quiet: SetUp;
  const open: Connection[] = [];

  beforeAll(async () => {
    installation = await Installation.create();
    scimify = await installation.start({
      SCIMIFY_UNFINISHED_BODIES_MIB: '32',
      SCIMIFY_MAX_CONNECTIONS_PER_ADDRESS: '1000',
      SCIMIFY_TRUSTED_PROXIES: '127.0.0.1',
    });
    flooding = await setUp(adminOf(scimify), installation.pagerDuty.addApiKey());
    quiet = await setUp(adminOf(scimify), installation.pagerDuty.addApiKey());
  });

  afterAll(() => installation.remove());

  afterEach(() => {
    for (const connection of open.splice(0)) connection.close();
  });

  async function flood(
    count: number,
    length: number | 'chunked',
    body: Buffer,
    key = flooding.scimKey,
    from = '203.0.113.1',
  ): Promise<Connection[]> {
    const path = `/scim/v2/${flooding.integrationId}/Users`;
    const headers = { Authorization: `Bearer ${key}`, 'X-Forwarded-For': from };
    const connections: Connection[] = [];
    for (let index = 0; index < count; index++) {
      const connection = await Connection.open(scimify.url);
      connection.send(headersOf('POST', path, length, headers));
      connection.send(body);
      connections.push(connection);
    }
    open.push(...connections);
    return connections;
  }

  const refusedOf = (connections: Connection[]) =>
    connections.filter(({ received }) => /^HTTP\/1\.1 429 /.test(received));

  /** A write of the other integration, from elsewhere. */
  const quietWrite = (userName: string) =>
    scimOf(scimify, quiet.integrationId, quiet.scimKey).post(
      '/Users',
      { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName },
      { 'X-Forwarded-For': '203.0.113.2' },
    );

  it.each([
    ['that is announced', MIB, Buffer.from('{')],
    ['of which almost all has come', MIB, ALMOST_ALL],
    ['that comes in chunks', 'chunked' as const, chunk(ALMOST_ALL)],
  ])('hold half of the memory for all of them at most, and others are served: a MiB %s', async (...given) => {
    const [, length, body] = given;
    const connections = await flood(30, length, body);
    await waitFor(
      'the others to be refused',
      () => refusedOf(connections).length,
      (refused) => refused === 14,
    );
    const [refused] = refusedOf(connections);
    expect(refused!.received).toMatch(/^retry-after: [1-9]\d*\r$/im);
    expect(refused!.received).toMatch(/^connection: close\r$/im);
    expect(refused!.received).toContain('urn:ietf:params:scim:api:messages:2.0:Error');
    for (const connection of refusedOf(connections)) await connection.end();
    expect((await quietWrite(`u-${String(length)}-${body.length}`)).status).toBe(201);

    // When the connections are gone, their memory is free.
    for (const connection of connections) connection.close();
    await waitFor(
      'the memory to be free again',
      async () => {
        const next = await flood(16, MIB, Buffer.from('{'));
        await quietWrite('u');
        for (const connection of next) connection.close();
        return refusedOf(next).length;
      },
      (refusedNow) => refusedNow === 0,
    );
  });

  it('cost no memory with a wrong key, and little with a good one', async () => {
    const before = scimify.memory;
    const unknown = await flood(300, MIB, ALMOST_ALL, 'a-wrong-key');
    for (const connection of unknown) expect([401, 429]).toContain(await connection.status());
    const known = await flood(300, MIB, ALMOST_ALL);
    await waitFor(
      'most to be refused',
      () => refusedOf(known).length,
      (refused) => refused === 284,
    );
    expect(scimify.memory - before).toBeLessThan(150);
  });
});

describe('a large body', () => {
  let installation: Installation;
  let scimify: ScimifyProcess;
  let integration: SetUp;

  beforeAll(async () => {
    installation = await Installation.create();
    scimify = await installation.start();
    integration = await setUp(adminOf(scimify), installation.pagerDuty.addApiKey());
  });

  afterAll(() => installation.remove());

  const scim = () => scimOf(scimify, integration.integrationId, integration.scimKey);

  /** @returns the longest time that others waited, in milliseconds */
  async function slowestMeanwhile(action: Promise<unknown>): Promise<number> {
    const state = { isOver: false };
    const over = action.finally(() => (state.isOver = true));
    let slowest = 0;
    while (!state.isOver) {
      const asked = performance.now();
      await (await fetch(`${scimify.url}/health/live`)).text();
      slowest = Math.max(slowest, performance.now() - asked);
    }
    await over;
    return slowest;
  }

  it('of members is read while others are served, and in bounded memory', async () => {
    const member = (n: number) => `{"value":"0198c2f4-7d1e-7a3b-9c55-${String(n).padStart(12, '0')}"}`;
    // Not an object, so Scimify does nothing after the parsing.
    const body = `[${Array.from({ length: 600_000 }, (_, n) => member(n)).join(',')}]`;
    expect(body.length).toBeGreaterThan(28 * MIB);
    const before = scimify.memory;
    let status = 0;
    const slowest = await slowestMeanwhile(
      scim()
        .post('/Groups', body)
        .then((answer) => (status = answer.status)),
    );
    expect(status).toBe(400);
    expect(slowest).toBeLessThan(3_000);
    expect(scimify.memory - before).toBeLessThan(300);
  });

  it('of very many small values is refused before it is parsed', async () => {
    const body = `{"schemas":["${GROUP_SCHEMA}"],"displayName":"x","members":[${'{},'.repeat(10_000_000)}{}]}`;
    let answer: any;
    const slowest = await slowestMeanwhile(
      scim()
        .post('/Groups', body)
        .then((answered) => (answer = answered)),
    );
    expect([answer.status, answer.body.detail]).toEqual([
      413,
      expect.stringContaining('at most 1,500,000 values'),
    ]);
    expect(slowest).toBeLessThan(3_000);
  });

  it.each([
    ['/Users', 100_000],
    ['/Users/.search', 100_000],
    ['/Bulk', 100_000],
  ])('may hold fewer values at %s', async (path, most) => {
    const answer = await scim().post(path, `{"x":[${'1,'.repeat(most)}1]}`);
    expect([answer.status, answer.body.detail]).toEqual([413, expect.stringContaining('100,000 values')]);
  });

  it('is for groups, and not for their search', async () => {
    const answer = await scim().post('/Groups/.search', `{"attributes":["${'id,'.repeat(MIB)}id"]}`);
    expect([answer.status, answer.body.detail]).toEqual([413, expect.stringContaining('1048576 bytes')]);
  });

  it('of more than 10,000 values is a problem at the admin API', async () => {
    const answer = await adminOf(scimify).post('/tenants', `{"name":"x","x":[${'{},'.repeat(10_000)}{}]}`);
    expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
      413,
      'too_large',
      expect.stringContaining('at most 10,000 values'),
    ]);
  });
});
