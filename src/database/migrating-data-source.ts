import { DataSource, type DataSourceOptions } from 'typeorm';
import { type NewDatabase, refuseUnexpectedlyEmpty } from './new-database';

/** Longer than any migration takes. */
const LONGEST_WAIT_SECONDS = 600;

/** Of this database alone: the name of a lock is the server's. */
const LOCK_NAME = "CONCAT('scimify-migrations-', SHA1(DATABASE()))";

/**
 * Migrates in one process at a time, however many boot at once; those that waited find nothing left to do. On SQLite the
 * lock of the process sees to that. An empty database is begun only where one is expected.
 */
export class MigratingDataSource extends DataSource {
  constructor(
    options: DataSourceOptions,
    private readonly newDatabase: NewDatabase,
  ) {
    super(options);
  }

  /** @throws NewDatabaseRefusedError when the database is empty and ought not to be */
  override async runMigrations(options?: Parameters<DataSource['runMigrations']>[0]) {
    if (this.options.type !== 'mysql') {
      await refuseUnexpectedlyEmpty(this, this.createQueryRunner(), this.newDatabase);
      return super.runMigrations(options);
    }
    // The lock belongs to this connection: however the process ends, the server takes it back.
    const holder = this.createQueryRunner();
    try {
      const rows: unknown = await holder.query(
        `SELECT GET_LOCK(${LOCK_NAME}, ${LONGEST_WAIT_SECONDS}) AS locked`,
      );
      const [row] = rows as [{ locked: number | string | null }];
      if (Number(row.locked) !== 1) {
        throw new Error('Another process has been migrating the database for ten minutes; look at it first.');
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
