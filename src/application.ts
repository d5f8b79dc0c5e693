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
import { BARE_SECURITY_HEADERS, sendSecurityHeaders } from './http/security-headers';
import { answerUnknownAddresses } from './http/unknown-addresses';
import { MOST_HEADER_BYTES, UnparsedRequests } from './http/unparsed-requests';
import { shareRequests } from './http/request-shares';
import { NestLog, logRequests } from './observability/logging';
import { logLongHolds } from './observability/thread-watch-log';
import { describeDoors } from './api-documents';
import { serveApiDocs, serveDocsDisabledNotice } from './open-api/api-docs';

const SECOND_MS = 1_000;
const TIMEOUTS_CHECKED_EVERY_MS = SECOND_MS;
/** Load balancers keep a connection for a minute. This is longer, so the load balancer closes it first. */
const KEEP_ALIVE_TIMEOUT_MS = 75 * SECOND_MS;

/**
 * Builds the whole application, ready to listen.
 *
 * @param module `AppModule`
 */
export async function createApplication(
  module: DynamicModule,
  settings: Settings,
  log: Pino,
): Promise<NestFastifyApplication> {
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

  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLog(log),
    bodyParser: false,
    abortOnError: false,
  });
  app.useGlobalFilters(new HttpErrorFilter());
  app.useGlobalPipes(adminValidation());
  if (settings.apiDocs) serveApiDocs(fastify, describeDoors(app));
  else serveDocsDisabledNotice(fastify);
  return app;
}
