import type {
  DatabaseSync as DatabaseSyncClass,
  DatabaseSyncInstance,
  StatementSyncInstance,
} from '@photostructure/sqlite';
import { Logger } from '@nestjs/common';
import { currentWork } from '../event-loop/current-work';
import { noteHolder, noteStatement } from '../event-loop/thread-watch';
import { builtInSqlite } from './built-in-sqlite';

type Bindable = null | number | bigint | string | Uint8Array;

const KEEP_THE_LOG = 'keep its -wal file with it, or make a copy with npm run backup';

type SqliteModule = { DatabaseSync: typeof DatabaseSyncClass };

/** `node:sqlite` where the runtime has it (Node 22.13+), else the package with the same API (Node 20). */
export function loadSqlite(): SqliteModule {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- only loaded where the runtime lacks it
  return builtInSqlite() ?? (require('@photostructure/sqlite') as SqliteModule);
}

/**
 * Gives `node:sqlite` the interface of `better-sqlite3`, which TypeORM's driver of that name calls.
 *
 * It throws a `TypeError` for values that `node:sqlite` would bind wrongly without an error (an object as first
 * value binds NULL, a string with U+0000 is cut on Node 20).
 */
export class SqliteDriver {
  private readonly database: DatabaseSyncInstance;
  private readonly logger = new Logger('Database');

  constructor(
    path: string,
    private readonly options: { readonly?: boolean; timeout?: number } = {},
  ) {
    const { DatabaseSync } = loadSqlite();
    this.database = new DatabaseSync(path, { readOnly: options.readonly ?? false });
    this.database.exec(`PRAGMA busy_timeout = ${options.timeout ?? 5000}`);
  }

  prepare(sql: string): SqliteStatement {
    return new SqliteStatement(this.database.prepare(sql), sql);
  }

  exec(sql: string): this {
    noteStart(sql);
    this.database.exec(sql);
    return this;
  }

  pragma(pragma: string): unknown[] {
    return this.database.prepare(`PRAGMA ${pragma}`).all();
  }

  close(): void {
    if (!this.options.readonly) this.copyLog();
    this.database.close();
  }

  /**
   * Copies the log into the file, which is complete without its log from then on. SQLite does this itself when the
   * last connection closes. With the package it notices the last one only after every statement was
   * garbage-collected.
   */
  private copyLog(): void {
    try {
      const [outcome] = this.pragma('wal_checkpoint(TRUNCATE)') as [{ busy: number }];
      if (outcome.busy !== 0) this.logger.warn(`Another program reads the database: ${KEEP_THE_LOG}`);
    } catch (error) {
      this.logger.warn(
        `Scimify could not copy the log of the database into its file: ${KEEP_THE_LOG}`,
        error,
      );
    }
  }
}

class SqliteStatement {
  /** Whether it returns rows: TypeORM then calls `all` instead of `run`. */
  readonly reader: boolean;

  constructor(
    private readonly statement: StatementSyncInstance,
    private readonly sql: string,
  ) {
    this.reader = statement.columns().length > 0;
  }

  run(...values: unknown[]) {
    noteStart(this.sql);
    return this.statement.run(...bindable(values));
  }

  all(...values: unknown[]): unknown[] {
    noteStart(this.sql);
    return this.statement.all(...bindable(values));
  }

  get(...values: unknown[]): unknown {
    noteStart(this.sql);
    return this.statement.get(...bindable(values));
  }

  iterate(...values: unknown[]) {
    noteStart(this.sql);
    return this.statement.iterate(...bindable(values));
  }
}

/** A statement holds the thread until it is done. */
function noteStart(sql: string): void {
  noteHolder(currentWork());
  noteStatement(sql);
}

function bindable(values: unknown[]): Bindable[] {
  for (const [index, value] of values.entries()) {
    if (value === undefined || typeof value === 'boolean' || isUnbindableObject(value)) {
      throw new TypeError(
        `SQL parameter ${index + 1} is ${describe(value)}: bind text, a number, bytes or null`,
      );
    }
    if (typeof value === 'string' && value.includes('\0')) {
      throw new TypeError(`SQL parameter ${index + 1} holds U+0000, which SQLite would cut off`);
    }
  }
  return values as Bindable[];
}

function isUnbindableObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

function describe(value: unknown): string {
  return value instanceof Date ? 'a Date' : value === undefined ? 'undefined' : `of type ${typeof value}`;
}
