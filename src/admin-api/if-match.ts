import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  applyDecorators,
  createParamDecorator,
} from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Observable, tap } from 'rxjs';
import { ApiProblems } from './api-problems';
import { Problem } from './problem';

/** The versions in the request's `If-Match` (RFC 9110 §13.1.1). Null allows every version. */
export type ExpectedVersions = readonly string[] | null;

/** The resource must raise its revision with every change. */
export const etagOf = ({ revision }: { revision: number }): string => `"${revision}"`;

/** Adds the `ETag` header to each response with a `revision`. */
@Injectable()
export class VersionedAnswer implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      tap((answer: unknown) => {
        const revision = (answer as { revision?: unknown } | undefined)?.revision;
        if (typeof revision === 'number') void reply.header('ETag', etagOf({ revision }));
      }),
    );
  }
}

/** The request's `If-Match`. */
export const IfMatch = createParamDecorator((_: unknown, context: ExecutionContext): ExpectedVersions => {
  const header = context.switchToHttp().getRequest<FastifyRequest>().headers['if-match'];
  if (header === undefined || header.trim() === '*') return null;
  return header.split(',').map((tag) => tag.trim());
});

/** @throws Problem 412 if the resource has changed since the client read it */
export function assertExpected(expected: ExpectedVersions, current: { revision: number }): void {
  if (expected === null || expected.includes(etagOf(current))) return;
  throw new Problem('precondition_failed');
}

/** Documents the header of a route. */
export const ApiIfMatch = () =>
  applyDecorators(
    ApiHeader({
      name: 'If-Match',
      required: false,
      description:
        '`ETag` of the integration that you read. The request fails with 412 if the integration has changed since.',
      schema: { type: 'string' },
    }),
    ApiProblems('precondition_failed'),
  );
