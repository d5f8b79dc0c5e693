const SPACE = 36 ** 6;
// Has no common factor with 36, so the sequence reaches every id before it repeats one.
const STEP = 1_234_567_891;

/** Ids in PagerDuty's form (`PQ9K7I8`). They never repeat, and are the same in every run. */
export class IdentifierSequence {
  private position: number;

  /** @param start a different one for each resource type */
  constructor(start: number) {
    this.position = start % SPACE;
  }

  next(): string {
    this.position = (this.position + STEP) % SPACE;
    return `P${this.position.toString(36).toUpperCase().padStart(6, '0')}`;
  }
}
