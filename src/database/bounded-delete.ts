import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { dialect } from './dialect';
import type { Transaction } from './transaction-runner';

/** Rows that one transaction removes. Other writes run in between. */
const ROWS_PER_DELETE = 1_000;

/** Runs a transaction with the options of the caller. */
export type RunTransaction = <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>;

/**
 * Removes rows a thousand at a time, each thousand in its own transaction. After an interruption, the next call
 * goes on with what is left.
 *
 * @param where a condition that an index answers
 */
export async function deleteInThousands(
  run: RunTransaction,
  table: string,
  where: string,
  parameters: readonly unknown[],
): Promise<void> {
  const remove =
    dialect === 'mysql'
      ? `DELETE FROM ${table} WHERE ${where} LIMIT ${ROWS_PER_DELETE}`
      : `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE ${where} LIMIT ${ROWS_PER_DELETE})`;
  for (;;) {
    const more = await run(async (tx) => {
      await tx.query(remove, parameters);
      const left = await tx.query(`SELECT 1 FROM ${table} WHERE ${where} LIMIT 1`, parameters);
      return left.length > 0;
    });
    if (!more) return;
    await yieldToEventLoop();
  }
}
