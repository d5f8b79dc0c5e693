import { TooManyRequestsError } from './too-many-requests';

/** Requests of one lane that may wait. */
const MOST_WAITING = 512;
const RETRY_AFTER_SECONDS = 5;

/** One request in its lane. */
export interface Place {
  /** Fulfilled when it is its turn; never, when it leaves before. */
  readonly admitted: Promise<void>;
  readonly isAdmitted: boolean;
  /** Lets the next one in, or gives up waiting. Again, it does nothing. */
  leave(): void;
}

interface Lane {
  busy: number;
  /** The first one is the next. */
  waiting: Waiting[];
}

interface Waiting {
  admit: () => void;
}

/**
 * Lets a few requests of each lane be worked on at a time; the others of that lane wait, first come, first served. One
 * lane never waits for another here: on the thread they take turns by slices.
 */
export class Shares {
  private readonly lanes = new Map<string, Lane>();

  /** @param most requests of one lane that are worked on at the same time */
  constructor(private readonly most: number) {}

  /** @throws TooManyRequestsError where 512 wait already */
  enter(name: string): Place {
    const lane = this.lanes.get(name) ?? { busy: 0, waiting: [] };
    this.lanes.set(name, lane);
    if (lane.waiting.length >= MOST_WAITING) {
      throw new TooManyRequestsError(
        `${MOST_WAITING} requests wait already for others of the same sender to be answered; send fewer at the same time, and this one again after the seconds that Retry-After names.`,
        RETRY_AFTER_SECONDS,
      );
    }
    let state: 'waiting' | 'admitted' | 'left' = 'waiting';
    let begin!: () => void;
    const admitted = new Promise<void>((resolve) => (begin = resolve));
    const waiting: Waiting = {
      admit: () => {
        state = 'admitted';
        lane.busy += 1;
        begin();
      },
    };
    if (lane.busy < this.most) waiting.admit();
    else lane.waiting.push(waiting);
    return {
      admitted,
      get isAdmitted() {
        return state === 'admitted';
      },
      leave: () => {
        if (state === 'waiting') lane.waiting = lane.waiting.filter((other) => other !== waiting);
        if (state === 'admitted') this.leave(name, lane);
        state = 'left';
      },
    };
  }

  private leave(name: string, lane: Lane): void {
    lane.busy -= 1;
    const next = lane.waiting.shift();
    if (next) next.admit();
    else if (lane.busy === 0) this.lanes.delete(name);
  }
}
