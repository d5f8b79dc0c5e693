import { type ExecutionContext, applyDecorators, createParamDecorator } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiProblems } from '../api-problems';
import { Problem } from '../problem';

/** A creation as a client asks for it. */
export interface CreationRequest {
  /** What the client chose, or null. */
  key: string | null;
  /** Method and path. */
  route: string;
  body: unknown;
}

/** The `Idempotency-Key` of the request, with what it stands for. */
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

/** Documents that a route honours the header. */
export const ApiIdempotent = () =>
  applyDecorators(
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description:
        'Any text of your own, a UUID say. Sent again within 24 hours with the same body, it answers what was made then ' +
        'and makes nothing new; a token is not shown again (`null`).',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    }),
    ApiProblems('idempotency_key_reused'),
  );
