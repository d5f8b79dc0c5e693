import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { CommitOutcomeUnknownError, DatabaseUnavailableError } from '../database/database-errors';
import { Problem } from './problem';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  requestId: string;
  errors?: readonly { field: string; message: string }[];
}

/** Any error as RFC 9457 problem details; what is not meant for a client becomes a bare 500. */
export function problemDetails(error: unknown, requestId: string): ProblemDetails {
  const problem = asProblem(error);
  return {
    type: 'about:blank',
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    code: problem.code,
    detail: problem.detail,
    requestId,
    ...(problem.errors.length > 0 ? { errors: problem.errors } : {}),
  };
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof DatabaseUnavailableError) {
    return new Problem(
      503,
      'database_unavailable',
      'The database is away or busy; nothing was changed. Try again.',
    );
  }
  if (error instanceof CommitOutcomeUnknownError) {
    return new Problem(
      503,
      'outcome_unknown',
      'The database did not confirm the change: look before you repeat it.',
    );
  }
  const status = clientErrorStatus(error);
  if (status !== null) return new Problem(status, CODES[status] ?? 'bad_request', (error as Error).message);
  return new Problem(500, 'internal_error', 'Scimify failed to handle this request; its log tells more.');
}

const CODES: Record<number, string> = {
  401: 'unauthenticated',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'too_large',
  415: 'unsupported_media_type',
};

/** Status of an error that the HTTP framework itself made of a client's fault, else null. */
function clientErrorStatus(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus() < 500 ? error.getStatus() : null;
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null;
}
