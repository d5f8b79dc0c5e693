/**
 * Lets hours pass at once: it moves the wall clock and the monotonic clock of this process forward. Timers do not move, so
 * code that waits for a timer must be woken.
 */
export class PassingClock {
  private readonly wall = Date.now;
  private readonly monotonic = performance.now.bind(performance);
  private passed = 0;

  constructor() {
    Date.now = () => this.wall.call(Date) + this.passed;
    performance.now = () => this.monotonic() + this.passed;
  }

  /** Milliseconds of real time, for timeouts. */
  real(): number {
    return this.monotonic();
  }

  pass(ms: number): void {
    this.passed += ms;
  }

  restore(): void {
    Date.now = this.wall;
    // Restores the method of the prototype.
    Reflect.deleteProperty(performance, 'now');
  }
}
