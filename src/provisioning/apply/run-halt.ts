/** Something of the run has failed for the whole account: whatever else is under way ends before its next call. */
export class RunHaltedError extends Error {
  constructor() {
    super('The run ends: something of it has failed for the whole account.');
    this.name = 'RunHaltedError';
  }
}

/** Ends a run soon and everywhere, so that the next one begins with what is urgent; a call under way is waited for. */
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
