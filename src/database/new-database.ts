import { Logger } from '@nestjs/common';
import type { DataSource, QueryRunner } from 'typeorm';
import type { Settings } from '../config/settings';
import { encryptionKeysFoundIn } from '../security/encryption-keys';
import { NewDatabaseRefusedError } from './database-errors';

/** What decides whether Scimify may start with an empty database. */
export interface NewDatabase {
  /** The operator allows it: `SCIMIFY_NEW_DATABASE=true`. */
  allowed: boolean;
  /** Where the encryption key was found; null when there is none yet, which means a first start. */
  keyFoundIn: string | null;
}

export function newDatabaseOf(settings: Settings): NewDatabase {
  return { allowed: settings.newDatabase, keyFoundIn: encryptionKeysFoundIn(settings) };
}

const logger = new Logger('Database');

/**
 * Does not mistake a lost database for a first start: an encryption key shows that there was a database.
 *
 * @throws NewDatabaseRefusedError
 */
export async function refuseUnexpectedlyEmpty(
  dataSource: DataSource,
  runner: QueryRunner,
  { allowed, keyFoundIn }: NewDatabase,
): Promise<void> {
  if (await isEmpty(runner)) {
    if (keyFoundIn !== null && !allowed) throw new NewDatabaseRefusedError(nameOf(dataSource), keyFoundIn);
  } else if (allowed) {
    logger.warn(
      'SCIMIFY_NEW_DATABASE=true is for the first start only. Remove it: with this setting, Scimify starts with an empty database and no warning if its database is lost.',
    );
  }
}

/** A database in use has recorded its first migration. */
async function isEmpty(runner: QueryRunner): Promise<boolean> {
  if (!(await runner.hasTable('migrations'))) return true;
  const rows = (await runner.query('SELECT 1 FROM migrations LIMIT 1')) as unknown[];
  return rows.length === 0;
}

/** Without the user and the password of the URL. */
function nameOf({ options }: DataSource): string {
  if (options.type !== 'mysql') return String(options.database);
  const { host, pathname } = new URL(options.url!);
  return `${pathname.slice(1)} at ${host}`;
}
