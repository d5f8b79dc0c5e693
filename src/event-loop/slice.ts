import { currentWork } from './current-work';
import { noteHolder } from './thread-watch';
import { Turns } from './turns';

/** How long one piece of work holds the thread before it lets others in. */
const SLICE_MS = 10;

const turns = new Turns();

/** Whoever asked for this work has gone: it changes nothing, so it ends here. */
export class NobodyWaitsError extends Error {
  constructor() {
    super('Nobody waits for the answer any more.');
    this.name = 'NobodyWaitsError';
  }
}

/**
 * Cuts long work into slices: between two small steps ask `isOver`, and if it is, await `next()`. Each step must be far
 * shorter than a slice.
 *
 * The slice of a request belongs to the lane of its integration or tenant (`currentWork`); lanes take turns.
 */
export class Slice {
  /** Time in which this work held the thread, in milliseconds, without the slice that is going on. */
  private heldMs = 0;
  private begun = performance.now();

  get isOver(): boolean {
    return performance.now() - this.begun >= SLICE_MS;
  }

  /** How long this work has held the thread so far, in milliseconds; the waiting in between does not count. */
  get busyMs(): number {
    return this.heldMs + (performance.now() - this.begun);
  }

  /**
   * Lets others in, and returns when it is this lane's turn again.
   *
   * @throws NobodyWaitsError where nobody wants the work any more
   */
  async next(): Promise<void> {
    const work = currentWork();
    this.heldMs += performance.now() - this.begun;
    await turns.next(work.lane);
    if (work.isWanted?.() === false) throw new NobodyWaitsError();
    noteHolder(work);
    this.begun = performance.now();
  }
}

/** Runs work that is written as a generator: it yields wherever others may be let in. */
export async function inSlices<T>(steps: Generator<void, T>): Promise<T> {
  const slice = new Slice();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (slice.isOver) await slice.next();
  }
}

/** The same at one go, for what is known to be small. */
export function atOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Maps a list in slices. */
export async function mapInSlices<T, R>(items: readonly T[], map: (item: T) => R): Promise<R[]> {
  const slice = new Slice();
  const mapped: R[] = [];
  for (const item of items) {
    mapped.push(map(item));
    if (slice.isOver) await slice.next();
  }
  return mapped;
}
