import type { Work } from '../event-loop/current-work';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request is and its lane, which is anonymous until its key is verified. */
    work?: Work;
  }
}

/** The lane of requests that show no key. */
export const ANONYMOUS_LANE = 'anonymous';
