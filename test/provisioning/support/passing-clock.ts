/**
 * Lets hours pass in no time: for all of this process the clocks, that of the wall and the monotonic one, stand so much later
 * from now on. Timers go on as before; whoever waits for one has to be woken.
 */
export class PassingClock {
  private readonly wall = Date.now;
  private readonly monotonic = performance.now.bind(performance);
  private passed = 0;

  constructor() {
    Date.now = () => this.wall.call(Date) + this.passed;
    performance.now = () => this.monotonic() + this.passed;
  }

  /** Milliseconds of real time, for whoever must not wait for ever. */
  real(): number {
    return this.monotonic();
  }

  pass(ms: number): void {
    this.passed += ms;
  }

  restore(): void {
    Date.now = this.wall;
    // What stands in its prototype counts again.
    Reflect.deleteProperty(performance, 'now');
  }
}
