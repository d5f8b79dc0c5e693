import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource, QueryRunner } from 'typeorm';
import { TransactionRunner } from '../../../../src/database/transaction-runner';
import { statementLogger } from '../../../support/statement-logger';

/** Statements that the product sends by itself: it looks for work, and for deleted rows. */
const BACKGROUND =
  /deletedAt (IS NOT NULL|>= \?)|FROM remote_user l\b|DELETE FROM (scim_user|remote_user)|\b(lease|integration_work|held_item|scim_key|integration)\b|FROM group_change/;
const NO_WORK = /^\s*(START|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|PRAGMA|EXPLAIN|SHOW)\b/i;
/** One row for each membership: a search by less than the pair may find a hundred thousand rows. */
const OF_PAIRS = /^SEARCH (group_member|member_change|m)\b(?!.*userId=\?)/;

export interface Statement {
  sql: string;
  parameters: readonly unknown[];
}

/** The cost of a statement, as the database reports it. */
export interface Cost {
  /** What it does with each table, in the database's words; empty for an INSERT, which reads nothing. */
  plan: string[];
  /** It reads a whole table or a whole index, or all rows of one group. */
  scans: boolean;
  /** It sorts rows without an index. */
  sorts: boolean;
  /** Rows and index entries that it read; null on SQLite, which does not count. */
  rowsRead: number | null;
}

/** The statements that the product sends to its database, on the read and the write connection. */
export class StatementLog {
  private readonly seen: Statement[] = [];

  private constructor(
    private readonly reader: DataSource,
    writer: DataSource,
  ) {
    const logger = statementLogger((sql, parameters) => this.seen.push({ sql, parameters }));
    for (const connection of [reader, writer]) connection.logger = logger;
  }

  static attach(app: NestFastifyApplication): StatementLog {
    const { writer } = app.get<{ writer: DataSource }>(TransactionRunner);
    return new StatementLog(app.get<DataSource>(getDataSourceToken()), writer);
  }

  /** The statements that run during an action. */
  async during<T>(action: () => Promise<T>): Promise<{ result: T; statements: Statement[] }> {
    this.seen.length = 0;
    const result = await action();
    const statements = this.seen.filter(({ sql }) => !NO_WORK.test(sql) && !BACKGROUND.test(sql));
    return { result, statements };
  }

  /** The statements that read more rows than this, or scan a table or an index. */
  async dearerThan(rows: number, statements: readonly Statement[]): Promise<(Statement & Cost)[]> {
    const dear: (Statement & Cost)[] = [];
    for (const statement of statements) {
      const cost = await this.costOf(statement);
      if (cost.scans || (cost.rowsRead ?? 0) > rows) dear.push({ ...statement, ...cost });
    }
    return dear;
  }

  async costOf(statement: Statement): Promise<Cost> {
    if (/^\s*INSERT/i.test(statement.sql)) return { plan: [], scans: false, sorts: false, rowsRead: 0 };
    return this.reader.options.type === 'mysql' ? this.mysqlCost(statement) : this.sqliteCost(statement);
  }

  private async sqliteCost({ sql, parameters }: Statement): Promise<Cost> {
    const rows = await this.reader.query<{ detail: string }[]>(
      `EXPLAIN QUERY PLAN ${sql}`,
      parameters as unknown[],
    );
    const plan = rows.map(({ detail }) => detail);
    return {
      plan,
      scans: plan.some((step) => /^SCAN (?!CONSTANT)/.test(step) || OF_PAIRS.test(step)),
      sorts: plan.some((step) => step.includes('TEMP B-TREE')),
      rowsRead: null,
    };
  }

  private async mysqlCost({ sql, parameters }: Statement): Promise<Cost> {
    const steps = await this.reader.query<
      {
        table: string | null;
        type: string | null;
        key: string | null;
        rows: number | null;
        Extra: string | null;
      }[]
    >(`EXPLAIN ${sql}`, parameters as unknown[]);
    const estimate = steps.reduce((sum, { rows }) => sum + Number(rows ?? 0), 0);
    return {
      plan: steps.map(({ table, type, key, Extra }) => [table, type, key, Extra].filter(Boolean).join(' ')),
      // MySQL reads a small table completely instead of using an index.
      scans: steps.some(({ type, rows }) => (type === 'ALL' || type === 'index') && Number(rows) > 100),
      sorts: steps.some(({ Extra }) => /filesort|temporary/.test(Extra ?? '')),
      // A statement that has changed rows cannot run again, so the estimate has to do.
      rowsRead: /^\s*SELECT/i.test(sql) ? await this.rowsReadBy(sql, parameters) : estimate,
    };
  }

  private async rowsReadBy(sql: string, parameters: readonly unknown[]): Promise<number> {
    const session = this.reader.createQueryRunner();
    try {
      // Reading the counters counts as well.
      const first = await rowsRead(session);
      const asking = (await rowsRead(session)) - first;
      await session.query(sql, parameters as unknown[]);
      return (await rowsRead(session)) - first - 2 * asking;
    } finally {
      await session.release();
    }
  }
}

/** `Handler_icp_attempts` (MariaDB only) are index entries that were read and discarded. */
async function rowsRead(session: QueryRunner): Promise<number> {
  const counters = (await session.query(
    "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = 'Handler_icp_attempts'",
  )) as { Variable_name: string; Value: string }[];
  return counters
    .filter(({ Variable_name }) => Variable_name !== 'Handler_read_rnd_deleted')
    .reduce((sum, { Value }) => sum + Number(Value), 0);
}
