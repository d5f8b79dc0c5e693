import { Readable } from 'node:stream';
import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { validate as isUuid } from 'uuid';
import { ResourceNotFoundError } from '../../directory/directory-errors';
import type { ScimCaller, ScimFastifyRequest } from '../authentication/scim-authentication';
import { ScimError } from '../messages/scim-error';

/** The authenticated caller of a SCIM request. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): ScimCaller => {
  const { scim } = context.switchToHttp().getRequest<ScimFastifyRequest>();
  if (!scim) throw new Error('A SCIM route was reached without authentication');
  return scim;
});

/** RFC 7644 §3.1: scim+json unless the client accepts plain JSON only; never 406. */
export function mediaTypeFor(accept: string | undefined): string {
  const wantsPlain =
    accept !== undefined && /application\/json/i.test(accept) && !/scim\+json|\*\/\*/i.test(accept);
  return wantsPlain ? 'application/json; charset=utf-8' : 'application/scim+json; charset=utf-8';
}

/** Sends JSON text, whole or as it is read. */
export function sendJson(reply: FastifyReply, status: number, text: string | AsyncIterable<string>): void {
  void reply
    .status(status)
    .header('Content-Type', mediaTypeFor(reply.request.headers.accept))
    .send(typeof text === 'string' ? text : Readable.from(text, { objectMode: false }));
}

/** An id that is no UUID is nobody's. */
export function resourceId(type: 'User' | 'Group', id: string): string {
  const lower = id.toLowerCase();
  if (!isUuid(lower)) throw new ResourceNotFoundError(type, id);
  return lower;
}

/** @throws ScimError 412 when the client changed an older version (RFC 7644 §3.14) */
export function assertMatches(ifMatch: string | undefined, etag: string): void {
  if (ifMatch === undefined) return;
  const tags = ifMatch.split(',').map((tag) => tag.trim());
  if (tags.includes('*') || tags.includes(etag) || tags.includes(etag.replace(/^W\//, ''))) return;
  throw ScimError.preconditionFailed('The resource has changed since it was read; read it again.');
}
