/** Monotonic time. A change of the system clock does not affect it. Tests pass in their own clock. */
export interface Clock {
  /** Milliseconds since a fixed moment. */
  now(): number;
  /**
   * Calls back once.
   * @returns cancels the call
   */
  after(ms: number, wake: () => void): () => void;
}

export const MONOTONIC_CLOCK: Clock = {
  now: () => performance.now(),
  after: (ms, wake) => {
    // A waiting call must not keep the process alive.
    const timer = setTimeout(wake, ms).unref();
    return () => clearTimeout(timer);
  },
};
