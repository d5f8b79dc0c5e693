import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { QueryParameters } from './exchange';

const FILTER = 'filter=';

/** The query of a list. Its filter may contain plus signs that are not encoded as `%2B`. */
export const SearchParameters = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const query = request.query as QueryParameters;
  const filter = filterWithPlusSigns(request.url);
  return filter === null || typeof query.filter !== 'string' ? query : { ...query, filter };
});

/**
 * In form encoding a `+` is a space, and OneLogin encodes filters this way. A client that encodes spaces as `%20`
 * means a plus sign, for example in `ada+test@example.com`. The text before the first string shows how the client
 * encodes spaces.
 *
 * @returns null if a `+` is a space, or if the filter cannot be decoded
 */
function filterWithPlusSigns(url: string): string | null {
  const parameters = url.slice(url.indexOf('?') + 1).split('&');
  const written = parameters.find((parameter) => parameter.startsWith(FILTER))?.slice(FILTER.length) ?? '';
  const [beginning = ''] = written.split(/%22|"/, 1);
  if (!beginning.includes('%20') || beginning.includes('+')) return null;
  try {
    return decodeURIComponent(written);
  } catch {
    return null;
  }
}
