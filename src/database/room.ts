import { Logger } from '@nestjs/common';
import { DatabaseFullError } from './database-errors';
import type { TransactionRunner } from './transaction-runner';

const PROBE_EVERY_MS = 2_000;
/** Far more than a small write takes, so the state does not change back and forth. */
const PROBE_LENGTH = 256 * 1024;
const PROBE_ID = 'room';

/**
 * Knows whether the disk of the database is full. It logs once that the disk is full, and once that it has space
 * again. It does not log each refused write.
 */
export class DatabaseSpace {
  private readonly logger = new Logger('Database');
  private timer: NodeJS.Timeout | null = null;

  get isFull(): boolean {
    return this.timer !== null;
  }

  /**
   * Notes that a write found no space, and tests from then on whether there is space.
   *
   * @returns the error for the caller
   */
  refuse(transactions: TransactionRunner, cause: unknown): DatabaseFullError {
    const error = new DatabaseFullError(cause);
    if (this.timer === null) {
      this.logger.error(
        `The disk of the database is full (${causeOf(cause)}). Free some space: until then Scimify refuses writes, tells identity providers to try again, and answers 503 to /health/ready. Reads go on.`,
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
      this.logger.log('The database has space again, and Scimify accepts writes.');
    } catch {
      // Still full, or unavailable: `/health/ready` reports an unavailable database.
      this.timer = setTimeout(() => void this.probe(transactions), PROBE_EVERY_MS).unref();
    }
  }
}

function causeOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'no reason given';
}
