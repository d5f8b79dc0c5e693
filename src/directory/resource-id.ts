const LOWER_CASE_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Whether a text can be the id of anything. Others are nobody's, and no database is asked about them: MySQL refuses to
 * compare what is not ASCII with an id.
 */
export function isResourceId(text: string): boolean {
  return LOWER_CASE_UUID.test(text);
}
