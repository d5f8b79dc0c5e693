import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger as Pino } from 'pino';
import { v4 as randomUuid } from 'uuid';
import type { Settings } from '../config/settings';
import { logRequests } from '../observability/logging';
import { logLongHolds } from '../observability/thread-watch-log';
import { limitConnections } from './connection-limits';
import { closeInStages } from './early-answers';
import { readJsonBodies } from './json-bodies';
import { shareRequests } from './request-shares';
import { BARE_SECURITY_HEADERS, sendSecurityHeaders } from './security-headers';
import { answerUnknownAddresses } from './unknown-addresses';
import { type AnswerOf, MOST_HEADER_BYTES, UnparsedRequests } from './unparsed-requests';

const SECOND_MS = 1_000;
const TIMEOUTS_CHECKED_EVERY_MS = SECOND_MS;
/** Load balancers keep a connection for a minute. This is longer, so the load balancer closes it first. */
const KEEP_ALIVE_TIMEOUT_MS = 75 * SECOND_MS;

/** Answers in the format of the API that was called. The server does not know which APIs there are. */
export interface ErrorAnswers {
  /** For a request that reaches no route and no exception filter. */
  answerError: (error: Error, request: FastifyRequest, reply: FastifyReply) => void;
  answerUnparsed: AnswerOf;
}

/** The server without routes, for Nest. */
export async function createServer(
  settings: Settings,
  log: Pino,
  { answerError, answerUnparsed }: ErrorAnswers,
): Promise<FastifyAdapter> {
  const { headersTimeoutMs, bodyTimeoutMs, unfinishedBodyBytes } = settings.connections;
  const unparsed = new UnparsedRequests(log, answerUnparsed);
  const adapter = new FastifyAdapter({
    // Logs and audit events never use a request id of the client.
    genReqId: () => randomUuid(),
    routerOptions: {
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      // A long id still reaches its route, which answers that there is no such id.
      maxParamLength: MOST_HEADER_BYTES,
    },
    trustProxy: settings.trustedProxies.length > 0 ? [...settings.trustedProxies] : false,
    http: {
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: TIMEOUTS_CHECKED_EVERY_MS,
      maxHeaderSize: MOST_HEADER_BYTES,
    },
    clientErrorHandler: (error, socket) => unparsed.refuse(error, socket),
    requestTimeout: headersTimeoutMs + bodyTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // During a shutdown, requests that have already arrived get their normal response: an IdP takes a 503 as
    // final.
    return503OnClosing: false,
    // A path that cannot be decoded reaches neither a route nor the exception filter.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      answerError(error, request, reply.headers({ ...BARE_SECURITY_HEADERS, 'X-Request-Id': request.id })),
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  limitConnections(fastify.server, settings.connections, settings.trustedProxies, log);
  fastify.addHook('onSend', async (request, reply) => {
    void reply.header('X-Request-Id', request.id);
  });
  unparsed.watch(fastify);
  logRequests(fastify, log);
  logLongHolds(fastify, log);
  await sendSecurityHeaders(fastify, settings.publicUrl);
  answerUnknownAddresses(fastify);
  readJsonBodies(fastify, unfinishedBodyBytes);
  closeInStages(fastify);
  shareRequests(fastify, settings.parallelRequests);
  return adapter;
}
