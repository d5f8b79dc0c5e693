import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger as Pino } from 'pino';
import { v4 as randomUuid } from 'uuid';
import { adminValidation } from './admin-api/validation';
import type { Settings } from './config/settings';
import { HttpErrorFilter, answerError, answerUnparsed } from './http-error.filter';
import { limitConnections } from './http/connection-limits';
import { closeInStages } from './http/early-answers';
import { readJsonBodies } from './http/json-bodies';
import { answerUnknownAddresses } from './http/unknown-addresses';
import { MOST_HEADER_BYTES, UnparsedRequests } from './http/unparsed-requests';
import { shareRequests } from './http/request-shares';
import { NestLog, logRequests } from './observability/logging';
import { logLongHolds } from './observability/thread-watch-log';
import { describeDoors } from './api-documents';
import { serveApiDocs, tellThatThereAreNone } from './open-api/api-docs';
import { BARE_SECURITY_HEADERS, sendSecurityHeaders } from './security-headers';

const SECOND_MS = 1_000;
const TIMEOUTS_CHECKED_EVERY_MS = SECOND_MS;
/** Longer than the minute for which load balancers keep a connection: it is for them to close it. */
const KEEP_ALIVE_TIMEOUT_MS = 75 * SECOND_MS;

/**
 * The whole product, ready to listen.
 *
 * @param rooms all that it is made of: `AppModule`
 */
export async function createApplication(
  rooms: DynamicModule,
  settings: Settings,
  log: Pino,
): Promise<NestFastifyApplication> {
  const { headersTimeoutMs, bodyTimeoutMs, unfinishedBodyBytes } = settings.connections;
  const unparsed = new UnparsedRequests(log, answerUnparsed);
  const adapter = new FastifyAdapter({
    // The id in logs and audit events is ours, whatever the client sends.
    genReqId: () => randomUuid(),
    routerOptions: {
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      // An id of any length is one that nobody has.
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
    // A request that came in before the end is answered as any other: an IdP takes a 503 for final.
    return503OnClosing: false,
    // A path that cannot be decoded reaches no route, and no filter.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      void answerError(
        error,
        request,
        reply.headers({ ...BARE_SECURITY_HEADERS, 'X-Request-Id': request.id }),
      ),
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

  const app = await NestFactory.create<NestFastifyApplication>(rooms, adapter, {
    logger: new NestLog(log),
    bodyParser: false,
    abortOnError: false,
  });
  app.useGlobalFilters(new HttpErrorFilter());
  app.useGlobalPipes(adminValidation());
  if (settings.apiDocs) serveApiDocs(fastify, describeDoors(app));
  else tellThatThereAreNone(fastify);
  return app;
}
