const MIB = 1024 * 1024;

/** What the body of a request may hold. */
export interface BodyBounds {
  bytes: number;
  /** Objects, lists, texts, numbers and so on. */
  values: number;
}

const ADMIN_API: BodyBounds = { bytes: MIB, values: 10_000 };
const SCIM: BodyBounds = { bytes: MIB, values: 100_000 };
/** Okta sends a group with all its members. */
const SCIM_GROUP: BodyBounds = { bytes: 32 * MIB, values: 1_500_000 };

/** @param route the pattern of the route, with names of parameters */
export function bodyBoundsOf(route: string): BodyBounds {
  if (!route.startsWith('/scim/')) return ADMIN_API;
  return /^\/scim\/v2\/:integrationId\/Groups(\/:\w+)?$/.test(route) ? SCIM_GROUP : SCIM;
}
