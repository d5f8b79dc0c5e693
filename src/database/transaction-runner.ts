import type { EntityManager, QueryRunner } from 'typeorm';
import { currentWork } from '../event-loop/current-work';

/** What a work may do inside its transaction. */
export interface Transaction {
  /** For tables that are not hot; the hot ones are written as SQL. */
  readonly manager: EntityManager;
  /** @returns rows of a SELECT (empty for other statements) */
  query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** Runs after a successful COMMIT, in order; must not throw and must not wait. */
  afterCommit(action: () => void): void;
}

/** Where only SELECTs are asked: a transaction, or the connection that reads. */
export type SqlReader = Pick<Transaction, 'query'>;

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
  /**
   * Lanes have the writer for equal time: an integration's id, a tenant's, or the name of a job. Default: that of the work
   * on whose behalf this runs.
   */
  lane?: string;
  /** A write that touches more than a thousand rows: such writes pass one at a time, on their own, and let small ones go first. */
  big?: boolean;
  /** Gives up with `DatabaseUnavailableError` when the work could not begin within this time. Default: waits. */
  maxWaitMs?: number;
}

export function laneOf({ lane }: TransactionOptions): string {
  return lane ?? currentWork().lane;
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

  /** Takes no more works, and returns when those that it has taken are done: the connection may be closed then. */
  abstract end(): Promise<void>;
}
