/**
 * A field of a message by its lower-case name. Attribute names are case-insensitive (RFC 7643 §2.1), and so we
 * read the fields of messages.
 */
export function field(object: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const key = Object.keys(object).find((candidate) => candidate.toLowerCase() === name);
  return key === undefined ? undefined : object[key];
}
