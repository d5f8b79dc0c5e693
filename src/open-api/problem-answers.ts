import { PROBLEM_MEDIA_TYPE, problemAnswer } from '../admin-api/api-problems';
import type { ProblemCode } from '../admin-api/problem-codes';
import type { Header, Reference, Response, SchemaObject } from './types';

/** RFC 9457. */
export const PROBLEM_SCHEMA: SchemaObject = {
  type: 'object',
  description: 'An error of the admin API as problem details (RFC 9457).',
  required: ['type', 'title', 'status', 'code', 'detail', 'requestId'],
  properties: {
    type: {
      type: 'string',
      enum: ['about:blank'],
      description: 'Always the same: `code` identifies the problem',
    },
    title: { type: 'string', examples: ['Not Found'] },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    code: {
      type: 'string',
      pattern: '^[a-z][a-z_]*$',
      description: 'Stable code for programs. New codes may be added',
      examples: ['not_found'],
    },
    detail: {
      type: 'string',
      description: 'Cause and remedy, for a person',
      examples: ['There is no such integration, or your key may not see it.'],
    },
    requestId: { type: 'string', format: 'uuid', description: 'Id of the request in the log' },
    errors: {
      type: 'array',
      minItems: 1,
      description: 'Each field that is not valid',
      items: {
        type: 'object',
        required: ['field', 'message'],
        properties: {
          field: { type: 'string', examples: ['settings.accountSubdomain'] },
          message: { type: 'string', examples: ['must be a text of 1 to 200 characters'] },
        },
      },
    },
  },
};

interface SharedAnswer {
  /** Name of the component. */
  name: string;
  codes: readonly ProblemCode[];
  headers?: Record<string, Header>;
}

/** Errors that follow from the shape of a route. */
const SHARED: Record<string, SharedAnswer> = {
  400: { name: 'InvalidRequest', codes: ['invalid_request', 'bad_request'] },
  401: {
    name: 'Unauthenticated',
    codes: ['unauthenticated'],
    headers: {
      'WWW-Authenticate': { required: true, schema: { type: 'string', enum: ['Bearer'] } },
    },
  },
  403: { name: 'Forbidden', codes: ['forbidden'] },
  404: { name: 'NotFound', codes: ['not_found'] },
  413: { name: 'TooLarge', codes: ['too_large'] },
  415: { name: 'UnsupportedMediaType', codes: ['unsupported_media_type'] },
  429: {
    name: 'TooManyRequests',
    codes: ['rate_limited'],
    headers: {
      'Retry-After': { required: true, description: 'Seconds', schema: { type: 'integer', minimum: 1 } },
    },
  },
  500: { name: 'InternalError', codes: ['internal_error'] },
  503: { name: 'Unavailable', codes: ['database_unavailable', 'outcome_unknown'] },
};

/** The shared errors as components. */
export const SHARED_ANSWERS: Record<string, Response> = Object.fromEntries(
  Object.values(SHARED).map(({ name, codes, headers }) => [
    name,
    { ...problemAnswer(codes), ...(headers ? { headers } : {}) },
  ]),
);

/**
 * Combines the shared problems of a status with those of the controller.
 *
 * @param said the response that the controller declares with `ApiProblems`
 */
export function problemsWith(status: string, said: Response | Reference | undefined): Response | Reference {
  const shared = SHARED[status];
  if (!said) {
    if (!shared) throw new Error(`No response is declared for the status ${status}`);
    return { $ref: `#/components/responses/${shared.name}` };
  }
  const examples = 'content' in said ? said.content?.[PROBLEM_MEDIA_TYPE]?.examples : undefined;
  if (!examples) throw new Error(`Declare the problems of the status ${status} with ApiProblems`);
  const codes = [...Object.keys(examples), ...(shared?.codes ?? [])] as ProblemCode[];
  return { ...problemAnswer(codes), ...(shared?.headers ? { headers: shared.headers } : {}) };
}
