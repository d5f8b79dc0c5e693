import type { TransactionOptions } from '../../database/transaction-runner';
import { validate as isUuid } from 'uuid';
import { ResourceNotFoundError } from '../../directory/directory-errors';
import { ScimError, ScimMethodNotAllowedError } from '../messages/scim-error';
import type { WriteConditions } from './resource-operations';

/** A write that has waited so long is refused with 429, which the IdP repeats, rather than answered after its time-out. */
export const WRITE_OPTIONS: TransactionOptions = { maxWaitMs: 5_000 };

/**
 * An id that is no UUID is nobody's.
 *
 * @throws ResourceNotFoundError, or ScimMethodNotAllowedError for the search, which stands where an id does
 */
export function resourceId(type: 'User' | 'Group', id: string): string {
  if (id === '.search') throw new ScimMethodNotAllowedError('POST');
  const lower = id.toLowerCase();
  if (!isUuid(lower)) throw new ResourceNotFoundError(type, id);
  return lower;
}

/** @throws ScimError 412 when the client means another version, or none (RFC 7644 §3.14, RFC 9110 §13.1) */
export function assertMatches({ ifMatch, ifNoneMatch }: WriteConditions, etag: string): void {
  if (ifMatch !== undefined && !namesEtag(ifMatch, etag)) {
    throw ScimError.preconditionFailed('The resource has changed since it was read; read it again.');
  }
  if (ifNoneMatch !== undefined && namesEtag(ifNoneMatch, etag)) {
    throw ScimError.preconditionFailed(
      'The resource is there, in a version that "If-None-Match" rules out; leave that header out to change it.',
    );
  }
}

/** Whether a list of entity tags, as in `If-Match`, names this one; weak comparison (RFC 9110 §8.8.3.2). */
export function namesEtag(header: string, etag: string): boolean {
  const strong = (tag: string) => tag.trim().replace(/^W\//i, '');
  return header.split(',').some((tag) => tag.trim() === '*' || strong(tag) === strong(etag));
}
