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

/** The name of a group that has no team yet is another one's, which is about to give it up. */
export class NameNotFreeYetError extends Error {
  constructor(
    /** Who gives it up, for an admin. */
    readonly explanation: string,
  ) {
    super(explanation);
    this.name = 'NameNotFreeYetError';
  }
}

/** The deletion of a group's team waits for an admin, because too many were deleted at once. */
export class GroupHeldError extends Error {
  constructor() {
    super('The deletion of the team is held.');
    this.name = 'GroupHeldError';
  }
}

export const TAKEN_OVER = 'taken_over';
export const TAKEN_OVER_MESSAGE = 'A new group of the same name takes over the team.';

/** Nothing is let go: another group is about to take it over. */
export class GroupTakenOverError extends Error {
  constructor() {
    super(TAKEN_OVER_MESSAGE);
    this.name = 'GroupTakenOverError';
  }
}
