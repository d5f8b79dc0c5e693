import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { QueryParameters } from './exchange';

const FILTER = 'filter=';

/** The query of a list, in which a filter may hold plus signs that are not written as `%2B`. */
export const SearchParameters = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const query = request.query as QueryParameters;
  const filter = filterWithPlusSigns(request.url);
  return filter === null || typeof query.filter !== 'string' ? query : { ...query, filter };
});

/**
 * In a form a `+` is a space, and OneLogin writes filters so. Whoever writes spaces as `%20` means a plus sign, as in
 * `ada+test@example.com`: how a filter writes its spaces is seen before its first string.
 *
 * @returns null where a `+` is a space, or the filter cannot be decoded
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
