import { DatabaseUnavailableError } from './database-errors';

interface Share {
  taken: number;
  waiting: (() => void)[];
}

/** Lets one lane have a few connections of the pool at a time; whoever comes beyond waits in order. */
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
      let impatience: NodeJS.Timeout | null = null;
      const admit = () => {
        if (impatience) clearTimeout(impatience);
        resolve();
      };
      share.waiting.push(admit);
      if (maxWaitMs === undefined) return;
      impatience = setTimeout(() => {
        share.waiting.splice(share.waiting.indexOf(admit), 1);
        reject(new DatabaseUnavailableError('The database was too busy to take the write in time.'));
      }, maxWaitMs);
    });
  }

  /** Gives a connection back, to the next of the lane who waits. */
  release(lane: string): void {
    const share = this.lanes.get(lane)!;
    const next = share.waiting.shift();
    if (next) return next();
    share.taken -= 1;
    if (share.taken === 0) this.lanes.delete(lane);
  }
}
