import type { FastifyInstance, FastifyRequest } from 'fastify';
import { onBehalfOf } from '../event-loop/current-work';
import { noteHolder } from '../event-loop/thread-watch';
import { type Place, Shares } from '../security/shares';
import { ANONYMOUS_LANE } from './request-work';

interface Visit {
  place: Place;
  isAnswered: boolean;
  isClosed: boolean;
}

/**
 * Says whose work each request is, and lets only so many of one lane be worked on at the same time. The doors put a
 * request into its lane when they have verified its key; those that show no key wait for nobody.
 *
 * A place is taken when the body is there, so that a slow one holds none. It is given back when the answer is made and the
 * connection is done with it: a client that hangs up does not end the work that it has asked for, unless that changes
 * nothing, which ends with its slice.
 */
export function shareRequests(fastify: FastifyInstance, parallelRequests: number): void {
  const shares = new Shares(parallelRequests);
  const visits = new WeakMap<FastifyRequest, Visit>();

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
    // Reading a body leaves the context of the hooks before, so this is where the work begins.
    const begin = () => {
      noteHolder(work);
      onBehalfOf(work, done);
    };
    if (work.lane === ANONYMOUS_LANE) {
      begin();
      return;
    }
    // Nobody waits for the answer, and nothing would tell when to give the place back.
    if (reply.raw.destroyed) return;
    let place: Place;
    try {
      place = shares.enter(work.lane);
    } catch (refusal) {
      done(refusal as Error);
      return;
    }
    const visit: Visit = { place, isAnswered: false, isClosed: false };
    visits.set(request, visit);
    reply.raw.once('close', () => {
      visit.isClosed = true;
      if (visit.isAnswered || !place.isAdmitted) place.leave();
    });
    void place.admitted.then(begin);
  });

  fastify.addHook('onSend', (request, _reply, _payload, done) => {
    const visit = visits.get(request);
    if (visit) {
      visit.isAnswered = true;
      if (visit.isClosed) visit.place.leave();
    }
    done();
  });
}

function changesNothing({ method, routeOptions }: FastifyRequest): boolean {
  return method === 'GET' || routeOptions.url?.endsWith('/.search') === true;
}
