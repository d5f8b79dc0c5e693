import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Logger } from '@nestjs/common';

const CHECKPOINT_EVERY_MS = 1_000;

/**
 * Copies what was committed from the write-ahead log into the database file, in a thread of its own: after a write of a
 * hundred thousand rows that takes half a second, and SQLite would do it in the COMMIT, with everybody waiting. It goes on
 * only while something is committed. If it fails, the writer's own checkpoint, at a far longer log, takes its place.
 */
export class Checkpoints {
  private readonly logger = new Logger(Checkpoints.name);
  private readonly thread: Worker;
  private readonly timer: NodeJS.Timeout;
  private committed = false;
  private busy = false;

  constructor(databasePath: string) {
    this.thread = new Worker(join(__dirname, 'checkpoint-thread.js'), {
      workerData: { database: databasePath, sqlite: require.resolve('@photostructure/sqlite') },
    });
    this.thread.unref();
    this.thread.on('message', () => (this.busy = false));
    this.thread.on('error', (error) =>
      this.logger.warn('The log of the database is copied by the writer from now on', error),
    );
    this.timer = setInterval(() => this.copy(), CHECKPOINT_EVERY_MS);
    this.timer.unref();
  }

  /** Something was committed. */
  note(): void {
    this.committed = true;
  }

  /** Returns when the database file is let go of. */
  async end(): Promise<void> {
    clearInterval(this.timer);
    // One that failed has ended already.
    if (this.thread.threadId === -1) return;
    const ended = once(this.thread, 'exit');
    this.thread.ref();
    this.thread.postMessage('end');
    await ended;
  }

  private copy(): void {
    if (!this.committed || this.busy) return;
    this.committed = false;
    this.busy = true;
    this.thread.postMessage('copy');
  }
}
