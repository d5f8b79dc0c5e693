import { resolve } from 'node:path';

export type DatabaseSettings = { kind: 'sqlite'; path: string } | { kind: 'mysql'; url: string };

/** @param url `sqlite:PATH` or `mysql://…`; unset: SQLite in the data directory */
export function databaseSettings(url: string | undefined, dataDirectory: string): DatabaseSettings {
  if (url?.startsWith('mysql:')) return { kind: 'mysql', url };
  const path = url?.replace(/^sqlite:(\/\/)?/, '');
  return {
    kind: 'sqlite',
    path: resolve(path || `${dataDirectory}/scimify.sqlite`),
  };
}
