import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/transaction-runner';

/** @returns those of these deleted users who are still to be named to people */
export type UserKeeper = (userIds: readonly string[]) => Promise<readonly string[]>;

/** Removes what is known of these users, whose rows go in the same transaction: a thousand at most. */
export type UserForgetter = (tx: Transaction, userIds: readonly string[]) => Promise<void>;

/**
 * How rooms above, of which the directory knows nothing, keep the rows of deleted users for as long as they show them, and
 * let go of their own rows with them.
 */
@Injectable()
export class KeptUsers {
  private readonly keepers: UserKeeper[] = [];
  private readonly forgetters: UserForgetter[] = [];

  keepWhile(keeper: UserKeeper): void {
    this.keepers.push(keeper);
  }

  forgetWith(forgetter: UserForgetter): void {
    this.forgetters.push(forgetter);
  }

  async forget(tx: Transaction, userIds: readonly string[]): Promise<void> {
    for (const forgetter of this.forgetters) await forgetter(tx, userIds);
  }

  async among(userIds: readonly string[]): Promise<ReadonlySet<string>> {
    const kept = await Promise.all(this.keepers.map((keeper) => keeper(userIds)));
    return new Set(kept.flat());
  }
}
