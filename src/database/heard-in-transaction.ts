import type { Transaction } from './transaction-runner';

/**
 * Lets upper rooms take part in the transaction that makes a change. The room that reports the change does not
 * know them.
 */
export abstract class HeardInTransaction<Args extends unknown[]> {
  private readonly listeners: ((tx: Transaction, ...args: Args) => Promise<void>)[] = [];

  hear(listener: (tx: Transaction, ...args: Args) => Promise<void>): void {
    this.listeners.push(listener);
  }

  async tell(tx: Transaction, ...args: Args): Promise<void> {
    for (const listener of this.listeners) await listener(tx, ...args);
  }
}
