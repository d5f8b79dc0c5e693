import { Slice } from '../event-loop/slice';
import { PAUSES_IN_TRANSACTION, type Pauses } from './keyset-slices';

/** Rows that one statement carries: far below every database's limit of parameters. */
export const ROWS_PER_STATEMENT = 500;

/** Chunks of items, one for each statement of a transaction. Between two chunks the event loop does other work. */
export function chunksOf<T>(items: Iterable<T>): AsyncGenerator<T[]> {
  return chunks(items, PAUSES_IN_TRANSACTION);
}

/** As `chunksOf`, for statements that only read. Between two chunks other long work gets its turn. */
export function chunksToRead<T>(items: readonly T[], pauses: Pauses = new Slice()): AsyncGenerator<T[]> {
  return chunks(items, pauses);
}

async function* chunks<T>(items: Iterable<T>, pauses: Pauses): AsyncGenerator<T[]> {
  let chunk: T[] = [];
  for (const item of items) {
    if (chunk.length === ROWS_PER_STATEMENT) {
      yield chunk;
      if (pauses.isOver) await pauses.next();
      chunk = [];
    }
    chunk.push(item);
  }
  if (chunk.length > 0) yield chunk;
}
