import { setImmediate as breathe } from 'node:timers/promises';
import type { Slice } from '../event-loop/slice';

/** Lets others in between two statements: a `Slice` where something is read, `BREATHING` inside a transaction. */
export type Pauses = Pick<Slice, 'isOver' | 'next'>;

/**
 * Pauses of a transaction: others come in between any two statements, but nobody's turn is waited for, because all other
 * writes wait until the transaction ends.
 */
export const BREATHING: Pauses = { isOver: true, next: () => breathe() };

const ROWS_AT_FIRST = 100;
const ROWS_AT_LEAST = 25;
const ROWS_AT_MOST = 1_000;
/** A statement that took longer is made smaller the next time, one that took far less is made larger. */
const AIMED_AT_MS = 8;

/** How many rows the next statement may go through, by how long the last one took. */
class Pace {
  rows = ROWS_AT_FIRST;

  async timed<T>(read: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    const result = await read();
    const ms = performance.now() - begun;
    if (ms > AIMED_AT_MS) this.rows = Math.max(ROWS_AT_LEAST, Math.floor(this.rows / 2));
    else if (ms < AIMED_AT_MS / 3) this.rows = Math.min(ROWS_AT_MOST, this.rows * 2);
    return result;
  }
}

/**
 * Reads rows in the order of a key, a bounded number with each statement, and lets others in between.
 *
 * @param pauses of the whole work that this reading is part of
 * @param read answers at least one row for each of the `limit` rows that come after the last one: what is not wanted of
 *   them is left out by the caller, so that no filter makes a statement walk further
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

/** What one statement says of the rows that it went through. */
export interface CountedSlice {
  /** How many they were. */
  counted: number;
  /** Key of the last one; null where there was none. */
  last: string | null;
}

/**
 * As `keysetSlices`, where the statement itself adds up and answers one row, or none where nothing is left.
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
