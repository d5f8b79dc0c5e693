import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../database/transaction-runner';

export type TestListener = (tx: Transaction, integrationId: string) => Promise<void>;

/**
 * How rooms above, of which this one knows nothing, learn in the same transaction that a connection has passed
 * the test of an admin: what is remembered of failures holds no longer.
 */
@Injectable()
export class TestedConnections {
  private readonly listeners: TestListener[] = [];

  hear(listener: TestListener): void {
    this.listeners.push(listener);
  }

  async passed(...test: Parameters<TestListener>): Promise<void> {
    for (const listener of this.listeners) await listener(...test);
  }
}
