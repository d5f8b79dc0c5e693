import { TooManyRequestsError } from '../security/too-many-requests';

const RETRY_AFTER_MS = 2_000;

/** The bytes that the body of one request holds. */
export interface HeldBytes {
  /**
   * @param bytes in total, of this request; a smaller number changes nothing
   * @throws TooManyRequestsError
   */
  growTo(bytes: number): void;
  release(): void;
}

/** Limits the memory of request bodies, from their first byte until their requests are answered. */
export class UnfinishedBodies {
  private held = 0;
  private readonly heldByLane = new Map<string, number>();

  /** @param most bytes of all requests; one lane may hold half of it, or a single body that is larger */
  constructor(private readonly most: number) {}

  /** @param lane the lane of the request */
  open(lane: string): HeldBytes {
    let own = 0;
    const change = (bytes: number) => {
      own += bytes;
      this.held += bytes;
      const ofLane = this.ofLane(lane) + bytes;
      if (ofLane === 0) this.heldByLane.delete(lane);
      else this.heldByLane.set(lane, ofLane);
    };
    return {
      growTo: (bytes) => {
        const more = bytes - own;
        if (more <= 0) return;
        this.check(lane, own, more);
        change(more);
      },
      release: () => change(-own),
    };
  }

  private check(lane: string, own: number, more: number): void {
    const ofLane = this.ofLane(lane);
    const fits = this.held + more <= this.most;
    if (fits && (ofLane === own || ofLane + more <= this.most / 2)) return;
    throw TooManyRequestsError.within(
      'Scimify already holds as many request bodies as it can; send this request again after the seconds in Retry-After.',
      RETRY_AFTER_MS,
    );
  }

  private ofLane(lane: string): number {
    return this.heldByLane.get(lane) ?? 0;
  }
}
