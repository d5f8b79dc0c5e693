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

// By default V8 lets the heap grow to several times its live data before it collects garbage. Short-lived data,
// e.g. lists of large groups, would then take an extra gigabyte.
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
      log.info({ signal }, 'Scimify finishes its current work and then stops');
      process.once('exit', (code) => log.info({ code }, 'Scimify stopped'));
    });
  }
}

/** Printed last, so that the operator sees it. It never goes into a log. */
function showFirstKey(keys: AdminKeys, log: Pino): void {
  const made = keys.takeFirstKey();
  if (made === null) return;
  if (process.stdout.isTTY) {
    process.stdout.write(`\nPlatform admin key (shown once, also in ${made.path}):\n\n  ${made.token}\n\n`);
  } else {
    log.info({ path: made.path }, 'Scimify created a platform admin key. This file holds it');
  }
}
