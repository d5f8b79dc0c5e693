import { isUnassigned } from '../schema/json';
import { ScimError } from './scim-error';
import { sameUrn } from './urns';

/**
 * The endpoint decides the type of a message. `schemas` may be missing, because authentik sends none with a group.
 *
 * @throws ScimError 400 invalidSyntax if `schemas` names another type
 */
export function assertSchema(schemas: unknown, urn: string): void {
  if (isUnassigned(schemas)) return;
  if (Array.isArray(schemas) && schemas.some((given) => typeof given === 'string' && sameUrn(given, urn))) {
    return;
  }
  throw ScimError.invalidSyntax(`"schemas" must be ["${urn}"]; correct it or leave it out.`);
}
