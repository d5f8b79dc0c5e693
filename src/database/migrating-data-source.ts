import { DataSource, type DataSourceOptions } from 'typeorm';
import { type NewDatabase, refuseUnexpectedlyEmpty } from './new-database';

/** Longer than any migration takes. */
const LONGEST_WAIT_SECONDS = 600;

/** One lock for each database, because lock names belong to the whole server. */
const LOCK_NAME = "CONCAT('scimify-migrations-', SHA1(DATABASE()))";

/**
 * Migrates in one process at a time, however many boot together. The others then find nothing left to do. On
 * SQLite the process lock ensures this. An empty database that should not be empty is refused.
 */
export class MigratingDataSource extends DataSource {
  constructor(
    options: DataSourceOptions,
    private readonly newDatabase: NewDatabase,
  ) {
    super(options);
  }

  /** @throws NewDatabaseRefusedError when the database is empty and should not be */
  override async runMigrations(options?: Parameters<DataSource['runMigrations']>[0]) {
    if (this.options.type !== 'mysql') {
      await refuseUnexpectedlyEmpty(this, this.createQueryRunner(), this.newDatabase);
      return super.runMigrations(options);
    }
    // The lock belongs to this connection, so the server releases it however the process ends.
    const holder = this.createQueryRunner();
    try {
      const rows: unknown = await holder.query(
        `SELECT GET_LOCK(${LOCK_NAME}, ${LONGEST_WAIT_SECONDS}) AS locked`,
      );
      const [row] = rows as [{ locked: number | string | null }];
      if (Number(row.locked) !== 1) {
        throw new Error(
          'Another process has been migrating the database for ten minutes. Check that process first.',
        );
      }
      try {
        await refuseUnexpectedlyEmpty(this, holder, this.newDatabase);
        return await super.runMigrations(options);
      } finally {
        await holder.query(`SELECT RELEASE_LOCK(${LOCK_NAME})`);
      }
    } finally {
      await holder.release();
    }
  }
}
