import type { Logger } from 'typeorm';

/** A TypeORM logger that only logs statements. */
export function statementLogger(logQuery: (sql: string, parameters: unknown[]) => void): Logger {
  const nothing = () => undefined;
  return {
    logQuery: (sql, parameters) => logQuery(sql, (parameters as unknown[] | undefined) ?? []),
    logQueryError: nothing,
    logQuerySlow: nothing,
    logSchemaBuild: nothing,
    logMigration: nothing,
    log: nothing,
  };
}
