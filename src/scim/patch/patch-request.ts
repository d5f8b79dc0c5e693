import { field } from '../messages/message-field';
import { assertSchema } from '../messages/message-schema';
import { quoted, ScimError } from '../messages/scim-error';
import { MESSAGE_URNS } from '../messages/urns';
import { checkTexts, isObject } from '../schema/json';
import type { ResourceType } from '../schema/registry';
import { readPatchPath, type AttributeTarget } from './path';

/** One change of one attribute; values are still the client's JSON. */
export type PatchOperation = Assignment | Removal;

export interface Assignment {
  readonly op: 'add' | 'replace';
  readonly target: AttributeTarget;
  /** Never undefined; null means "unassigned". */
  readonly value: unknown;
  /** From a value without a path: what is readOnly in it is ignored, not refused (Okta sends `id` with every push). */
  readonly implicit: boolean;
  /** Where the path's filter matches nothing, a value that it would match is made, instead of 400 noTarget. */
  readonly createsTarget: boolean;
}

export interface Removal {
  readonly op: 'remove';
  readonly target: AttributeTarget;
  /** The values to remove, which the RFC does not know and Entra sends; undefined where the operation has no `value`. */
  readonly value: unknown;
}

type Op = PatchOperation['op'];

/** Operations of one PATCH; one without a path counts as one for each attribute in its value. */
export const MOST_OPERATIONS = 1_000;

/**
 * Reads the body of a PATCH (RFC 7644 §3.5.2) into single changes in their order. An operation without a path is
 * spread over the keys of its value, each of which is itself a path: `displayName`, `name.givenName`,
 * `urn:…:User:department`, `emails[type eq "work"].value`, or the URN of a schema with an object. Operations on
 * schemas that we do not know are left out.
 *
 * | `op` as sent | `add` | `replace` | `remove` |
 * |---|---|---|---|
 * | no path | value must be an object | value must be an object | noTarget |
 * | no value | invalidValue | invalidValue | fine |
 * | path's filter matches nothing | makes the value | noTarget, but `Replace` with a capital makes it | nothing to do |
 *
 * Yields wherever others may be let in.
 *
 * @throws ScimError 400 invalidSyntax, invalidValue, invalidPath, invalidFilter or noTarget; 413 past the bound of operations
 */
export function* readPatchRequest(type: ResourceType, body: unknown): Generator<void, PatchOperation[]> {
  if (!isObject(body)) throw ScimError.invalidSyntax('The request body must be a JSON object: a PatchOp.');
  yield* checkTexts(body);
  assertSchema(field(body, 'schemas'), MESSAGE_URNS.patchOp);
  const operations = field(body, 'operations');
  if (!Array.isArray(operations) || operations.length === 0) {
    throw ScimError.invalidSyntax('"Operations" must be a list of at least one operation.');
  }
  if (operations.length > MOST_OPERATIONS) throw tooManyOperations();
  const changes: PatchOperation[] = [];
  for (const operation of operations as unknown[]) {
    for (const change of readOperation(type, operation)) changes.push(change);
    if (changes.length > MOST_OPERATIONS) throw tooManyOperations();
    yield;
  }
  return changes;
}

function tooManyOperations(): ScimError {
  return ScimError.tooLarge(
    `The PATCH makes more than ${MOST_OPERATIONS} changes; split it into several requests.`,
  );
}

function readOperation(type: ResourceType, operation: unknown): PatchOperation[] {
  if (!isObject(operation))
    throw ScimError.invalidSyntax('Each entry of "Operations" must be a JSON object.');
  const written = field(operation, 'op');
  const op = readOp(written);
  const path = field(operation, 'path') ?? null;
  const value = field(operation, 'value');
  if (path !== null && typeof path !== 'string') throw ScimError.invalidPath('"path" must be a string.');

  const target = path === null ? ({ kind: 'resource' } as const) : readPatchPath(type, op, path);
  if (target.kind === 'unknown-schema') return [];
  if (target.kind === 'unknown-attribute') {
    throw ScimError.invalidPath(`A ${type.name} has no attribute ${quoted(path ?? '')}; correct the path.`);
  }
  if (op === 'remove') {
    if (target.kind === 'attribute') return [{ op, target, value }];
    throw ScimError.noTarget('A remove operation needs a "path" to what it removes.');
  }
  if (value === undefined) throw ScimError.invalidValue(`The "${op}" operation needs a "value".`);
  if (target.kind === 'resource') return spread(type, op, '', value);
  if (type.extensions.includes(target.attribute) && value !== null) {
    return spread(type, op, `${target.attribute.name}:`, value);
  }
  // Entra's older dialect says "Replace" where it means "set"; the RFC's own word is `replace`.
  return [{ op, target, value, implicit: false, createsTarget: op === 'add' || written !== 'replace' }];
}

/** One change for each key of a value; `prefix` is the URN, with its colon, that the keys belong to. */
function spread(type: ResourceType, op: Exclude<Op, 'remove'>, prefix: string, value: unknown): Assignment[] {
  if (!isObject(value)) {
    throw ScimError.invalidValue(
      `The value of an "${op}" operation that has no attribute in its path must be an object.`,
    );
  }
  return Object.entries(value).flatMap(([key, inner]): Assignment[] => {
    const target = readKey(type, op, prefix + key);
    if (target === null) return [];
    if (target === 'resource') return inner === null ? [] : spread(type, op, '', inner);
    if (type.extensions.includes(target.attribute) && inner !== null) {
      return spread(type, op, `${target.attribute.name}:`, inner);
    }
    return [{ op, target, value: inner, implicit: true, createsTarget: true }];
  });
}

/** What a key of a path-less value means; null for what is unknown, which is ignored as it is in a POST. */
function readKey(type: ResourceType, op: Op, key: string): AttributeTarget | 'resource' | null {
  try {
    const target = readPatchPath(type, op, key, false);
    if (target.kind === 'attribute') return target;
    return target.kind === 'resource' ? 'resource' : null;
  } catch (error) {
    // Any text may be a name of something that we do not know. But a bracket says that it is meant as a path.
    if (error instanceof ScimError && !key.includes('[')) return null;
    throw error;
  }
}

function readOp(written: unknown): Op {
  const op = typeof written === 'string' ? written.toLowerCase() : '';
  if (op === 'add' || op === 'remove' || op === 'replace') return op;
  const found = typeof written === 'string' ? `, not ${quoted(written)}` : '';
  // RFC 7644 §3.12 has no keyword for this one; the body does not conform to the message's schema.
  throw ScimError.invalidSyntax(`"op" must be "add", "remove" or "replace"${found}.`);
}
