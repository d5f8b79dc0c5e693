import '../bin/node-version';
import 'reflect-metadata';
import { setFlagsFromString } from 'node:v8';
import type { Logger as Pino } from 'pino';
import { AppModule } from './app.module';
import { createApplication } from './application';
import { settingsWarnings } from './config/settings-warnings';
import { assertCanListen } from './http/port';
import { createLog } from './observability/logging';
import { runProgram } from './program';
import { AdminKeys } from './tenants/admin-keys/admin-keys.service';

// V8 lets its heap grow to several times what lives before it collects: what passes through fast, as lists of large groups do,
// would take a gigabyte that nobody needs.
setFlagsFromString('--heap-growing-percent=30');

runProgram(async (settings) => {
  const log = createLog(settings.logLevel);
  for (const warning of settingsWarnings(process.env)) log.warn(warning);
  await assertCanListen(settings.host, settings.port);
  const app = await createApplication(AppModule.forRoot(settings), settings, log);
  logEnd(log);
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  await app.listen(settings.port, settings.host);
  log.info({ address: await app.getUrl(), publicUrl: settings.publicUrl }, 'Scimify listens');
  showFirstKey(app.get(AdminKeys), log);
});

function logEnd(log: Pino): void {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      log.info({ signal }, 'Scimify stops as soon as what is under way is done');
      process.once('exit', (code) => log.info({ code }, 'Scimify stopped'));
    });
  }
}

/** Below everything else, where it is not overlooked. It never gets into a log. */
function showFirstKey(keys: AdminKeys, log: Pino): void {
  const made = keys.takeFirstKey();
  if (made === null) return;
  if (process.stdout.isTTY) {
    process.stdout.write(`\nPlatform admin key (shown once, also in ${made.path}):\n\n  ${made.token}\n\n`);
  } else {
    log.info({ path: made.path }, 'A platform admin key was made and stands in this file');
  }
}
