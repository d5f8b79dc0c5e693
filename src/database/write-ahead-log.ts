import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Logger } from '@nestjs/common';
import { isOutOfSpace } from './database-errors';

/** A failure that the thread sends. An `Error` would change on its way between threads. */
interface CopyFailure {
  message: string;
  errcode?: number;
}

const CHECKPOINT_EVERY_MS = 1_000;

/**
 * Runs the slow parts of the writer's write-ahead log beside the event loop. SQLite would run both in the COMMIT
 * and block all requests: after a write of a hundred thousand rows each takes half a second or more.
 *
 * A thread of the pool flushes what was committed to the disk, before any caller gets its result. A separate
 * thread copies it into the database file, once a second. If that thread fails, the writer's own checkpoint takes
 * its place, at a far longer log.
 */
export class WriteAheadLog {
  private readonly logger = new Logger(WriteAheadLog.name);
  private readonly thread: Worker;
  private readonly timer: NodeJS.Timeout;
  private committed = false;
  private busy = false;
  private failing = false;

  private constructor(
    databasePath: string,
    private readonly file: FileHandle,
  ) {
    this.thread = new Worker(join(__dirname, 'checkpoint-thread.js'), {
      workerData: { database: databasePath, sqlite: require.resolve('@photostructure/sqlite') },
    });
    this.thread.unref();
    this.thread.on('message', (failure: CopyFailure | null) => this.copied(failure));
    this.thread.on('error', (error) =>
      this.logger.warn(
        'The thread that copies the log of the database failed. The writer copies the log from now on',
        error,
      ),
    );
    this.timer = setInterval(() => this.copy(), CHECKPOINT_EVERY_MS);
    this.timer.unref();
  }

  /** The writing connection must be open and have written: then the log exists until the connection closes. */
  static async open(databasePath: string): Promise<WriteAheadLog> {
    // SQLite locks another file, so closing this descriptor releases no lock.
    return new WriteAheadLog(databasePath, await open(`${databasePath}-wal`, 'r+'));
  }

  /** Returns when what was committed is on the disk. @throws the error of the disk */
  async flush(): Promise<void> {
    this.committed = true;
    await this.file.datasync();
  }

  /** Returns when the database file is closed. */
  async end(): Promise<void> {
    clearInterval(this.timer);
    await this.file.close();
    // A thread that failed has already ended.
    if (this.thread.threadId === -1) return;
    const ended = once(this.thread, 'exit');
    this.thread.ref();
    this.thread.postMessage('end');
    await ended;
  }

  /** The next copy tries again. A full disk is not logged here, because the refused write logs it. */
  private copied(failure: CopyFailure | null): void {
    this.busy = false;
    if (failure && !this.failing && !isOutOfSpace(failure)) {
      this.logger.warn(`Scimify could not copy the log of the database, and tries again: ${failure.message}`);
    }
    this.committed ||= failure !== null;
    this.failing = failure !== null;
  }

  private copy(): void {
    if (!this.committed || this.busy) return;
    this.committed = false;
    this.busy = true;
    this.thread.postMessage('copy');
  }
}
