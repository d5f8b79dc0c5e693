import { type ExecutionContext, applyDecorators, createParamDecorator } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiProblems } from '../api-problems';
import { Problem } from '../problem';

/** A creation request of a client. */
export interface CreationRequest {
  /** The `Idempotency-Key`, or null. */
  key: string | null;
  /** Method and path. */
  route: string;
  body: unknown;
}

/** The `Idempotency-Key` of the request, with its route and body. */
export const Creation = createParamDecorator((_: unknown, context: ExecutionContext): CreationRequest => {
  const { headers, method, url, body } = context.switchToHttp().getRequest<FastifyRequest>();
  const key = headers['idempotency-key'] ?? null;
  if (key !== null && (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key))) {
    throw Problem.invalid([
      { field: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters without spaces' },
    ]);
  }
  return { key, route: `${method} ${url.split('?', 1)[0]!.toLowerCase()}`, body };
});

/** Documents the header of a route. */
export const ApiIdempotent = () =>
  applyDecorators(
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description:
        'A text that you choose, for example a UUID. A second request within 24 hours with the same key and body creates ' +
        'nothing and returns the first resource. Its token is `null`, because a token is shown only once.',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    }),
    ApiProblems('idempotency_key_reused'),
  );
