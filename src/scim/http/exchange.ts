import { Readable } from 'node:stream';
import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { ScimCaller, ScimFastifyRequest } from '../authentication/scim-authentication';
import type { WriteConditions } from '../operations/resource-operations';

export type QueryParameters = Record<string, unknown>;

/** The authenticated caller of a SCIM request. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): ScimCaller => {
  const { scim } = context.switchToHttp().getRequest<ScimFastifyRequest>();
  if (!scim) throw new Error('A SCIM route was reached without authentication');
  return scim;
});

/** The preconditions that the client sets for a write. */
export const Conditions = createParamDecorator((_: unknown, context: ExecutionContext): WriteConditions => {
  const { headers } = context.switchToHttp().getRequest<ScimFastifyRequest>();
  return { ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] };
});

const SCIM_JSON = 'application/scim+json';
const PLAIN_JSON = 'application/json';

/** RFC 7644 §3.8: the media type that the client prefers, scim+json by default; never 406. */
export function mediaTypeFor(accept: string | undefined): string {
  const wantsPlain = qualityOf(PLAIN_JSON, accept ?? '*/*') > qualityOf(SCIM_JSON, accept ?? '*/*');
  return `${wantsPlain ? PLAIN_JSON : SCIM_JSON}; charset=utf-8`;
}

/** RFC 9110 §12.5.1: the most specific matching range decides the quality. */
function qualityOf(type: string, accept: string): number {
  const ranges = accept.split(',').map((part) => {
    const [range = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    return { range, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 };
  });
  for (const range of [type, 'application/*', '*/*']) {
    const found = ranges.find((candidate) => candidate.range === range);
    if (found) return found.quality;
  }
  return 0;
}

/** A response with more characters is streamed. */
const SENT_WHOLE = 64 * 1024;

export function sendJson(reply: FastifyReply, status: number, text: string): void {
  startResponse(reply, status).send(text);
}

/**
 * Sends JSON text that comes in pieces. A short text is sent as a whole. A long text is streamed, no faster than the
 * client reads it. An error before the stream starts becomes an error response.
 */
export async function sendPieces(
  reply: FastifyReply,
  status: number,
  pieces: AsyncGenerator<string, void>,
): Promise<void> {
  let text = '';
  for (;;) {
    const piece = await pieces.next();
    if (piece.done) return sendJson(reply, status, text);
    text += piece.value;
    if (text.length > SENT_WHOLE) break;
  }
  startResponse(reply, status).send(Readable.from(startAndRest(text, pieces), { objectMode: false }));
}

function startResponse(reply: FastifyReply, status: number): FastifyReply {
  return reply.status(status).header('Content-Type', mediaTypeFor(reply.request.headers.accept));
}

async function* startAndRest(
  start: string,
  rest: AsyncGenerator<string, void>,
): AsyncGenerator<string, void> {
  yield start;
  yield* rest;
}
