import { ScimError } from '../messages/scim-error';
import { checkTexts, isObject, type ScimObject } from './json';
import { readSingle } from './read-value';
import { MEMBERS } from './registry';

/** Members of one request: more than any group has. */
export const MOST_MEMBERS = 200_000;
/** Members between two chances for others. */
const STEP = 100;

/** A group as a client sends it, its members apart from everything else: there may be a hundred thousand of them. */
export interface SplitGroup {
  /** The body without its members; whatever it is, if it is no object. */
  attributes: unknown;
  /** Undefined where it says nothing of them: absent or null. */
  members: unknown;
}

/** @throws ScimError 400 invalidValue for members that are given twice */
export function splitMembers(body: unknown): SplitGroup {
  if (!isObject(body)) return { attributes: body, members: undefined };
  const attributes = { ...body };
  let members: unknown;
  for (const name of Object.keys(body)) {
    if (name.toLowerCase() !== MEMBERS.name) continue;
    delete attributes[name];
    const value = body[name];
    if (value === null || value === undefined) continue;
    if (members !== undefined) throw ScimError.invalidValue('"members" is given twice; give it once.');
    members = value;
  }
  return { attributes, members };
}

/**
 * The ids in a `members` value, each once; a single object stands for a list of one. Yields wherever others may be let in.
 *
 * @throws ScimError 400 invalidValue, 413 for more members than one request may name
 */
export function* readMemberIds(json: unknown): Generator<void, string[]> {
  if (json === null) {
    throw ScimError.invalidValue('"members" is null; send a list of members, or [] for none.');
  }
  const list: unknown[] = Array.isArray(json) ? json : [json];
  if (list.length > MOST_MEMBERS) {
    throw ScimError.tooLarge(
      `The request names ${list.length} members, and may name ${MOST_MEMBERS}; send the others in another one.`,
    );
  }
  const ids = new Set<string>();
  for (const [index, member] of list.entries()) {
    if (!isObject(member)) {
      throw ScimError.invalidValue(
        'Each entry of "members" must be an object such as {"value": "id of a user"}.',
      );
    }
    yield* checkTexts(member);
    // What is no value at all is refused by the schema: the id is required.
    const { value } = readSingle(MEMBERS, member) as ScimObject;
    ids.add(value as string);
    if (index % STEP === 0) yield;
  }
  return [...ids];
}
