import type { DatabaseSync } from '@photostructure/sqlite';

export function builtInSqlite(): { DatabaseSync: typeof DatabaseSync } | undefined;
