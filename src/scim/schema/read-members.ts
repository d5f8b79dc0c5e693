import { ScimError } from '../messages/scim-error';
import { checkTexts, isObject, type ScimObject } from './json';
import { readSingle } from './read-value';
import { MEMBERS } from './registry';

/** Members in one request: more than any group has. */
export const MOST_MEMBERS = 200_000;
/** Members between two points where other requests may run. */
const STEP = 100;

/** A group as a client sends it. Its members are separate, because there may be a hundred thousand. */
export interface SplitGroup {
  /** The body without its members; the body itself if it is not an object. */
  attributes: unknown;
  /** Undefined if the members are absent or null. */
  members: unknown;
}

/** @throws ScimError 400 invalidValue if the members are given twice */
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
 * The ids in a `members` value, each once. A single object means a list of one. Yields where other requests may run.
 *
 * @throws ScimError 400 invalidValue, 413 for too many members
 */
export function* readMemberIds(json: unknown): Generator<void, string[]> {
  if (json === null) {
    throw ScimError.invalidValue('"members" is null; send a list of members, or [] for none.');
  }
  const list: unknown[] = Array.isArray(json) ? json : [json];
  if (list.length > MOST_MEMBERS) {
    throw ScimError.tooLarge(
      `The request names ${list.length} members, but at most ${MOST_MEMBERS} are allowed; send the others in another request.`,
    );
  }
  const ids = new Set<string>();
  for (const [index, member] of list.entries()) {
    if (!isObject(member)) {
      throw ScimError.invalidValue(
        'Each entry of "members" must be an object like {"value": "id of a user"}.',
      );
    }
    yield* checkTexts(member);
    // The schema requires the id, so there is always a value here.
    const { value } = readSingle(MEMBERS, member) as ScimObject;
    ids.add(value as string);
    if (index % STEP === 0) yield;
  }
  return [...ids];
}
