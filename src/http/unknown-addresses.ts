import { NotFoundException } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

/** A request that reached no route is answered before its body is read, and needs no key. */
export function answerUnknownAddresses(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', async (request) => {
    if (request.is404) throw new NotFoundException();
  });
  fastify.addHook('onSend', async (request, reply) => {
    // What is left of the body is of no use to anybody.
    if (request.is404 && !request.raw.complete) void reply.header('Connection', 'close');
  });
}
