import type { Alarm } from './alarm';

/** Work that runs in parallel and ends together: shared resources are released only when none of it still writes. */
export class SideBySide {
  private readonly underWay = new Set<Promise<void>>();
  private failure: { error: unknown } | null = null;

  /**
   * @param alarm rings whenever one part has ended
   * @param onFailure must make the other parts end soon
   */
  constructor(
    private readonly alarm: Alarm,
    private readonly onFailure: () => void,
  ) {}

  get size(): number {
    return this.underWay.size;
  }

  get hasFailed(): boolean {
    return this.failure !== null;
  }

  add(work: Promise<void>): void {
    const ended = work
      .catch((error: unknown) => this.fail(error))
      .then(() => {
        this.underWay.delete(ended);
        this.alarm.ring();
      });
    this.underWay.add(ended);
  }

  fail(error: unknown): void {
    this.failure ??= { error };
    this.onFailure();
  }

  /** @throws the first failure */
  async end(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay);
    if (this.failure) throw this.failure.error;
  }
}
