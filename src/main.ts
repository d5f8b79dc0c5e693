import 'reflect-metadata';
import { createApplication } from './application';
import { SettingsInvalidError, readSettings } from './config/settings';
import { DatabaseInUseError } from './database/database-errors';
import { createLog } from './observability/logging';
import { SecretUnreadableError } from './security/secret-box';

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const log = createLog(settings.logLevel);
  const app = await createApplication(settings, log);
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  await app.listen(settings.port, settings.host);
  log.info({ address: await app.getUrl(), publicUrl: settings.publicUrl }, 'Scimify listens');
}

main().catch((error: unknown) => {
  // What the operator can mend needs no stack.
  const expected =
    error instanceof SettingsInvalidError ||
    error instanceof DatabaseInUseError ||
    error instanceof SecretUnreadableError;
  console.error(expected ? error.message : error);
  process.exit(1);
});
