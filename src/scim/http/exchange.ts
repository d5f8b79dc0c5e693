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

/** What the client makes a write depend on. */
export const Conditions = createParamDecorator((_: unknown, context: ExecutionContext): WriteConditions => {
  const { headers } = context.switchToHttp().getRequest<ScimFastifyRequest>();
  return { ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] };
});

const SCIM_JSON = 'application/scim+json';
const PLAIN_JSON = 'application/json';

/** RFC 7644 §3.8: what the client would rather have, scim+json when it does not say; never 406. */
export function mediaTypeFor(accept: string | undefined): string {
  const wantsPlain = qualityOf(PLAIN_JSON, accept ?? '*/*') > qualityOf(SCIM_JSON, accept ?? '*/*');
  return `${wantsPlain ? PLAIN_JSON : SCIM_JSON}; charset=utf-8`;
}

/** RFC 9110 §12.5.1: the most specific range that matches tells the quality. */
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

/** What is longer is sent while the rest of it is read. */
const SENT_WHOLE = 64 * 1024;

export function sendJson(reply: FastifyReply, status: number, text: string): void {
  begin(reply, status).send(text);
}

/**
 * Sends JSON text that comes in pieces: what is short as a whole, what is long as it is read, no faster than the client
 * takes it. What fails before it has become long is answered as an error.
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
  begin(reply, status).send(Readable.from(continued(text, pieces), { objectMode: false }));
}

function begin(reply: FastifyReply, status: number): FastifyReply {
  return reply.status(status).header('Content-Type', mediaTypeFor(reply.request.headers.accept));
}

async function* continued(begun: string, rest: AsyncGenerator<string, void>): AsyncGenerator<string, void> {
  yield begun;
  yield* rest;
}
