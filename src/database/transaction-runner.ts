import type { EntityManager, QueryRunner } from 'typeorm';

/** What a work may do inside its transaction. */
export interface Transaction {
  /** For tables that are not hot; the hot ones are written as SQL. */
  readonly manager: EntityManager;
  /** @returns rows of a SELECT (empty for other statements) */
  query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** Runs after a successful COMMIT, in order; must not throw and must not wait. */
  afterCommit(action: () => void): void;
}

/** @param afterCommit gets what the work wants run after the COMMIT, which is the business of the caller */
export function transactionOn(runner: QueryRunner, afterCommit: (() => void)[]): Transaction {
  return {
    manager: runner.manager,
    query: async <Row>(sql: string, parameters: readonly unknown[] = []) => {
      const rows: unknown = await runner.query(sql, parameters as unknown[]);
      return (Array.isArray(rows) ? rows : []) as Row[];
    },
    afterCommit: (action) => afterCommit.push(action),
  };
}

export interface TransactionOptions {
  /** Writes of one lane never hold up another lane's for longer than one turn; by habit the integration's id. */
  lane?: string;
  /** A write of more than a thousand rows: such writes pass one at a time, on their own. */
  big?: boolean;
  /** Gives up with `DatabaseUnavailableError` when the work could not begin within this time. Default: waits. */
  maxWaitMs?: number;
}

/**
 * The only door through which anything is written.
 *
 * A work awaits nothing but its own statements, may be run twice, does not nest, and tells whom to wake through
 * `afterCommit`. Whatever it throws rolls back all that it did, and nothing else.
 */
export abstract class TransactionRunner {
  /**
   * @throws DatabaseUnavailableError nothing was written, the same may be tried again
   * @throws CommitOutcomeUnknownError the commit was not confirmed
   * @throws whatever the work throws, after its rollback
   */
  abstract run<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
}
