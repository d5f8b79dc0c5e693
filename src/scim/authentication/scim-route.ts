import type { FastifyRequest } from 'fastify';

const ROUTES = '/scim/v2/:integrationId';

/**
 * The id of the integration and the path below its address, as the router understood them: a path can be written in many
 * ways, and whatever reached a SCIM route is a SCIM request. Null for requests of other doors, and for such as reached no
 * route at all.
 */
export function scimRouteOf(request: FastifyRequest): { integrationId: string; path: string } | null {
  const { url } = request.routeOptions;
  if (!url?.startsWith(ROUTES)) return null;
  const params = request.params as Record<string, string>;
  const path = url.slice(ROUTES.length).replace(/:(\w+)|\*/g, (_, name: string = '*') => params[name] ?? '');
  return { integrationId: params.integrationId!.toLowerCase(), path };
}
