import { ScimError } from './scim-error';
import { sameUrn } from './urns';

/** @throws ScimError 400 invalidSyntax where the `schemas` of a body do not say that it is this message */
export function assertSchema(schemas: unknown, urn: string): void {
  if (Array.isArray(schemas) && schemas.some((given) => typeof given === 'string' && sameUrn(given, urn))) {
    return;
  }
  throw ScimError.invalidSyntax(`"schemas" must be ["${urn}"].`);
}
