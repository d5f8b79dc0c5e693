import { UnsupportedMediaTypeException } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { JsonRefusedError, parseStrictly } from './security/strict-json';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** JSON is the only kind of body that is read, and it has to be of one meaning. */
export function parseJsonBodies(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    ['application/json', 'application/scim+json', 'application/merge-patch+json'],
    { parseAs: 'buffer' },
    (request, body: Buffer, done) => {
      // An empty body is a missing one, whatever type the client gives it.
      if (body.length === 0) {
        done(null, undefined);
        return;
      }
      try {
        done(
          null,
          parseStrictly(body, () => parsed(request, textOf(body))),
        );
      } catch (error) {
        done(error as Error);
      }
    },
  );
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    if (body.length === 0) done(null, undefined);
    else done(new UnsupportedMediaTypeException('Send the body as application/json.'));
  });

  function parsed(request: FastifyRequest, text: string): unknown {
    let result: { error: Error | null; value: unknown } | undefined;
    // It calls back before it returns.
    void parse(request, text, (error, value) => (result = { error, value }));
    if (result?.error) throw result.error;
    return result?.value;
  }
}

/** @throws JsonRefusedError */
function textOf(body: Buffer): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new JsonRefusedError('invalidSyntax', 'The request body is not UTF-8.');
  }
}
