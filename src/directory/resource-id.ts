const LOWER_CASE_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Whether a text can be the id of a resource. Never query the database with other texts: MySQL refuses to compare
 * non-ASCII text with an id.
 */
export function isResourceId(text: string): boolean {
  return LOWER_CASE_UUID.test(text);
}
