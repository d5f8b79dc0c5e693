import { STATUS_CODES } from 'node:http';
import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { PROBLEM_KINDS, type ProblemCode, type ProblemKind } from './problem-codes';
import type { ProblemDetails } from './problem-response';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

const EXAMPLE_REQUEST = '0198c2f4-7d1e-7a3b-9c55-3f1f0a4b8e21';

/** Documents the problems of a route in addition to the shared ones. */
export function ApiProblems(...codes: ProblemCode[]) {
  const statuses = new Set(codes.map((code) => PROBLEM_KINDS[code].status));
  return applyDecorators(
    ...[...statuses].map((status) =>
      ApiResponse({
        status,
        ...problemAnswer(codes.filter((code) => PROBLEM_KINDS[code].status === status)),
      }),
    ),
  );
}

/** A response with problem details and one example for each code. */
export function problemAnswer(codes: readonly ProblemCode[]) {
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEM_KINDS[code].meaning}`).join('\n\n'),
    content: {
      [PROBLEM_MEDIA_TYPE]: {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }])),
      },
    },
  };
}

function exampleOf(code: ProblemCode): ProblemDetails {
  const { status, detail, errors }: ProblemKind = PROBLEM_KINDS[code];
  return {
    type: 'about:blank',
    title: STATUS_CODES[status]!,
    status,
    code,
    detail,
    requestId: EXAMPLE_REQUEST,
    ...(errors ? { errors } : {}),
  };
}
