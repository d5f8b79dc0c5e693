import type { Work } from '../event-loop/current-work';

declare module 'fastify' {
  interface FastifyRequest {
    /** On whose behalf it is worked on; known once its key is. */
    work?: Work;
  }
}
