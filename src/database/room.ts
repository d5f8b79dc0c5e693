import { Logger } from '@nestjs/common';
import { DatabaseFullError } from './database-errors';
import type { TransactionRunner } from './transaction-runner';

const PROBE_EVERY_MS = 2_000;
/** Far more than a small write takes, so that it does not go to and fro. */
const PROBE_LENGTH = 256 * 1024;
const PROBE_ID = 'room';

/**
 * Whether the database has room for what is to be written. The log says once that it has none, and once that it has some
 * again: what was refused meanwhile is not told one by one.
 */
export class DatabaseRoom {
  private readonly logger = new Logger('Database');
  private timer: NodeJS.Timeout | null = null;

  get isFull(): boolean {
    return this.timer !== null;
  }

  /**
   * Notes that a write found no room, and looks from then on whether there is some.
   *
   * @returns what to tell whoever wrote
   */
  refuse(transactions: TransactionRunner, cause: unknown): DatabaseFullError {
    const error = new DatabaseFullError(cause);
    if (this.timer === null) {
      this.logger.error(
        `The disk of the database is full: nothing can be written until there is room (${causeOf(cause)}). Identity providers are told to try again, reads go on, and /health/ready says 503.`,
      );
      this.timer = setTimeout(() => void this.probe(transactions), PROBE_EVERY_MS).unref();
    }
    return error;
  }

  end(): void {
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private async probe(transactions: TransactionRunner): Promise<void> {
    const clear = () =>
      transactions.run((tx) => tx.query('DELETE FROM room_probe WHERE id = ?', [PROBE_ID]), { lane: 'room' });
    try {
      await clear();
      await transactions.run(
        (tx) =>
          tx.query('INSERT INTO room_probe (id, filling) VALUES (?, ?)', [
            PROBE_ID,
            'x'.repeat(PROBE_LENGTH),
          ]),
        { lane: 'room' },
      );
      await clear();
      this.timer = null;
      this.logger.log('The database has room again: everything is written as before.');
    } catch {
      // As full as before, or away: the health of the database is told by whoever asks for it.
      this.timer = setTimeout(() => void this.probe(transactions), PROBE_EVERY_MS).unref();
    }
  }
}

function causeOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'no reason given';
}
