import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { TransactionRunner } from '../database/transaction-runner';

export type KeyTable = 'scim_key' | 'admin_key';

/** A key that is used a hundred times a second is written once a minute. */
const RESOLUTION_MS = 60_000;
const WRITE_EVERY_MS = 2_000;
/** Uses that wait together: on SQLite they share one commit, on MySQL a key that is locked holds up these few. */
const WRITTEN_AT_ONCE = 32;

interface Use {
  table: KeyTable;
  id: string;
  /** Epoch milliseconds. */
  at: number;
}

/**
 * When keys were used last: noted in memory, and written by and by, so that no request waits for the writer to tell of
 * itself. What was noted in the last two seconds before a crash is lost.
 */
@Injectable()
export class KeyUses implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(KeyUses.name);
  private readonly waiting = new Map<string, Use>();
  private timer: NodeJS.Timeout | null = null;
  private writing: Promise<void> = Promise.resolve();

  constructor(private readonly transactions: TransactionRunner) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.writeSoon(), WRITE_EVERY_MS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    this.writeSoon();
    await this.writing;
  }

  /** @param lastUsedAt as it is stored, in epoch milliseconds */
  note(table: KeyTable, id: string, lastUsedAt: number | string | null): void {
    const at = Date.now();
    if (Number(lastUsedAt ?? 0) >= at - RESOLUTION_MS) return;
    this.waiting.set(`${table}:${id}`, { table, id, at });
  }

  private writeSoon(): void {
    this.writing = this.writing.then(() => this.write());
  }

  private async write(): Promise<void> {
    const uses = [...this.waiting];
    for (let start = 0; start < uses.length; start += WRITTEN_AT_ONCE) {
      const some = uses.slice(start, start + WRITTEN_AT_ONCE);
      const outcomes = await Promise.allSettled(some.map(([, use]) => this.writeOne(use)));
      outcomes.forEach((outcome, index) => {
        const [key, use] = some[index]!;
        if (outcome.status === 'rejected') {
          this.logger.warn('The last use of a key could not be written, and will be', outcome.reason);
        } else if (this.waiting.get(key)?.at === use.at) {
          this.waiting.delete(key);
        }
      });
    }
  }

  /** A row of its own for each: a transaction over many keys would hold the others up while one of them is locked. */
  private writeOne({ table, id, at }: Use): Promise<unknown> {
    return this.transactions.run(
      (tx) =>
        tx.query(
          `UPDATE ${table} SET lastUsedAt = ? WHERE id = ? AND (lastUsedAt IS NULL OR lastUsedAt < ?)`,
          [at, id, at - RESOLUTION_MS],
        ),
      { lane: 'key uses' },
    );
  }
}
