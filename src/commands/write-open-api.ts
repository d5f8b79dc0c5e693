import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { describeDoors } from '../api-documents';
import { AppModule } from '../app.module';
import { readSettings } from '../config/settings';

/** Writes the OpenAPI documents to the given folder. The preview mode of Nest opens no database and no port. */
async function main(folder: string): Promise<void> {
  const module = AppModule.forRoot(readSettings({}));
  const app = await NestFactory.create(module, new FastifyAdapter(), { preview: true, logger: false });
  mkdirSync(folder, { recursive: true });
  for (const { file, document } of describeDoors(app)) {
    writeFileSync(join(folder, file), JSON.stringify(document, null, 2));
  }
}

main(resolve(process.argv[2] ?? 'docs')).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
