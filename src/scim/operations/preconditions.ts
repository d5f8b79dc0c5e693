import type { TransactionOptions } from '../../database/transaction-runner';
import { validate as isUuid } from 'uuid';
import { ResourceNotFoundError } from '../../directory/directory-errors';
import { ScimError, ScimMethodNotAllowedError } from '../messages/scim-error';
import type { WriteConditions } from './resource-operations';

/** A write that waits longer gets 429, and the IdP repeats it. Otherwise the IdP would time out first. */
export const WRITE_OPTIONS: TransactionOptions = { maxWaitMs: 5_000 };

/**
 * @throws ResourceNotFoundError for an id that is not a UUID
 * @throws ScimMethodNotAllowedError for `.search` in place of an id
 */
export function resourceId(type: 'User' | 'Group', id: string): string {
  if (id === '.search') throw new ScimMethodNotAllowedError('POST');
  const lower = id.toLowerCase();
  if (!isUuid(lower)) throw new ResourceNotFoundError(type, id);
  return lower;
}

/** @throws ScimError 412 if the client expects another version, or no resource (RFC 7644 §3.14, RFC 9110 §13.1) */
export function assertMatches({ ifMatch, ifNoneMatch }: WriteConditions, etag: string): void {
  if (ifMatch !== undefined && !namesEtag(ifMatch, etag)) {
    throw ScimError.preconditionFailed('The resource has changed since it was read; read it again.');
  }
  if (ifNoneMatch !== undefined && namesEtag(ifNoneMatch, etag)) {
    throw ScimError.preconditionFailed(
      'The version of the resource is in "If-None-Match"; leave that header out to change the resource.',
    );
  }
}

/** Whether a list of entity tags (`If-Match`) contains this one; weak comparison (RFC 9110 §8.8.3.2). */
export function namesEtag(header: string, etag: string): boolean {
  const strong = (tag: string) => tag.trim().replace(/^W\//i, '');
  return header.split(',').some((tag) => tag.trim() === '*' || strong(tag) === strong(etag));
}
