import { field } from '../messages/message-field';
import { assertSchema } from '../messages/message-schema';
import { quoted, ScimError } from '../messages/scim-error';
import { MESSAGE_URNS } from '../messages/urns';
import { checkTexts, isObject } from '../schema/json';
import type { ResourceType } from '../schema/registry';
import { readPatchPath, type AttributeTarget } from './path';

/** One change of one attribute. The value is still the JSON of the client. */
export type PatchOperation = Assignment | Removal;

export interface Assignment {
  readonly op: 'add' | 'replace';
  readonly target: AttributeTarget;
  /** Never undefined; null means "unassigned". */
  readonly value: unknown;
  /** From a value without a path. A readOnly attribute in it is ignored, not refused (Okta always sends `id`). */
  readonly implicit: boolean;
  /** If the filter in the path matches nothing, creates a value that it matches, instead of 400 noTarget. */
  readonly createsTarget: boolean;
}

export interface Removal {
  readonly op: 'remove';
  readonly target: AttributeTarget;
  /** The values to remove: not in the RFC, but Entra sends them. Undefined if the operation has no `value`. */
  readonly value: unknown;
}

type Op = PatchOperation['op'];

/** Operations of one PATCH. An operation without a path counts once for each attribute in its value. */
export const MOST_OPERATIONS = 1_000;

/**
 * Reads the body of a PATCH (RFC 7644 §3.5.2) into single changes, in order. An operation without a path becomes one
 * change for each key of its value. Each key is a path: `displayName`, `name.givenName`, `urn:…:User:department`,
 * `emails[type eq "work"].value`, or the URN of a schema with an object. Operations on unknown schemas are ignored.
 *
 * | `op` as sent | `add` | `replace` | `remove` |
 * |---|---|---|---|
 * | no path | value must be an object | value must be an object | noTarget |
 * | no value | invalidValue | invalidValue | allowed |
 * | path's filter matches nothing | creates the value | noTarget, but `Replace` with a capital creates it | no change |
 *
 * Yields where other requests may run.
 *
 * @throws ScimError 400 invalidSyntax, invalidValue, invalidPath, invalidFilter or noTarget; 413 for too many operations
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
    throw ScimError.noTarget('A remove operation needs a "path"; name the attribute to remove.');
  }
  if (value === undefined) throw ScimError.invalidValue(`The "${op}" operation needs a "value".`);
  if (target.kind === 'resource') return spread(type, op, '', value);
  if (type.extensions.includes(target.attribute) && value !== null) {
    return spread(type, op, `${target.attribute.name}:`, value);
  }
  // An older mode of Entra sends "Replace" and means "set". The RFC spells it `replace`.
  return [{ op, target, value, implicit: false, createsTarget: op === 'add' || written !== 'replace' }];
}

/** One change for each key of a value. `prefix` is the URN of the keys, with its colon. */
function spread(type: ResourceType, op: Exclude<Op, 'remove'>, prefix: string, value: unknown): Assignment[] {
  if (!isObject(value)) {
    throw ScimError.invalidValue(
      `An "${op}" operation without an attribute in its path needs an object as "value".`,
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

/** What a key of a value without a path means; null for an unknown key, which is ignored as in a POST. */
function readKey(type: ResourceType, op: Op, key: string): AttributeTarget | 'resource' | null {
  try {
    const target = readPatchPath(type, op, key, false);
    if (target.kind === 'attribute') return target;
    return target.kind === 'resource' ? 'resource' : null;
  } catch (error) {
    // Any text may be an unknown name. But a bracket shows that the client means a path.
    if (error instanceof ScimError && !key.includes('[')) return null;
    throw error;
  }
}

function readOp(written: unknown): Op {
  const op = typeof written === 'string' ? written.toLowerCase() : '';
  if (op === 'add' || op === 'remove' || op === 'replace') return op;
  const found = typeof written === 'string' ? `, not ${quoted(written)}` : '';
  // RFC 7644 §3.12 has no keyword for this error. invalidSyntax fits: the body breaks the schema of the message.
  throw ScimError.invalidSyntax(`"op" must be "add", "remove" or "replace"${found}.`);
}
