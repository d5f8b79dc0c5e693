/** Gives a run to each integration that has work, and never two runs at a time. */
export abstract class Scheduler {
  /** The integration may have work. Carries only an id. Callers may call it at any time, also without work. */
  abstract wake(integrationId: string): void;
}
