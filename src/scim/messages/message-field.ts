/**
 * A field of a message by its lower-case name: names of attributes are compared without case (RFC 7643 §2.1), those of
 * messages too.
 */
export function field(object: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const key = Object.keys(object).find((candidate) => candidate.toLowerCase() === name);
  return key === undefined ? undefined : object[key];
}
