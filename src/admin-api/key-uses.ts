import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { TransactionRunner } from '../database/transaction-runner';

export type KeyTable = 'scim_key' | 'admin_key';

/** A key that is used a hundred times a second is still written only once a minute. */
const RESOLUTION_MS = 60_000;
const WRITE_EVERY_MS = 2_000;
/** Updates that run in parallel. On SQLite they share one commit. On MySQL a locked key delays only these. */
const WRITTEN_AT_ONCE = 32;

interface Use {
  table: KeyTable;
  id: string;
  /** Epoch milliseconds. */
  at: number;
}

/**
 * Collects the last use of keys in memory and writes it later, so no request waits for the write. A crash loses
 * the last two seconds.
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

  /** @param lastUsedAt the stored value in epoch milliseconds */
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
          this.logger.warn(
            'The last use of a key could not be written. Scimify tries again in two seconds',
            outcome.reason,
          );
        } else if (this.waiting.get(key)?.at === use.at) {
          this.waiting.delete(key);
        }
      });
    }
  }

  /** One transaction for each key: in a shared one, one locked key would delay all others. */
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
