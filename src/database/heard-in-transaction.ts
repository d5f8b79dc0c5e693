import type { Transaction } from './transaction-runner';

/** How rooms above, of which the one that tells knows nothing, learn of something in the very transaction that makes it so. */
export abstract class HeardInTransaction<Told extends unknown[]> {
  private readonly listeners: ((tx: Transaction, ...told: Told) => Promise<void>)[] = [];

  hear(listener: (tx: Transaction, ...told: Told) => Promise<void>): void {
    this.listeners.push(listener);
  }

  async tell(tx: Transaction, ...told: Told): Promise<void> {
    for (const listener of this.listeners) await listener(tx, ...told);
  }
}
