import { isObject } from '../schema/json';
import { assertSchema } from './message-schema';
import { ScimError, quoted } from './scim-error';
import { MESSAGE_URNS } from './urns';

export const BULK_LIMITS = { maxOperations: 1_000, maxPayloadSize: 1024 * 1024 } as const;

export type BulkMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One operation of a BulkRequest (RFC 7644 §3.7), its shape checked. */
export interface BulkOperation {
  method: BulkMethod;
  endpoint: 'Users' | 'Groups';
  /** An id, or `bulkId:…` of another operation; null for POST. */
  target: string | null;
  bulkId: string | null;
  version: string | null;
  data: unknown;
}

export interface BulkRequest {
  /** How many failures end the request; infinite where the client sets none. */
  failOnErrors: number;
  operations: (BulkOperation | ScimError)[];
}

const METHODS: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * An operation that makes no sense fails alone; only a body that is no BulkRequest fails as a whole.
 *
 * @throws ScimError 400 invalidSyntax or invalidValue, 413 past the limit of operations
 */
export function readBulkRequest(body: unknown): BulkRequest {
  if (!isObject(body))
    throw ScimError.invalidSyntax('The request body must be a JSON object: a BulkRequest.');
  const { schemas, Operations: operations, failOnErrors } = body;
  assertSchema(schemas, MESSAGE_URNS.bulkRequest);
  if (!Array.isArray(operations) || operations.length === 0) {
    throw ScimError.invalidSyntax('"Operations" must be a list of at least one operation.');
  }
  if (operations.length > BULK_LIMITS.maxOperations) {
    throw ScimError.tooLarge(
      `A bulk request may hold ${BULK_LIMITS.maxOperations} operations (maxOperations).`,
    );
  }
  return {
    failOnErrors: readFailOnErrors(failOnErrors),
    operations: withUniqueBulkIds(operations.map(readOperation)),
  };
}

/** RFC 7644 §3.7: a bulkId is unique within a request, else a reference to it would mean either. */
function withUniqueBulkIds(operations: (BulkOperation | ScimError)[]): (BulkOperation | ScimError)[] {
  const seen = new Set<string>();
  return operations.map((operation) => {
    if (operation instanceof ScimError || operation.method !== 'POST' || operation.bulkId === null)
      return operation;
    if (seen.has(operation.bulkId)) {
      return ScimError.invalidValue(
        `The bulkId ${quoted(operation.bulkId)} is used by an operation before this one.`,
      );
    }
    seen.add(operation.bulkId);
    return operation;
  });
}

function readFailOnErrors(value: unknown): number {
  if (value === undefined || value === null) return Infinity;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  throw ScimError.invalidValue('"failOnErrors" must be a whole number from 1 on.');
}

function readOperation(json: unknown): BulkOperation | ScimError {
  if (!isObject(json)) return ScimError.invalidSyntax('A bulk operation must be a JSON object.');
  const method = typeof json.method === 'string' ? json.method.toUpperCase() : '';
  if (!METHODS.includes(method)) {
    return ScimError.invalidSyntax('"method" of a bulk operation must be POST, PUT, PATCH or DELETE.');
  }
  const path = typeof json.path === 'string' ? /^\/?(Users|Groups)(?:\/([^/?]+))?\/?$/.exec(json.path) : null;
  if (!path) {
    return ScimError.invalidValue(
      '"path" of a bulk operation must be /Users, /Groups or one of their resources.',
    );
  }
  const target = path[2] ?? null;
  if ((method === 'POST') !== (target === null)) {
    return ScimError.invalidValue(
      method === 'POST'
        ? '"path" of a bulk POST must name an endpoint, without an id.'
        : `"path" of a bulk ${method} must name a resource, e.g. /Users/{id}.`,
    );
  }
  const bulkId = optionalText(json.bulkId);
  if (bulkId === undefined) return ScimError.invalidValue('"bulkId" must be a string that is not empty.');
  if (method === 'POST' && bulkId === null)
    return ScimError.invalidValue('"bulkId" is required for a bulk POST.');
  const version = optionalText(json.version);
  if (version === undefined) return ScimError.invalidValue('"version" must be a string that is not empty.');
  return {
    method: method as BulkMethod,
    endpoint: path[1] as 'Users' | 'Groups',
    target,
    bulkId,
    version,
    data: json.data,
  };
}

/** @returns undefined for what is neither a text nor absent */
function optionalText(value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' && value !== '' ? value : undefined;
}
