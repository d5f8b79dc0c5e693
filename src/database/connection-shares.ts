import { DatabaseUnavailableError } from './database-errors';

interface Share {
  taken: number;
  waiting: (() => void)[];
}

/**
 * Limits the connections of the pool that one lane has at a time. Further transactions of the lane wait in order.
 */
export class ConnectionShares {
  private readonly lanes = new Map<string, Share>();

  /** @param most connections that one lane may have at a time */
  constructor(private readonly most: number) {}

  /** @throws DatabaseUnavailableError when no connection was free in time */
  async take(lane: string, maxWaitMs: number | undefined): Promise<void> {
    const share = this.lanes.get(lane) ?? { taken: 0, waiting: [] };
    this.lanes.set(lane, share);
    if (share.taken < this.most) {
      share.taken += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      let timeout: NodeJS.Timeout | null = null;
      const admit = () => {
        if (timeout) clearTimeout(timeout);
        resolve();
      };
      share.waiting.push(admit);
      if (maxWaitMs === undefined) return;
      timeout = setTimeout(() => {
        share.waiting.splice(share.waiting.indexOf(admit), 1);
        reject(new DatabaseUnavailableError('The database was too busy for the write.'));
      }, maxWaitMs);
    });
  }

  /** Gives a connection to the next of the lane that waits, or back to the pool. */
  release(lane: string): void {
    const share = this.lanes.get(lane)!;
    const next = share.waiting.shift();
    if (next) return next();
    share.taken -= 1;
    if (share.taken === 0) this.lanes.delete(lane);
  }
}
