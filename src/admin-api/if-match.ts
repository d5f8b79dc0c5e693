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

/** The versions that a client is willing to change (RFC 9110 §13.1.1), or null for any. */
export type ExpectedVersions = readonly string[] | null;

/** `ETag` of a resource whose every change raises its revision. */
export const etagOf = ({ revision }: { revision: number }): string => `"${revision}"`;

/** Gives an answer that tells its revision the `ETag` to match. */
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

/** @throws Problem 412 when somebody changed it since the client looked */
export function assertExpected(expected: ExpectedVersions, current: { revision: number }): void {
  if (expected === null || expected.includes(etagOf(current))) return;
  throw new Problem('precondition_failed');
}

/** Documents that a route honours the header. */
export const ApiIfMatch = () =>
  applyDecorators(
    ApiHeader({
      name: 'If-Match',
      required: false,
      description:
        '`ETag` of the integration as you read it: it is changed only if nobody else did so since.',
      schema: { type: 'string' },
    }),
    ApiProblems('precondition_failed'),
  );
