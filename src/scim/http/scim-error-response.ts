import {
  CommitOutcomeUnknownError,
  DatabaseFullError,
  DatabaseUnavailableError,
} from '../../database/database-errors';
import {
  QuotaReachedError,
  ResourceConflictError,
  ResourceNotFoundError,
  UnknownMembersError,
} from '../../directory/directory-errors';
import { JsonRefusedError } from '../../security/json-refused';
import { TooManyRequestsError } from '../../security/too-many-requests';
import { type ScimFastifyRequest, ScimUnauthenticatedError } from '../authentication/scim-authentication';
import { ScimError, type ScimErrorBody, ScimMethodNotAllowedError, quoted } from '../messages/scim-error';

export interface ScimErrorResponse {
  status: number;
  headers: Record<string, string>;
  body: ScimErrorBody;
}

/** Okta repeats a 429 automatically, but only with whole seconds. */
const RETRY_AFTER_SECONDS = '5';

/** Converts any error to a SCIM error response (RFC 7644 §3.12). Internal errors become a 500 without details. */
export function scimErrorResponse(error: unknown, request: ScimFastifyRequest): ScimErrorResponse {
  const scimError = asScimError(error, request.method, request.routeOptions.bodyLimit);
  request.refusal = scimError;
  const headers: Record<string, string> = {};
  if (scimError instanceof ScimUnauthenticatedError) headers['WWW-Authenticate'] = 'Bearer';
  if (scimError instanceof ScimMethodNotAllowedError) headers.Allow = scimError.allowed;
  if (scimError.status === 429 || scimError.status === 503) headers['Retry-After'] = RETRY_AFTER_SECONDS;
  if (error instanceof TooManyRequestsError) headers['Retry-After'] = String(error.retryAfterSeconds);
  return { status: scimError.status, headers, body: scimError.toBody() };
}

/** Converts any error to a SCIM error. `method` is the method of the failed write. */
export function asScimError(error: unknown, method: string, bodyLimit?: number): ScimError {
  if (error instanceof ScimError) return error;
  if (error instanceof ResourceNotFoundError) return ScimError.notFound(error.message);
  if (error instanceof ResourceConflictError) return ScimError.uniqueness(error.message);
  if (error instanceof UnknownMembersError) {
    const { firstIds, total } = error;
    const more = total - firstIds.length;
    const others = more > 0 ? ` and ${more} more` : '';
    return ScimError.invalidValue(
      `These members are no users of this integration: ${firstIds.map(quoted).join(', ')}${others}; provision them first, then push the group again.`,
    );
  }
  if (error instanceof QuotaReachedError) return new ScimError(403, undefined, error.message);
  if (error instanceof DatabaseFullError) {
    const detail =
      'The disk of the database is full and nothing was changed; send the request again when there is free space.';
    return new ScimError(429, undefined, detail);
  }
  if (error instanceof DatabaseUnavailableError) {
    return new ScimError(429, undefined, 'Scimify is busy and changed nothing; send the request again.');
  }
  if (error instanceof CommitOutcomeUnknownError) {
    // The IdP repeats a 429 automatically, so only methods that are safe to repeat get it.
    const status = method === 'POST' ? 503 : 429;
    return new ScimError(status, undefined, 'Scimify could not confirm the change; send the request again.');
  }
  if (error instanceof TooManyRequestsError) return new ScimError(429, undefined, error.message);
  if (error instanceof JsonRefusedError) {
    return error.reason === 'tooLarge'
      ? ScimError.tooLarge(error.message)
      : new ScimError(400, error.reason, error.message);
  }
  return ofFramework(error as FrameworkError | null, bodyLimit);
}

interface FrameworkError {
  statusCode?: number;
  status?: number;
  code?: string;
}

function ofFramework(error: FrameworkError | null, bodyLimit = 0): ScimError {
  const status = error?.statusCode ?? error?.status ?? 500;
  switch (status) {
    case 400:
      return ScimError.invalidSyntax(unreadable(error?.code));
    case 404:
      return ScimError.notFound('There is no such SCIM endpoint.');
    case 408:
      return new ScimError(408, undefined, 'The request did not arrive in time; send it again.');
    case 413:
      return ScimError.tooLarge(`The request body is larger than ${bodyLimit} bytes; send less at a time.`);
    case 415:
      return new ScimError(415, undefined, 'Send the body as application/scim+json or application/json.');
    case 431:
      return new ScimError(
        431,
        undefined,
        'The address and the headers of the request are too long; send a long filter by POST to ".search".',
      );
    default:
      return status >= 400 && status < 500
        ? new ScimError(status, undefined, 'The request cannot be handled.')
        : new ScimError(500, undefined, 'Scimify failed to handle this request; its log tells more.');
  }
}

function unreadable(code = ''): string {
  if (code === 'FST_ERR_BAD_URL') return 'The address of the request cannot be decoded.';
  return code.startsWith('HPE_')
    ? 'The data is not a valid HTTP request.'
    : 'The request body is not valid JSON.';
}
