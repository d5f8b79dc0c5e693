import type { EntityManager, QueryRunner } from 'typeorm';
import { currentWork } from '../event-loop/current-work';

/** What work may do inside its transaction. */
export interface Transaction {
  /** For tables that are not hot; the hot ones are written as SQL. */
  readonly manager: EntityManager;
  /** @returns rows of a SELECT (empty for other statements) */
  query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** Runs after a successful COMMIT, in order; must not throw and must not wait. */
  afterCommit(action: () => void): void;
}

/** Runs SELECTs only: a transaction, or the connection that reads. */
export type SqlReader = Pick<Transaction, 'query'>;

/** @param afterCommit collects the actions of the work that the caller runs after the COMMIT */
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
   * All lanes get equal time of the writer: the id of an integration or a tenant, or the name of a job. Default:
   * the lane of `currentWork()`.
   */
  lane?: string;
  /**
   * A write of more than a thousand rows. Such writes run one at a time, share no COMMIT, and let small writes go
   * first.
   */
  big?: boolean;
  /** Fails with `DatabaseUnavailableError` when the work could not begin within this time. Default: waits. */
  maxWaitMs?: number;
}

export function laneOf({ lane }: TransactionOptions): string {
  return lane ?? currentWork().lane;
}

/**
 * All writes go through this class.
 *
 * The work awaits nothing but its own statements, may run twice and does not nest. It wakes other rooms through
 * `afterCommit`. An error that it throws rolls back all that it did, and nothing else.
 */
export abstract class TransactionRunner {
  /**
   * @throws DatabaseUnavailableError nothing was written, the caller may try again
   * @throws CommitOutcomeUnknownError the commit was not confirmed
   * @throws any error of the work, after its rollback
   */
  abstract run<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;

  /** Accepts no more work, and returns when the accepted work is done. Then the connection may be closed. */
  abstract end(): Promise<void>;
}
