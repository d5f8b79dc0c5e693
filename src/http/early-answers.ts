import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

const DRAIN_TIMEOUT_MS = 5_000;

/**
 * Makes sure that a response which ends the connection reaches the client while its body still arrives. Our side
 * closes first, and drops what still arrives until the client closes too or five seconds are over. If the
 * connection closed at once, the next piece of the body would reset it, and the client would find no response (RFC
 * 9112 §9.6).
 */
export function closeInStages(fastify: FastifyInstance): void {
  fastify.addHook('onSend', async (request, reply) => {
    if (!request.raw.complete && reply.getHeader('connection') === 'close')
      halfCloseAfterResponse(request.raw.socket);
  });
}

/**
 * Node.js ends a connection with `destroySoon` after its last response. Meanwhile it drops the rest of the body.
 */
function halfCloseAfterResponse(socket: Socket): void {
  socket.destroySoon = () => halfClose(socket);
}

/** Closes our side now, and the connection when the client has closed too or five seconds are over. */
export function halfClose(socket: Socket): void {
  socket.end();
  const timer = setTimeout(() => socket.destroy(), DRAIN_TIMEOUT_MS);
  socket.once('end', () => socket.destroy()).once('close', () => clearTimeout(timer));
}
