import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Logger } from '@nestjs/common';
import { isNoRoom } from './database-errors';

/** As the thread tells it: an error does not pass unchanged. */
interface CopyFailure {
  message: string;
  errcode?: number;
}

const CHECKPOINT_EVERY_MS = 1_000;

/**
 * The write-ahead log of the writing connection, whose slow parts run beside the event loop. SQLite would do both in the
 * COMMIT, with everybody waiting: after a write of a hundred thousand rows each takes half a second or more.
 *
 * What was committed is flushed to the disk by a thread of the pool, before anybody is told. And it is copied into the
 * database file by a thread of its own, once a second; if that one fails, the writer's own checkpoint, at a far longer log,
 * takes its place.
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
      this.logger.warn('The log of the database is copied by the writer from now on', error),
    );
    this.timer = setInterval(() => this.copy(), CHECKPOINT_EVERY_MS);
    this.timer.unref();
  }

  /** The writing connection must be open, and have written: the log is there from then on until it is closed. */
  static async open(databasePath: string): Promise<WriteAheadLog> {
    // SQLite locks another file, so this descriptor takes part in no lock, and lets go of none.
    return new WriteAheadLog(databasePath, await open(`${databasePath}-wal`, 'r+'));
  }

  /** Returns when what was committed is on the disk. @throws the error of the disk */
  async flush(): Promise<void> {
    this.committed = true;
    await this.file.datasync();
  }

  /** Returns when the database file is let go of. */
  async end(): Promise<void> {
    clearInterval(this.timer);
    await this.file.close();
    // One that failed has ended already.
    if (this.thread.threadId === -1) return;
    const ended = once(this.thread, 'exit');
    this.thread.ref();
    this.thread.postMessage('end');
    await ended;
  }

  /** What failed is tried again with the next copy. That a disk is full is told by who writes and is refused for it. */
  private copied(failure: CopyFailure | null): void {
    this.busy = false;
    if (failure && !this.failing && !isNoRoom(failure)) {
      this.logger.warn(`The log of the database was not copied, and is tried again: ${failure.message}`);
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
