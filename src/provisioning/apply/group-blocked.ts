/** The group is blocked until an admin changes something. The target was not asked. */
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

/** A group has no remote group yet, and its name belongs to another one that is about to give it up. */
export class NameNotFreeYetError extends Error {
  constructor(
    /** Which group gives it up, for an admin. */
    readonly explanation: string,
  ) {
    super(explanation);
    this.name = 'NameNotFreeYetError';
  }
}

/** The deletion of the remote group waits for an admin, because too many groups were deleted at once. */
export class GroupHeldError extends Error {
  constructor() {
    super('The deletion of the team is held until an admin decides.');
    this.name = 'GroupHeldError';
  }
}

export const TAKEN_OVER = 'taken_over';
export const TAKEN_OVER_MESSAGE = 'A new group with the same name takes over the team.';

/** The remote group is not released: another group is about to take it over. */
export class GroupTakenOverError extends Error {
  constructor() {
    super(TAKEN_OVER_MESSAGE);
    this.name = 'GroupTakenOverError';
  }
}
