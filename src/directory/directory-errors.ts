/** There is no such user or group in this integration. */
export class ResourceNotFoundError extends Error {
  constructor(
    readonly resourceType: 'User' | 'Group',
    readonly id: string,
  ) {
    super(`There is no ${resourceType.toLowerCase()} with this id.`);
    this.name = 'ResourceNotFoundError';
  }
}

/** Another resource of the integration holds this value already. */
export class ResourceConflictError extends Error {
  constructor(
    readonly resourceType: 'User' | 'Group',
    readonly attribute: 'userName' | 'externalId' | 'displayName',
    message: string,
  ) {
    super(message);
    this.name = 'ResourceConflictError';
  }
}

/** Members were to be added that are no users of this integration; nothing was changed. */
export class UnknownMembersError extends Error {
  constructor(readonly userIds: readonly string[]) {
    super(`${userIds.length} members are no users of this integration.`);
    this.name = 'UnknownMembersError';
  }
}
