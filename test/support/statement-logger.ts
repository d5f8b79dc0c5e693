import type { Logger } from 'typeorm';

/** Of whatever a connection of TypeORM does, hears its statements. */
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
