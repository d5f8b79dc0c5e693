/** Nothing can be done for a group until people change something; the target was not even asked. */
export class GroupBlockedError extends Error {
  constructor(
    /** Stable code in snake_case. */
    readonly reason: string,
    /** What is wrong and what to do, for an admin. */
    readonly explanation: string,
  ) {
    super(explanation);
    this.name = 'GroupBlockedError';
  }
}
