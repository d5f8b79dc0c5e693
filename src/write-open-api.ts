import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module';
import { readSettings } from './config/settings';
import { describeApplication } from './open-api/document';
import { scimDocument } from './scim/http/open-api';
import { VERSION } from './version';

/** Writes the OpenAPI document to the file that is named. A preview of the application opens no database and no port. */
async function main(path: string): Promise<void> {
  const module = AppModule.forRoot(readSettings({}));
  const app = await NestFactory.create(module, new FastifyAdapter(), { preview: true, logger: false });
  const document = describeApplication(app, VERSION, [scimDocument()]);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(document, null, 2));
}

main(resolve(process.argv[2] ?? 'docs/openapi.json')).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
