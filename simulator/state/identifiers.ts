const SPACE = 36 ** 6;
// Shares no factor with 36, so the sequence passes every id once before it could repeat one.
const STEP = 1_234_567_891;

/** Ids as PagerDuty shapes them (`PQ9K7I8`), never handed out twice, the same ones in every run. */
export class IdentifierSequence {
  private position: number;

  /** @param start tells the sequences of different resource types apart */
  constructor(start: number) {
    this.position = start % SPACE;
  }

  next(): string {
    this.position = (this.position + STEP) % SPACE;
    return `P${this.position.toString(36).toUpperCase().padStart(6, '0')}`;
  }
}
