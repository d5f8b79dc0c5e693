import type { Transaction } from './transaction-runner';

/**
 * Lets upper rooms take part in the transaction that makes a change. The room that reports the change does not
 * know them.
 */
export abstract class HeardInTransaction<Told extends unknown[]> {
  private readonly listeners: ((tx: Transaction, ...told: Told) => Promise<void>)[] = [];

  hear(listener: (tx: Transaction, ...told: Told) => Promise<void>): void {
    this.listeners.push(listener);
  }

  async tell(tx: Transaction, ...told: Told): Promise<void> {
    for (const listener of this.listeners) await listener(tx, ...told);
  }
}
