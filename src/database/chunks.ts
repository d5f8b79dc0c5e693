import { setImmediate as breathe } from 'node:timers/promises';

/** Rows that one statement carries: far below every database's limit of parameters. */
export const ROWS_PER_STATEMENT = 500;

/** Items for one statement after the other; between two of them the event loop serves others. */
export async function* chunksOf<T>(items: readonly T[]): AsyncGenerator<T[]> {
  for (let start = 0; start < items.length; start += ROWS_PER_STATEMENT) {
    if (start > 0) await breathe();
    yield items.slice(start, start + ROWS_PER_STATEMENT);
  }
}
