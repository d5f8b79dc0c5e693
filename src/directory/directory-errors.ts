import type { DirectoryQuotas } from './change-context';

/** The integration has no user or group with this id. */
export class ResourceNotFoundError extends Error {
  constructor(
    readonly resourceType: 'User' | 'Group',
    readonly id: string,
  ) {
    super(`There is no ${resourceType.toLowerCase()} with this id.`);
    this.name = 'ResourceNotFoundError';
  }
}

/** Another resource of the integration already has this value. */
export class ResourceConflictError extends Error {
  constructor(
    readonly resourceType: 'User' | 'Group',
    readonly attribute: 'userName' | 'displayName',
    message: string,
  ) {
    super(message);
    this.name = 'ResourceConflictError';
  }
}

/** The request adds members that are not users of this integration. Nothing was changed. */
export class UnknownMembersError extends Error {
  /** @param firstIds ids of the first unknown members; `total` counts all */
  constructor(
    readonly firstIds: readonly string[],
    readonly total: number,
  ) {
    super(`${total} members are not users of this integration.`);
    this.name = 'UnknownMembersError';
  }
}

/** The tenant has reached a quota. Nothing was changed. */
export class QuotaReachedError extends Error {
  constructor(
    readonly quota: keyof DirectoryQuotas,
    readonly limit: number,
  ) {
    super(
      `This organisation may have ${limit} ${quota} in Scimify, and the request would add more. Delete some, or ask the operator of Scimify for a higher limit.`,
    );
    this.name = 'QuotaReachedError';
  }
}
