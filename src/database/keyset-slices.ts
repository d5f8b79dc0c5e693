import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { Slice } from '../event-loop/slice';

/**
 * Lets other work run between two statements: a `Slice` for reads, `PAUSES_IN_TRANSACTION` inside a transaction.
 */
export type Pauses = Pick<Slice, 'isOver' | 'next'>;

/**
 * Pauses of a transaction. The event loop does other work between any two statements, but the transaction does not
 * wait for a turn, because all other writes wait for its end.
 */
export const PAUSES_IN_TRANSACTION: Pauses = { isOver: true, next: () => yieldToEventLoop() };

const ROWS_AT_FIRST = 100;
const ROWS_AT_LEAST = 25;
const ROWS_AT_MOST = 1_000;
/** After a statement that took longer, the next one reads fewer rows; after one that took far less, more rows. */
const TARGET_MS = 8;

/** How many rows the next statement may read, by how long the last one took. */
class Pace {
  rows = ROWS_AT_FIRST;

  async timed<T>(read: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    const result = await read();
    const ms = performance.now() - begun;
    if (ms > TARGET_MS) this.rows = Math.max(ROWS_AT_LEAST, Math.floor(this.rows / 2));
    else if (ms < TARGET_MS / 3) this.rows = Math.min(ROWS_AT_MOST, this.rows * 2);
    return result;
  }
}

/**
 * Reads rows in the order of a key, a limited number with each statement, and lets other work run in between.
 *
 * @param pauses the pauses of the whole work that this read is part of
 * @param read returns at least one row for each of the `limit` rows after the last one. The caller drops the rows
 *   that it does not want, so no filter makes a statement read further
 */
export async function* keysetSlices<Row>(
  pauses: Pauses,
  read: (last: Row | null, limit: number) => Promise<Row[]>,
): AsyncGenerator<Row[], void> {
  const pace = new Pace();
  for (let last: Row | null = null; ;) {
    const limit = pace.rows;
    const after: Row | null = last;
    const rows: Row[] = await pace.timed(() => read(after, limit));
    if (rows.length > 0) yield rows;
    if (pauses.isOver) await pauses.next();
    if (rows.length < limit) return;
    last = rows.at(-1)!;
  }
}

/** What one statement returns about the rows that it read. */
export interface CountedSlice {
  /** The number of rows. */
  counted: number;
  /** The key of the last row; null without a row. */
  last: string | null;
}

/**
 * As `keysetSlices`, for a statement that aggregates itself and returns one row, or none when nothing is left.
 *
 * @param from the key after which it begins
 */
export async function* countedSlices<T extends CountedSlice>(
  pauses: Pauses,
  read: (after: string, limit: number) => Promise<T | undefined>,
  from = '',
): AsyncGenerator<T, void> {
  const pace = new Pace();
  for (let after = from; ;) {
    const limit = pace.rows;
    const key = after;
    const slice = await pace.timed(() => read(key, limit));
    if (pauses.isOver) await pauses.next();
    if (!slice || slice.last === null) return;
    yield slice;
    if (Number(slice.counted) < limit) return;
    after = slice.last;
  }
}
