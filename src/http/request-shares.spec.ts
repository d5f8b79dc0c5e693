import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastifyOf, { type FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { currentWork } from '../event-loop/current-work';
import { logLongHolds } from '../observability/thread-watch-log';
import { waitFor } from '../../test/support/wait';
import { shareRequests } from './request-shares';

const PARALLEL = 2;

/** A server with a route whose handler a test lets go on. */
class Server {
  readonly fastify: FastifyInstance;
  readonly lines: Record<string, unknown>[] = [];
  /** Ends the running handlers, in their order. */
  readonly running: (() => void)[] = [];
  begun = 0;

  constructor() {
    this.fastify = fastifyOf({ forceCloseConnections: true });
    const write = (line: string) => this.lines.push(JSON.parse(line) as Record<string, unknown>);
    logLongHolds(this.fastify, pino({ base: null }, { write }));
    shareRequests(this.fastify, PARALLEL);
    this.fastify.addHook('onRequest', async (incoming) => {
      const lane = incoming.headers['x-lane'];
      if (typeof lane === 'string') incoming.work!.lane = lane;
    });
    this.fastify.post('/wait', async () => {
      this.begun += 1;
      await new Promise<void>((resolve) => this.running.push(resolve));
      return currentWork();
    });
    this.fastify.post<{ Body: { ms: number } }>('/hold', async ({ body }) => {
      const until = performance.now() + body.ms;
      while (performance.now() < until);
      return {};
    });
  }

  send(path: string, lane: string | null, body: object = {}): ClientRequest {
    const { port } = this.fastify.server.address() as AddressInfo;
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path,
      method: 'POST',
      agent: false,
      headers: { 'Content-Type': 'application/json', ...(lane === null ? {} : { 'X-Lane': lane }) },
    });
    outgoing.on('error', () => undefined);
    outgoing.end(JSON.stringify(body));
    return outgoing;
  }

  beginning(count: number): Promise<unknown> {
    return waitFor(
      `${count} to begin`,
      () => Promise.resolve(this.begun),
      (begun) => begun === count,
    );
  }
}

const answerOf = async (outgoing: ClientRequest): Promise<{ status: number; body: any }> => {
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of incoming) text += String(chunk);
  return { status: incoming.statusCode!, body: JSON.parse(text) };
};

describe('the requests of a lane', () => {
  let server: Server;

  beforeEach(async () => {
    server = new Server();
    await server.fastify.listen({ port: 0, host: '127.0.0.1' });
  });

  afterEach(async () => {
    for (const end of server.running) end();
    await server.fastify.close();
  });

  it('run a few at a time, and beside the requests of other lanes', async () => {
    const acme = [1, 2, 3].map(() => answerOf(server.send('/wait', 'acme')));
    await server.beginning(PARALLEL);
    const umbrella = answerOf(server.send('/wait', 'umbrella'));
    await server.beginning(PARALLEL + 1);
    server.running.at(-1)!();
    expect((await umbrella).body.lane).toBe('umbrella');
    expect(server.begun).toBe(PARALLEL + 1);
    server.running[0]!();
    await server.beginning(PARALLEL + 2);
    for (const end of server.running) end();
    for (const { status } of await Promise.all(acme)) expect(status).toBe(200);
  });

  it('never wait while they show no key', async () => {
    const all = [1, 2, 3, 4].map(() => answerOf(server.send('/wait', null)));
    await server.beginning(4);
    for (const end of server.running) end();
    await Promise.all(all);
  });

  it('know their lane after their body was read', async () => {
    const answer = answerOf(server.send('/wait', 'acme', { some: 'body' }));
    await server.beginning(1);
    server.running[0]!();
    expect((await answer).body).toEqual({ what: 'POST /wait', lane: 'acme' });
  });

  it('leave the queue when their client disconnects', async () => {
    const busy = [1, 2].map(() => answerOf(server.send('/wait', 'acme')));
    await server.beginning(2);
    const gone = server.send('/wait', 'acme');
    await once(gone, 'finish');
    await waitFor(
      'all to be connected',
      () => new Promise<number>((resolve) => server.fastify.server.getConnections((_, n) => resolve(n))),
      (connections) => connections === 3,
    );
    gone.destroy();
    await waitFor(
      'the connection to be closed',
      () => new Promise<number>((resolve) => server.fastify.server.getConnections((_, n) => resolve(n))),
      (connections) => connections === 2,
    );
    const next = answerOf(server.send('/wait', 'acme'));
    server.running[0]!();
    server.running[1]!();
    await Promise.all(busy);
    await server.beginning(3);
    server.running[2]!();
    expect((await next).status).toBe(200);
    expect(server.begun).toBe(3);
  });

  it('keep their place until the work is done, also when the client hung up', async () => {
    const gone = [1, 2].map(() => server.send('/wait', 'acme'));
    await server.beginning(2);
    for (const outgoing of gone) outgoing.destroy();
    await waitFor(
      'the connections to be closed',
      () => new Promise<number>((resolve) => server.fastify.server.getConnections((_, n) => resolve(n))),
      (connections) => connections === 0,
    );
    const next = answerOf(server.send('/wait', 'acme'));
    const other = answerOf(server.send('/wait', 'umbrella'));
    await server.beginning(3);
    server.running[2]!();
    expect((await other).body.lane).toBe('umbrella');
    expect(server.begun).toBe(3);
    server.running[0]!();
    await server.beginning(4);
    server.running[3]!();
    expect((await next).status).toBe(200);
  });

  it('that hold the thread for too long are named in the log, once', async () => {
    for (const ms of [300, 600]) await answerOf(server.send('/hold', 'acme', { ms }));
    await waitFor(
      'a line',
      () => Promise.resolve(server.lines),
      (lines) => lines.length > 0,
    );
    expect(server.lines).toEqual([
      expect.objectContaining({ level: 40, what: 'POST /hold', lane: 'acme', statement: null, holds: 1 }),
    ]);
    expect(server.lines[0]!.ms).toBeGreaterThan(200);
  });
});
