import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/transaction-runner';
import type { ChangeContext } from './change-context';

/** @param emailKey folded, of a user who is active from now on or has another address from now on */
export type AddressListener = (
  tx: Transaction,
  context: ChangeContext,
  given: { userId: string; emailKey: string },
) => Promise<void>;

/**
 * How rooms above, of which the directory knows nothing, learn in the same transaction that an active user has an address
 * from now on: somebody else may have been found by it before.
 */
@Injectable()
export class GivenAddresses {
  private readonly listeners: AddressListener[] = [];

  hear(listener: AddressListener): void {
    this.listeners.push(listener);
  }

  async given(...address: Parameters<AddressListener>): Promise<void> {
    for (const listener of this.listeners) await listener(...address);
  }
}
