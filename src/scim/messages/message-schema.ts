import { isUnassigned } from '../schema/json';
import { ScimError } from './scim-error';
import { sameUrn } from './urns';

/**
 * A message is what its endpoint says; where it has `schemas`, they have to agree. authentik sends none with a group.
 *
 * @throws ScimError 400 invalidSyntax where the `schemas` of a body say that it is something else
 */
export function assertSchema(schemas: unknown, urn: string): void {
  if (isUnassigned(schemas)) return;
  if (Array.isArray(schemas) && schemas.some((given) => typeof given === 'string' && sameUrn(given, urn))) {
    return;
  }
  throw ScimError.invalidSyntax(`"schemas" must be ["${urn}"], or be left out.`);
}
