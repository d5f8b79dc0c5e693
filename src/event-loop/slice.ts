import { currentWork } from './current-work';
import { noteHolder } from './thread-watch';
import { Turns } from './turns';

/** How long one piece of work holds the thread before other work gets its turn. */
const SLICE_MS = 10;

const turns = new Turns();

/** The client of this work is gone. The work changes nothing, so it ends here. */
export class ClientGoneError extends Error {
  constructor() {
    super('The client no longer waits for the response.');
    this.name = 'ClientGoneError';
  }
}

/**
 * Cuts long work into slices: check `isOver` between two small steps, and await `next()` when it is true. Each
 * step must be far shorter than a slice.
 *
 * The slice of a request belongs to the lane of its integration or tenant (`currentWork`). Lanes take turns.
 */
export class Slice {
  /** How long this work held the thread, in milliseconds, without the current slice. */
  private heldMs = 0;
  private begun = performance.now();

  get isOver(): boolean {
    return performance.now() - this.begun >= SLICE_MS;
  }

  /** How long this work has held the thread so far, in milliseconds, without the time that it waited. */
  get busyMs(): number {
    return this.heldMs + (performance.now() - this.begun);
  }

  /**
   * Lets other work run, and returns when it is this lane's turn again.
   *
   * @throws ClientGoneError when no client wants the work any more
   */
  async next(): Promise<void> {
    const work = currentWork();
    this.heldMs += performance.now() - this.begun;
    await turns.next(work.lane);
    if (work.isWanted?.() === false) throw new ClientGoneError();
    noteHolder(work);
    this.begun = performance.now();
  }
}

/** Runs a generator that yields wherever other work may run. */
export async function inSlices<T>(steps: Generator<void, T>): Promise<T> {
  const slice = new Slice();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (slice.isOver) await slice.next();
  }
}

/** Runs it without a pause, for input that is known to be small. */
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
