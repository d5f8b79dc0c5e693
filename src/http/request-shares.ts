import type { FastifyInstance, FastifyRequest } from 'fastify';
import { onBehalfOf } from '../event-loop/current-work';
import { noteHolder } from '../event-loop/thread-watch';
import { type Place, Shares } from '../security/shares';
import { ANONYMOUS_LANE } from './request-work';

interface OpenRequest {
  place: Place;
  isAnswered: boolean;
  isClosed: boolean;
}

/**
 * Puts each request into a lane, and limits how many requests of one lane run at the same time. The SCIM API and
 * the admin API set the lane when they have verified the key. Requests without a key never wait.
 *
 * A request takes its place when its body is complete, so a slow body holds no place. It gives the place back when
 * the response is ready and the connection is done with it. If the client hangs up, the work goes on. Only work
 * that changes nothing ends then, with its current slice.
 */
export function shareRequests(fastify: FastifyInstance, parallelRequests: number): void {
  const shares = new Shares(parallelRequests);
  const openRequests = new WeakMap<FastifyRequest, OpenRequest>();

  fastify.addHook('onRequest', (request, _reply, done) => {
    request.work = {
      what: `${request.method} ${request.routeOptions.url ?? 'an unknown address'}`,
      lane: ANONYMOUS_LANE,
    };
    noteHolder(request.work);
    done();
  });

  fastify.addHook('preValidation', (request, reply, done) => {
    const work = request.work!;
    if (changesNothing(request)) work.isWanted = () => !reply.raw.destroyed;
    // Reading a body loses the async context of the hooks before, so the work begins here.
    const begin = () => {
      noteHolder(work);
      onBehalfOf(work, done);
    };
    if (work.lane === ANONYMOUS_LANE) {
      begin();
      return;
    }
    // The client is gone, and no event would give the place back.
    if (reply.raw.destroyed) return;
    let place: Place;
    try {
      place = shares.enter(work.lane);
    } catch (refusal) {
      done(refusal as Error);
      return;
    }
    const openRequest: OpenRequest = { place, isAnswered: false, isClosed: false };
    openRequests.set(request, openRequest);
    reply.raw.once('close', () => {
      openRequest.isClosed = true;
      if (openRequest.isAnswered || !place.isAdmitted) place.leave();
    });
    void place.admitted.then(begin);
  });

  fastify.addHook('onSend', (request, _reply, _payload, done) => {
    const openRequest = openRequests.get(request);
    if (openRequest) {
      openRequest.isAnswered = true;
      if (openRequest.isClosed) openRequest.place.leave();
    }
    done();
  });
}

function changesNothing({ method, routeOptions }: FastifyRequest): boolean {
  return method === 'GET' || routeOptions.url?.endsWith('/.search') === true;
}
