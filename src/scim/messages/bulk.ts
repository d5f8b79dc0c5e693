import { isObject } from '../schema/json';
import { field } from './message-field';
import { assertSchema } from './message-schema';
import { ScimError, quoted } from './scim-error';
import { MESSAGE_URNS } from './urns';

export const BULK_LIMITS = { maxOperations: 1_000, maxPayloadSize: 1024 * 1024 } as const;

export type BulkMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One operation of a BulkRequest (RFC 7644 §3.7) with a checked shape. */
export interface BulkOperation {
  method: BulkMethod;
  endpoint: 'Users' | 'Groups';
  /** An id, or `bulkId:…` of another operation; null for POST. */
  target: string | null;
  bulkId: string | null;
  version: string | null;
  data: unknown;
}

/** An invalid operation, with the fields that identify it for the client. */
export interface RefusedOperation {
  /** As the client sent it; undefined if it is not a string. */
  method: string | undefined;
  bulkId: string | undefined;
  /** From its path; null if the path is not valid. */
  endpoint: 'Users' | 'Groups' | null;
  target: string | null;
  refusal: ScimError;
}

export interface BulkRequest {
  /** The request stops after this many failures; Infinity if the client sets no number. */
  failOnErrors: number;
  operations: (BulkOperation | RefusedOperation)[];
}

export function isRefused(operation: BulkOperation | RefusedOperation): operation is RefusedOperation {
  return 'refusal' in operation;
}

const METHODS: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * An invalid operation fails alone. Only a body that is no BulkRequest fails as a whole. Names are case-insensitive.
 *
 * @throws ScimError 400 invalidSyntax or invalidValue, 413 for too many operations
 */
export function readBulkRequest(body: unknown): BulkRequest {
  if (!isObject(body))
    throw ScimError.invalidSyntax('The request body must be a JSON object: a BulkRequest.');
  assertSchema(field(body, 'schemas'), MESSAGE_URNS.bulkRequest);
  const operations = field(body, 'operations');
  if (!Array.isArray(operations) || operations.length === 0) {
    throw ScimError.invalidSyntax('"Operations" must be a list of at least one operation.');
  }
  if (operations.length > BULK_LIMITS.maxOperations) {
    throw ScimError.tooLarge(
      `A bulk request may have at most ${BULK_LIMITS.maxOperations} operations (maxOperations); split it into several requests.`,
    );
  }
  return {
    failOnErrors: readFailOnErrors(field(body, 'failonerrors')),
    operations: withUniqueBulkIds(operations.map(readOperation)),
  };
}

/** RFC 7644 §3.7: a bulkId is unique within a request. Otherwise a reference to it is ambiguous. */
function withUniqueBulkIds(operations: BulkRequest['operations']): BulkRequest['operations'] {
  const seen = new Set<string>();
  return operations.map((operation) => {
    if (isRefused(operation) || operation.method !== 'POST' || operation.bulkId === null) return operation;
    const { method, bulkId, endpoint, target } = operation;
    if (seen.has(bulkId)) {
      const refusal = ScimError.invalidValue(
        `An earlier operation already uses the bulkId ${quoted(bulkId)}; use another one.`,
      );
      return { method, bulkId, endpoint, target, refusal };
    }
    seen.add(bulkId);
    return operation;
  });
}

function readFailOnErrors(value: unknown): number {
  if (value === undefined || value === null) return Infinity;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  throw ScimError.invalidValue('"failOnErrors" must be a whole number of at least 1.');
}

/** An operation before its shape is checked. A field is undefined if it must be a string and is not. */
interface GivenOperation extends Pick<RefusedOperation, 'endpoint' | 'target'> {
  method: string;
  bulkId: string | null | undefined;
  version: string | null | undefined;
  data: unknown;
}

function readOperation(json: unknown): BulkOperation | RefusedOperation {
  const given = isObject(json) ? json : {};
  const [method, path, bulkId, version] = ['method', 'path', 'bulkid', 'version'].map((name) =>
    field(given, name),
  );
  const operation: GivenOperation = {
    method: typeof method === 'string' ? method.toUpperCase() : '',
    ...resourceOf(path),
    bulkId: optionalText(bulkId),
    version: optionalText(version),
    data: field(given, 'data'),
  };
  const refusal = isObject(json)
    ? refusalOf(operation)
    : ScimError.invalidSyntax('A bulk operation must be a JSON object.');
  if (refusal === null) return operation as BulkOperation;
  return {
    method: METHODS.includes(operation.method) ? operation.method : textOrNothing(method),
    bulkId: textOrNothing(bulkId),
    endpoint: operation.endpoint,
    target: operation.target,
    refusal,
  };
}

function resourceOf(path: unknown): Pick<RefusedOperation, 'endpoint' | 'target'> {
  const parts = typeof path === 'string' ? /^\/?(Users|Groups)(?:\/([^/?]+))?\/?$/.exec(path) : null;
  return { endpoint: (parts?.[1] as 'Users' | 'Groups' | undefined) ?? null, target: parts?.[2] ?? null };
}

function refusalOf({ method, endpoint, target, bulkId, version }: GivenOperation): ScimError | null {
  if (!METHODS.includes(method)) {
    return ScimError.invalidSyntax('"method" of a bulk operation must be POST, PUT, PATCH or DELETE.');
  }
  if (endpoint === null) {
    return ScimError.invalidValue(
      '"path" of a bulk operation must be /Users, /Groups or one of their resources.',
    );
  }
  if ((method === 'POST') !== (target === null)) {
    return ScimError.invalidValue(
      method === 'POST'
        ? '"path" of a bulk POST must name an endpoint, without an id.'
        : `"path" of a bulk ${method} must name a resource, e.g. /Users/{id}.`,
    );
  }
  if (bulkId === undefined) return ScimError.invalidValue('"bulkId" must be a string that is not empty.');
  if (method === 'POST' && bulkId === null)
    return ScimError.invalidValue('"bulkId" is required for a bulk POST.');
  if (version === undefined) return ScimError.invalidValue('"version" must be a string that is not empty.');
  return null;
}

function textOrNothing(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** @returns null if the value is absent, undefined if it is not a string or is empty */
function optionalText(value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' && value !== '' ? value : undefined;
}
