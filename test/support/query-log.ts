import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { walksTable } from './query-plan';
import { statementLogger } from './statement-logger';

export interface LoggedQuery {
  sql: string;
  parameters: unknown[];
  /** Whether the database's plan reads a whole table. */
  scansTable: boolean;
}

/** The statements on the read connection of a running product, with the database's plan for each. */
export class QueryLog {
  private readonly seen: { sql: string; parameters: unknown[] }[] = [];

  private constructor(private readonly reader: DataSource) {}

  static attach(app: NestFastifyApplication): QueryLog {
    const reader = app.get<DataSource>(getDataSourceToken());
    const log = new QueryLog(reader);
    reader.logger = statementLogger((sql, parameters) => {
      if (!sql.startsWith('EXPLAIN')) log.seen.push({ sql, parameters });
    });
    return log;
  }

  clear(): void {
    this.seen.length = 0;
  }

  /** Distinct statements since the last `clear`, each with its plan and how often it ran. */
  async explained(): Promise<(LoggedQuery & { times: number })[]> {
    const distinct = new Map<string, { parameters: unknown[]; times: number }>();
    for (const { sql, parameters } of this.seen) {
      const known = distinct.get(sql);
      if (known) known.times += 1;
      else distinct.set(sql, { parameters, times: 1 });
    }
    const explained: (LoggedQuery & { times: number })[] = [];
    for (const [sql, { parameters, times }] of distinct) {
      if (!/^\s*SELECT/i.test(sql)) continue;
      explained.push({ sql, parameters, times, scansTable: await this.scansTable(sql, parameters) });
    }
    return explained;
  }

  private async scansTable(sql: string, parameters: unknown[]): Promise<boolean> {
    if (this.reader.options.type === 'mysql') {
      const plan = await this.reader.query<{ table: string | null; type: string | null }[]>(
        `EXPLAIN ${sql}`,
        parameters,
      );
      return plan.some(
        ({ table, type }) => (type === 'ALL' || type === 'index') && !table?.startsWith('<derived'),
      );
    }
    const plan = await this.reader.query<{ detail: string }[]>(`EXPLAIN QUERY PLAN ${sql}`, parameters);
    return walksTable(plan.map(({ detail }) => detail));
  }
}
