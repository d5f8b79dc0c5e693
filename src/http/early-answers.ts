import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

const SENT_IN_VAIN_MS = 5_000;

/**
 * An answer that ends the connection while the body is still on its way reaches the client: our side is closed first, and
 * what still comes is thrown away, until the client has closed too or five seconds are over. A connection that is closed
 * at once is reset by the next piece of the body, and the client then finds no answer (RFC 9112 §9.6).
 */
export function closeInStages(fastify: FastifyInstance): void {
  fastify.addHook('onSend', async (request, reply) => {
    if (!request.raw.complete && reply.getHeader('connection') === 'close') endInStages(request.raw.socket);
  });
}

/** Node ends a connection by `destroySoon` after its last answer, and reads and drops the rest of the body meanwhile. */
function endInStages(socket: Socket): void {
  socket.destroySoon = () => hangUpInStages(socket);
}

/** Closes our side now, and the connection when the client has closed too or five seconds are over. */
export function hangUpInStages(socket: Socket): void {
  socket.end();
  const timer = setTimeout(() => socket.destroy(), SENT_IN_VAIN_MS);
  socket.once('end', () => socket.destroy()).once('close', () => clearTimeout(timer));
}
