import { SettingsInvalidError } from './config/settings';
import { BackupError } from './database/backup';
import { DatabaseInUseError, LockFileError, NewDatabaseRefusedError } from './database/database-errors';
import { SecretUnreadableError } from './security/secret-box';

/** Exit code 1; what the operator can mend needs no stack. */
export function endWith(error: unknown): never {
  const expected =
    error instanceof SettingsInvalidError ||
    error instanceof DatabaseInUseError ||
    error instanceof LockFileError ||
    error instanceof NewDatabaseRefusedError ||
    error instanceof BackupError ||
    error instanceof SecretUnreadableError;
  console.error(expected ? error.message : error);
  process.exit(1);
}
