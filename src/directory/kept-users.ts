import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/transaction-runner';

/** @returns which of these deleted users are still shown by name */
export type UserKeeper = (userIds: readonly string[]) => Promise<readonly string[]>;

/** Removes other rows about these users (at most a thousand), in the transaction that removes the users. */
export type UserForgetter = (tx: Transaction, userIds: readonly string[]) => Promise<void>;

/**
 * Other modules, which the directory does not know, register here. They keep the row of a deleted user while they show
 * that user, and remove their own rows together with it.
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
