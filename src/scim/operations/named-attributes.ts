import { isObject } from '../schema/json';

/** More names become one entry for everything else. Only a full replacement resolves that entry. */
const MAX_NAMES = 2_000;
const EVERYTHING_ELSE = '*';

/**
 * The names of what a body writes, as far as it can be read: attributes in lower case, and `members:{id}` for each
 * member. The body may be a refused one, so the code does not trust its shape.
 */
export function namedAttributes(method: string, body: unknown): string[] {
  const names = new Set<string>();
  // One name too many is enough to stop: a body may name two hundred thousand members.
  const isFull = () => names.size > MAX_NAMES;
  if (method === 'PATCH') addOperations(names, body, isFull);
  else if (isObject(body)) addObject(names, body, isFull);
  const list = [...names];
  return list.length <= MAX_NAMES ? list : [...list.slice(0, MAX_NAMES), EVERYTHING_ELSE];
}

function addOperations(names: Set<string>, body: unknown, isFull: () => boolean): void {
  const operations = isObject(body) ? body.Operations : null;
  for (const operation of Array.isArray(operations) ? (operations as unknown[]) : []) {
    if (isFull()) return;
    if (!isObject(operation)) continue;
    const { path, value } = operation;
    if (typeof path !== 'string') {
      if (isObject(value)) addObject(names, value, isFull);
      continue;
    }
    const attribute = nameOf(path);
    if (attribute !== 'members') names.add(attribute);
    else addMembers(names, value, path, isFull);
  }
}

function addObject(names: Set<string>, object: Record<string, unknown>, isFull: () => boolean): void {
  for (const [key, value] of Object.entries(object)) {
    const attribute = nameOf(key);
    if (isFull()) return;
    if (attribute === 'members') addMembers(names, value, key, isFull);
    else if (!['schemas', 'id', 'meta', 'groups', 'password'].includes(attribute)) names.add(attribute);
  }
}

function addMembers(names: Set<string>, value: unknown, path: string, isFull: () => boolean): void {
  const ids = [...path.matchAll(/value\s+eq\s+"([^"]{1,100})"/gi)].map((match) => match[1]!);
  const list: unknown[] = Array.isArray(value) ? value : [value];
  let named = ids.length;
  for (const id of ids) names.add(`members:${id.toLowerCase()}`);
  for (const member of list) {
    if (isFull()) return;
    const id = isObject(member) ? member.value : member;
    if (typeof id !== 'string' || id.length > 100) continue;
    named += 1;
    names.add(`members:${id.toLowerCase()}`);
  }
  if (named === 0) names.add('members');
}

/** The attribute at the start of a path, without its URN. */
function nameOf(path: string): string {
  const withoutUrn = path.replace(/^urn:.*:(?=[^:]*$)/i, '');
  return (/^[\w$-]+/.exec(withoutUrn)?.[0] ?? withoutUrn).toLowerCase().slice(0, 100);
}
