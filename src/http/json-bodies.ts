import type { IncomingMessage } from 'node:http';
import { UnsupportedMediaTypeException } from '@nestjs/common';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, errorCodes } from 'fastify';
import { onBehalfOf } from '../event-loop/current-work';
import { atOnce, inSlices } from '../event-loop/slice';
import { clientNetwork } from '../security/client-network';
import { parseStrictly } from '../security/strict-json';
import { type BodyBounds, bodyBoundsOf } from './body-bounds';
import { readBody } from './body-reader';
import { OneAtATime } from './one-at-a-time';
import './request-work';
import { type HeldBytes, UnfinishedBodies } from './unfinished-bodies';

const KIB = 1024;
const SMALL_BODY = 64 * KIB;
const LARGE_BODY = KIB * KIB;

/**
 * Reads JSON bodies only, and only unambiguous JSON. Each route limits the bytes and the values of its bodies. One
 * limit on memory applies to all bodies together.
 *
 * @param unfinishedBytes memory of all bodies until their requests are answered
 */
export function readJsonBodies(fastify: FastifyInstance, unfinishedBytes: number): void {
  const bodies = new JsonBodies(fastify, new UnfinishedBodies(unfinishedBytes));
  fastify.addHook('onRoute', (route) => {
    route.bodyLimit = bodyBoundsOf(route.url).bytes;
  });
  fastify.addHook('onSend', async (request, reply) => bodies.answered(request, reply));
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    ['application/json', 'application/scim+json', 'application/merge-patch+json'],
    (request: FastifyRequest, message: IncomingMessage) => bodies.json(request, message),
  );
  fastify.addContentTypeParser('*', (request: FastifyRequest, message: IncomingMessage) =>
    bodies.ofAnotherType(request, message),
  );
}

class JsonBodies {
  private readonly held = new WeakMap<FastifyRequest, HeldBytes>();
  private readonly largeBodies = new OneAtATime();
  private readonly parse: (text: string) => unknown;

  constructor(
    fastify: FastifyInstance,
    private readonly unfinished: UnfinishedBodies,
  ) {
    this.parse = parserOf(fastify);
  }

  async json(request: FastifyRequest, message: IncomingMessage): Promise<unknown> {
    const bounds = boundsOf(request);
    const body = await readBody(message, bounds.bytes, this.hold(request));
    // An empty body counts as no body, whatever its content type.
    if (body.length === 0) return undefined;
    const steps = parseStrictly(body, { mostValues: bounds.values, parse: this.parse });
    if (body.length <= SMALL_BODY) return atOnce(steps);
    const lane = laneOf(request);
    const parseInSlices = () => inSlices(steps);
    return onBehalfOf(request.work ?? { what: 'reading a body', lane }, () =>
      body.length <= LARGE_BODY ? parseInSlices() : this.largeBodies.run(lane, parseInSlices),
    );
  }

  async ofAnotherType(request: FastifyRequest, message: IncomingMessage): Promise<undefined> {
    try {
      await readBody(message, 0, this.hold(request));
    } catch (error) {
      if (!(error instanceof errorCodes.FST_ERR_CTP_BODY_TOO_LARGE)) throw error;
      throw new UnsupportedMediaTypeException('Send the body as application/json.');
    }
  }

  answered(request: FastifyRequest, { raw: response }: FastifyReply): void {
    const held = this.held.get(request);
    if (!held) return;
    this.held.delete(request);
    // The body stays in memory until a slow client has read the response. If the client is gone, its work may
    // still run.
    if (response.destroyed || response.closed) held.release();
    else response.once('close', () => held.release());
  }

  private hold(request: FastifyRequest): HeldBytes {
    const held = this.unfinished.open(laneOf(request));
    this.held.set(request, held);
    return held;
  }
}

function boundsOf(request: FastifyRequest): BodyBounds {
  return bodyBoundsOf(request.routeOptions.url ?? '');
}

function laneOf(request: FastifyRequest): string {
  return request.work?.lane ?? clientNetwork(request.ip);
}

/** Fastify's own parser, which refuses `__proto__` and `constructor`. */
function parserOf(fastify: FastifyInstance): (text: string) => unknown {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  return (text) => {
    let result: { error: Error | null; value: unknown } | undefined;
    // It does not use the request, and calls back before it returns.
    void parse({} as FastifyRequest, text, (error, value) => (result = { error, value }));
    if (result?.error) throw result.error;
    return result?.value;
  };
}
