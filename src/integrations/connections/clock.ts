/** Monotonic time, which no change of the system's clock moves; passed in so that a test can let minutes pass. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  now(): number;
  /**
   * Calls back once, after so long.
   * @returns what calls it off
   */
  after(ms: number, wake: () => void): () => void;
}

export const MONOTONIC_CLOCK: Clock = {
  now: () => performance.now(),
  after: (ms, wake) => {
    // Whoever waits for a call to a target keeps no process alive that has nothing else to do.
    const timer = setTimeout(wake, ms).unref();
    return () => clearTimeout(timer);
  },
};
