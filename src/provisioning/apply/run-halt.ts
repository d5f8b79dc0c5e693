/** An account-wide failure has occurred: all other work of the run ends before its next call. */
export class RunHaltedError extends Error {
  constructor() {
    super('The run ends because of an account-wide failure.');
    this.name = 'RunHaltedError';
  }
}

/** Ends all work of a run soon, so that the next run begins with the urgent work. Calls in flight are awaited. */
export class RunHalt {
  private isOn = false;

  halt(): void {
    this.isOn = true;
  }

  /** @throws RunHaltedError */
  assertGoesOn(): void {
    if (this.isOn) throw new RunHaltedError();
  }
}
