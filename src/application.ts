import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Logger as Pino } from 'pino';
import { describeDoors } from './api-documents';
import type { Settings } from './config/settings';
import { answerError, answerUnparsed } from './http-error.filter';
import { createServer } from './http/server';
import { NestLog } from './observability/logging';
import { serveApiDocs, serveDocsDisabledNotice } from './open-api/api-docs';

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
  const server = await createServer(settings, log, { answerError, answerUnparsed });
  const app = await NestFactory.create<NestFastifyApplication>(module, server, {
    logger: new NestLog(log),
    bodyParser: false,
    abortOnError: false,
  });
  const fastify = server.getInstance<FastifyInstance>();
  if (settings.apiDocs) serveApiDocs(fastify, describeDoors(app));
  else serveDocsDisabledNotice(fastify);
  return app;
}
