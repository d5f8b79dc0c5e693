import '../bin/node-version';
import 'reflect-metadata';
import { setFlagsFromString } from 'node:v8';
import { AppModule } from './app.module';
import { createApplication } from './application';
import { readSettings } from './config/settings';
import { createLog } from './observability/logging';
import { endWith } from './process-end';

// V8 lets its heap grow to several times what lives before it collects: what passes through fast, as lists of large groups do,
// would take a gigabyte that nobody needs.
setFlagsFromString('--heap-growing-percent=30');

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const log = createLog(settings.logLevel);
  const app = await createApplication(AppModule.forRoot(settings), settings, log);
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  await app.listen(settings.port, settings.host);
  log.info({ address: await app.getUrl(), publicUrl: settings.publicUrl }, 'Scimify listens');
}

main().catch(endWith);
