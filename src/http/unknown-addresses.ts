import { setImmediate } from 'node:timers/promises';
import { NotFoundException } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

/** Answers a request without a route before its body is read. It needs no key. */
export function answerUnknownAddresses(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    // By then a body that came with the headers is complete. Any other body is of no use.
    await setImmediate();
    if (!request.raw.complete) void reply.header('Connection', 'close');
    throw new NotFoundException();
  });
}
