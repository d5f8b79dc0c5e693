import type { FastifyRequest } from 'fastify';

const ROUTES = '/scim/v2/:integrationId';

/**
 * The id of the integration and the path below its base URL, as the router parsed them. A path can be written in many
 * ways, so only the router decides what a SCIM request is.
 *
 * @returns null for requests to other APIs, and for requests without a route
 */
export function scimRouteOf(request: FastifyRequest): { integrationId: string; path: string } | null {
  const { url } = request.routeOptions;
  if (!url?.startsWith(ROUTES)) return null;
  const params = request.params as Record<string, string>;
  const path = url.slice(ROUTES.length).replace(/:(\w+)|\*/g, (_, name: string = '*') => params[name] ?? '');
  return { integrationId: params.integrationId!.toLowerCase(), path };
}
