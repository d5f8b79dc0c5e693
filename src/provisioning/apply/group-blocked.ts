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

/** The deletion of a group's team waits for an admin, because too many were deleted at once. */
export class GroupHeldError extends Error {
  constructor() {
    super('The deletion of the team is held.');
    this.name = 'GroupHeldError';
  }
}
