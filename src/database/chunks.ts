import { Slice } from '../event-loop/slice';
import { BREATHING, type Pauses } from './keyset-slices';

/** Rows that one statement carries: far below every database's limit of parameters. */
export const ROWS_PER_STATEMENT = 500;

/** Items for one statement of a transaction after the other; between two of them the event loop serves others. */
export function chunksOf<T>(items: readonly T[]): AsyncGenerator<T[]> {
  return chunks(items, BREATHING);
}

/** As `chunksOf`, for statements that only read: between two of them whoever else has long work gets their turn. */
export function chunksToRead<T>(items: readonly T[], pauses: Pauses = new Slice()): AsyncGenerator<T[]> {
  return chunks(items, pauses);
}

async function* chunks<T>(items: readonly T[], pauses: Pauses): AsyncGenerator<T[]> {
  for (let start = 0; start < items.length; start += ROWS_PER_STATEMENT) {
    if (start > 0 && pauses.isOver) await pauses.next();
    yield items.slice(start, start + ROWS_PER_STATEMENT);
  }
}
