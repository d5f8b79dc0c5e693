import type { Transaction } from './transaction-runner';

/**
 * Lets a lower room report a change without knowing who listens: an id without content, after the commit. A lost
 * announcement loses no work, because the change itself is in the database.
 */
export abstract class Announcement {
  private readonly listeners = new Set<(id: string) => void>();

  /** @returns ends the subscription */
  subscribe(listener: (id: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  announce(tx: Transaction, id: string): void {
    tx.afterCommit(() => {
      for (const listener of this.listeners) listener(id);
    });
  }
}
