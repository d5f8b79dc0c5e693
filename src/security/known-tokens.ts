import { v7 as leastUuid } from 'uuid';
import { wasMadeHere } from './token';

export interface StoredToken {
  /** UUIDv7. */
  id: string;
  tokenHash: string;
}

const FRESH_MS = 1_000;
const PAGE = 5_000;
/** Clocks differ and transactions take time, so ids do not become visible in their order. */
const LOOK_BACK_MS = 24 * 60 * 60 * 1_000;

/**
 * The hashes of all keys of one kind, at most a second old. It knows the keys of this process from the moment they
 * were made. It never says that a token is valid, only that a token is unknown, and it needs no look-up for that.
 * However many tokens clients guess, it asks the database at most once a second, for new keys.
 */
export class KnownTokens {
  private readonly hashes = new Set<string>();
  private readFrom = '';
  private readAt = -Infinity;
  private reading: Promise<void> | null = null;

  /** @param page reads the keys that follow an id in the order of ids, also revoked ones */
  constructor(private readonly page: (afterId: string, limit: number) => Promise<StoredToken[]>) {}

  async has(hash: string): Promise<boolean> {
    if (this.hashes.has(hash) || wasMadeHere(hash)) return true;
    if (performance.now() - this.readAt < FRESH_MS) return false;
    this.reading ??= this.readNew().finally(() => (this.reading = null));
    await this.reading;
    return this.hashes.has(hash);
  }

  private async readNew(): Promise<void> {
    const startedAt = performance.now();
    const nextFrom = leastUuid({ msecs: Date.now() - LOOK_BACK_MS, seq: 0, random: new Uint8Array(16) });
    for (let after = this.readFrom; ;) {
      const rows = await this.page(after, PAGE);
      for (const { tokenHash } of rows) this.hashes.add(tokenHash);
      if (rows.length < PAGE) break;
      after = rows.at(-1)!.id;
    }
    this.readFrom = nextFrom;
    this.readAt = startedAt;
  }
}
