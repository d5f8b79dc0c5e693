import { BadRequestException, UnsupportedMediaTypeException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger as Pino } from 'pino';
import { v4 as randomUuid } from 'uuid';
import { adminValidation } from './admin-api/validation';
import { AppModule } from './app.module';
import type { Settings } from './config/settings';
import { HttpErrorFilter, answerError } from './http-error.filter';
import { NestLog, logRequests } from './observability/logging';
import { VERSION } from './version';

const MIB = 1024 * 1024;
/** Okta sends a group with all its members. */
const GROUP_BODY_LIMIT = 32 * MIB;
const BODY_LIMIT = MIB;

/** The whole product, ready to listen. */
export async function createApplication(settings: Settings, log: Pino): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    // The id in logs and audit events is ours, whatever the client sends.
    genReqId: () => randomUuid(),
    bodyLimit: BODY_LIMIT,
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 300 },
    forceCloseConnections: 'idle',
    // A request that came in before the end is answered as any other: an IdP takes a 503 for final.
    return503OnClosing: false,
    // A path that cannot be decoded reaches no route, and no filter.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      void answerError(error, request, reply),
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  fastify.addHook('onRoute', (route) => {
    if (/^\/scim\/.*\/Groups/.test(route.url)) route.bodyLimit = GROUP_BODY_LIMIT;
  });
  fastify.addHook('onSend', async (request, reply) => {
    void reply.header('X-Request-Id', request.id);
  });
  logRequests(fastify, log);

  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(settings), adapter, {
    logger: new NestLog(log),
    bodyParser: false,
    abortOnError: false,
  });
  parseJsonBodies(fastify);
  app.useGlobalFilters(new HttpErrorFilter());
  app.useGlobalPipes(adminValidation());
  documentApi(app);
  return app;
}

function parseJsonBodies(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    ['application/json', 'application/scim+json'],
    { parseAs: 'buffer' },
    (request, body: Buffer, done) => {
      // An empty body is a missing one, whatever type the client gives it.
      if (body.length === 0) {
        done(null, undefined);
        return;
      }
      let text: string;
      try {
        text = utf8.decode(body);
      } catch {
        done(new BadRequestException('The request body is not UTF-8.'));
        return;
      }
      void parse(request, text, done);
    },
  );
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    if (body.length === 0) done(null, undefined);
    else done(new UnsupportedMediaTypeException('Send the body as application/json.'));
  });
}

function documentApi(app: NestFastifyApplication): void {
  const config = new DocumentBuilder()
    .setTitle('Scimify')
    .setDescription('SCIM 2.0 groups become PagerDuty teams. Errors are problem details (RFC 9457).')
    .setVersion(VERSION)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'Admin key' }, 'adminKey')
    .build();
  SwaggerModule.setup('api/docs', app, () => SwaggerModule.createDocument(app, config), {
    jsonDocumentUrl: 'api/openapi.json',
    swaggerOptions: { persistAuthorization: true },
  });
}
