/** Sees to it that an integration which has something to do gets a run, and never two at a time. */
export abstract class Scheduler {
  /** Something may have to be done. Carries an id and nothing else; may be called at any time, for nothing too. */
  abstract wake(integrationId: string): void;
}
