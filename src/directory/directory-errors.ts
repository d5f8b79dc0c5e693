import type { DirectoryQuotas } from './change-context';

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
    readonly attribute: 'userName' | 'displayName',
    message: string,
  ) {
    super(message);
    this.name = 'ResourceConflictError';
  }
}

/** Members were to be added that are no users of this integration; nothing was changed. */
export class UnknownMembersError extends Error {
  /** @param firstIds the first of them; `total` counts them all */
  constructor(
    readonly firstIds: readonly string[],
    readonly total: number,
  ) {
    super(`${total} members are no users of this integration.`);
    this.name = 'UnknownMembersError';
  }
}

/** The tenant has as much as it may have; nothing was changed. */
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
