import { Logger } from '@nestjs/common';
import type { DataSource, QueryRunner } from 'typeorm';
import type { Settings } from '../config/settings';
import { encryptionKeysFoundIn } from '../security/encryption-keys';
import { NewDatabaseRefusedError } from './database-errors';

/** What decides whether an empty database may be begun. */
export interface NewDatabase {
  /** The operator said so: `SCIMIFY_NEW_DATABASE=true`. */
  allowed: boolean;
  /** Where the encryption key was found, null where none has been made yet: then this is the first start. */
  keyFoundIn: string | null;
}

export function newDatabaseOf(settings: Settings): NewDatabase {
  return { allowed: settings.newDatabase, keyFoundIn: encryptionKeysFoundIn(settings) };
}

const logger = new Logger('Database');

/**
 * Keeps a lost database from being taken for a first start: an encryption key says that there was one.
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
      'SCIMIFY_NEW_DATABASE=true is for the first start only. Take it away: with it, Scimify would begin anew without a word if its database were lost.',
    );
  }
}

/** Of a database that was begun, the first migration is written down. */
async function isEmpty(runner: QueryRunner): Promise<boolean> {
  if (!(await runner.hasTable('migrations'))) return true;
  const rows = (await runner.query('SELECT 1 FROM migrations LIMIT 1')) as unknown[];
  return rows.length === 0;
}

/** Without the user and the password of an address. */
function nameOf({ options }: DataSource): string {
  if (options.type !== 'mysql') return String(options.database);
  const { host, pathname } = new URL(options.url!);
  return `${pathname.slice(1)} at ${host}`;
}
