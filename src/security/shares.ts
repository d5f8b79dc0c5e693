import { TooManyRequestsError } from './too-many-requests';

/** Requests of one lane that may wait. */
const MOST_WAITING = 512;
const RETRY_AFTER_SECONDS = 5;

/** One request in its lane. */
export interface Place {
  /** Resolves when it is its turn; never, when it leaves before. */
  readonly admitted: Promise<void>;
  readonly isAdmitted: boolean;
  /** Admits the next request, or stops waiting. A second call does nothing. */
  leave(): void;
}

interface Lane {
  busy: number;
  /** The first one is admitted next. */
  waiting: Waiting[];
}

interface Waiting {
  admit: () => void;
}

/**
 * Limits how many requests of each lane run at a time. The others of that lane wait, first come, first served.
 * Lanes never wait for each other here: on the thread they take turns by slices.
 */
export class Shares {
  private readonly lanes = new Map<string, Lane>();

  /** @param most requests of one lane that run at the same time */
  constructor(private readonly most: number) {}

  /** @throws TooManyRequestsError when 512 are waiting already */
  enter(name: string): Place {
    const lane = this.lanes.get(name) ?? { busy: 0, waiting: [] };
    this.lanes.set(name, lane);
    if (lane.waiting.length >= MOST_WAITING) {
      throw new TooManyRequestsError(
        `${MOST_WAITING} requests of this sender are waiting already; send fewer at the same time, and send this one again after the seconds in Retry-After.`,
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
