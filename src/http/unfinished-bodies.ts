import { TooManyRequestsError } from '../security/too-many-requests';

const RETRY_AFTER_MS = 2_000;

/** The bytes that one request holds. */
export interface HeldBytes {
  /**
   * @param bytes in all, of this request; less than before changes nothing
   * @throws TooManyRequestsError
   */
  growTo(bytes: number): void;
  release(): void;
}

/** The memory that bodies take up, from their first byte until their requests are answered. */
export class UnfinishedBodies {
  private held = 0;
  private readonly heldByLane = new Map<string, number>();

  /** @param most bytes of all requests; those of one lane may hold half of it, or a single body that is larger */
  constructor(private readonly most: number) {}

  /** @param lane whose request it is */
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
      'More request bodies are on their way than Scimify holds at a time; send this one again after the seconds that Retry-After names.',
      RETRY_AFTER_MS,
    );
  }

  private ofLane(lane: string): number {
    return this.heldByLane.get(lane) ?? 0;
  }
}
