import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import {
  CommitOutcomeUnknownError,
  DatabaseFullError,
  DatabaseUnavailableError,
} from '../database/database-errors';
import { SecretUnreadableError } from '../security/secret-box';
import { JsonRefusedError } from '../security/json-refused';
import { TooManyRequestsError } from '../security/too-many-requests';
import { Problem } from './problem';
import type { FieldProblem, ProblemCode } from './problem-codes';

export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  code: ProblemCode;
  detail: string;
  requestId: string;
  errors?: readonly FieldProblem[];
}

/** Converts any error to RFC 9457 problem details. Internal errors become a 500 without details. */
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
  if (error instanceof DatabaseFullError) return new Problem('database_unavailable', error.message);
  if (error instanceof DatabaseUnavailableError) return new Problem('database_unavailable');
  if (error instanceof CommitOutcomeUnknownError) return new Problem('outcome_unknown');
  if (error instanceof SecretUnreadableError) return new Problem('secret_unreadable');
  if (error instanceof TooManyRequestsError) return new Problem('rate_limited', error.message);
  if (error instanceof JsonRefusedError) {
    return new Problem(error.reason === 'tooLarge' ? 'too_large' : 'bad_request', error.message);
  }
  const status = clientErrorStatus(error);
  if (status !== null)
    return new Problem(CODES[status] ?? 'bad_request', detailOf(status, error), [], status);
  return new Problem('internal_error');
}

const CODES: Record<number, ProblemCode> = {
  401: 'unauthenticated',
  404: 'not_found',
  413: 'too_large',
  415: 'unsupported_media_type',
};

/** The text of the framework, except for 404: it repeats the whole URL, which may contain a key by mistake. */
function detailOf(status: number, error: unknown): string {
  return status === 404
    ? 'There is no such address. Check the path and the method.'
    : (error as Error).message;
}

/** Status of an error that the HTTP framework threw for a client error, else null. */
function clientErrorStatus(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus() < 500 ? error.getStatus() : null;
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null;
}
