import { setImmediate } from 'node:timers/promises';
import { NotFoundException } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

/** A request that reached no route is answered before its body is read, and needs no key. */
export function answerUnknownAddresses(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    // A body that came together with the headers is there by then; one that did not is of no use to anybody.
    await setImmediate();
    if (!request.raw.complete) void reply.header('Connection', 'close');
    throw new NotFoundException();
  });
}
