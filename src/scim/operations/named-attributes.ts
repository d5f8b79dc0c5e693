import { isObject } from '../schema/json';

/** Beyond that a refusal names whatever is left as one: only a full replacement makes up for it. */
const MAX_NAMES = 2_000;
const EVERYTHING_ELSE = '*';

/**
 * What a body means to write, as far as it can be read: attributes by lower-case name, and `members:{id}` for each
 * member. For bodies that were refused, so nothing is taken for granted.
 */
export function namedAttributes(method: string, body: unknown): string[] {
  const names = new Set<string>();
  if (method === 'PATCH') addOperations(names, body);
  else if (isObject(body)) addObject(names, body);
  const list = [...names];
  return list.length <= MAX_NAMES ? list : [...list.slice(0, MAX_NAMES), EVERYTHING_ELSE];
}

function addOperations(names: Set<string>, body: unknown): void {
  const operations = isObject(body) ? body.Operations : null;
  for (const operation of Array.isArray(operations) ? (operations as unknown[]) : []) {
    if (!isObject(operation)) continue;
    const { path, value } = operation;
    if (typeof path !== 'string') {
      if (isObject(value)) addObject(names, value);
      continue;
    }
    const attribute = nameOf(path);
    if (attribute !== 'members') names.add(attribute);
    else addMembers(names, value, path);
  }
}

function addObject(names: Set<string>, object: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(object)) {
    const attribute = nameOf(key);
    if (attribute === 'members') addMembers(names, value, key);
    else if (!['schemas', 'id', 'meta', 'groups', 'password'].includes(attribute)) names.add(attribute);
  }
}

function addMembers(names: Set<string>, value: unknown, path: string): void {
  const ids = [...path.matchAll(/value\s+eq\s+"([^"]{1,100})"/gi)].map((match) => match[1]!);
  const list: unknown[] = Array.isArray(value) ? value : [value];
  for (const member of list) {
    const id = isObject(member) ? member.value : member;
    if (typeof id === 'string' && id.length <= 100) ids.push(id);
  }
  if (ids.length === 0) names.add('members');
  for (const id of ids) names.add(`members:${id.toLowerCase()}`);
}

/** The attribute that a path begins with, without its URN. */
function nameOf(path: string): string {
  const withoutUrn = path.replace(/^urn:.*:(?=[^:]*$)/i, '');
  return (/^[\w$-]+/.exec(withoutUrn)?.[0] ?? withoutUrn).toLowerCase().slice(0, 100);
}
