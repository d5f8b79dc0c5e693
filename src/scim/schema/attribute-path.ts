/** An attribute path in the spelling of the client (RFC 7644 §3.10): `[urn:]name[.sub]`. */
export interface AttributePath {
  readonly urn: string | null;
  readonly name: string;
  readonly sub: string | null;
}

// ATTRNAME of RFC 7644 §3.4.2.2, plus `$ref`, which that rule does not allow.
const NAME = '[A-Za-z$][A-Za-z0-9_$-]*';
const URN = 'urn:[A-Za-z0-9][A-Za-z0-9-]*:[^\\s"\\[\\]()]+';
const ATTRIBUTE_PATH = new RegExp(`^(?:(${URN}):)?(${NAME})(?:\\.(${NAME}))?$`, 'i');

/** @returns null if the text is not an attribute path */
export function parseAttributePath(text: string): AttributePath | null {
  const parts = ATTRIBUTE_PATH.exec(text);
  if (parts === null) return null;
  return { urn: parts[1] ?? null, name: parts[2]!, sub: parts[3] ?? null };
}

export function printAttributePath(path: AttributePath): string {
  return (path.urn === null ? '' : `${path.urn}:`) + path.name + (path.sub === null ? '' : `.${path.sub}`);
}
