import { Injectable } from '@nestjs/common';
import type { ScimCaller } from '../authentication/scim-authentication';
import type { BulkOperation, BulkRequest } from '../messages/bulk';
import { ScimError, type ScimErrorBody, quoted } from '../messages/scim-error';
import { etagOf, locationOf } from '../resources/representation';
import { isObject } from '../schema/json';
import { GROUP, USER } from '../schema/registry';
import { GroupOperations } from './group-operations';
import { type AttemptedWrite, RefusedWriteRecorder } from './refused-write-recorder';
import type { ResourceOperations, WrittenResource } from './resource-operations';
import { UserOperations } from './user-operations';

/** What became of one operation (RFC 7644 §3.7.3). */
export interface BulkResult {
  method?: string;
  bulkId?: string;
  version?: string;
  location?: string;
  status: string;
  response?: ScimErrorBody;
}

const REFERENCE = /^bulkId:(.+)$/;
const QUOTED_REFERENCE = /"(bulkId:[^"]+)"/g;

/**
 * Runs the operations of a BulkRequest, each a transaction of its own, in their order; one that refers to a resource
 * which a later one creates waits for it. Two that wait for each other are 409.
 */
@Injectable()
export class BulkOperations {
  constructor(
    private readonly users: UserOperations,
    private readonly groups: GroupOperations,
    private readonly recorder: RefusedWriteRecorder,
  ) {}

  /**
   * @param asScimError how an error of a write is answered
   * @returns results in the order of the request, without those that `failOnErrors` kept from being tried
   */
  async run(
    caller: ScimCaller,
    request: BulkRequest,
    asScimError: (error: unknown, method: string) => ScimError,
  ): Promise<BulkResult[]> {
    const results = new Map<number, BulkResult>();
    const created = new Map<string, string | null>();
    for (const operation of request.operations) announce(created, operation);
    let failures = 0;
    let waiting = [...request.operations.entries()];
    while (waiting.length > 0 && failures < request.failOnErrors) {
      const next: typeof waiting = [];
      for (const [index, operation] of waiting) {
        if (failures >= request.failOnErrors) break;
        const stillToCome = operation instanceof ScimError ? false : refersToComing(operation, created);
        if (stillToCome) {
          next.push([index, operation]);
          continue;
        }
        const result = await this.runOne(caller, operation, created, asScimError);
        if (result.response) failures += 1;
        results.set(index, result);
      }
      if (next.length === waiting.length) {
        for (const [index, operation] of next) results.set(index, circular(operation as BulkOperation));
        break;
      }
      waiting = next;
    }
    return [...results.entries()].sort(([a], [b]) => a - b).map(([, result]) => result);
  }

  private async runOne(
    caller: ScimCaller,
    operation: BulkOperation | ScimError,
    created: Map<string, string | null>,
    asScimError: (error: unknown, method: string) => ScimError,
  ): Promise<BulkResult> {
    if (operation instanceof ScimError)
      return { status: String(operation.status), response: operation.toBody() };
    const { method, bulkId } = operation;
    const type = operation.endpoint === 'Users' ? USER : GROUP;
    const answer: BulkResult = { method, ...(bulkId === null ? {} : { bulkId }), status: '204' };
    try {
      const id = operation.target === null ? null : resolve(created, operation.target);
      if (id !== null) answer.location = locationOf(caller.baseUrl, type, id);
      const row = await this.write(caller, operation, id, resolveAll(created, operation.data));
      await this.recorder.succeeded(caller, attempted(operation, id));
      if (!row) return answer;
      if (method === 'POST' && bulkId !== null) created.set(bulkId, row.id);
      return {
        ...answer,
        location: locationOf(caller.baseUrl, type, row.id),
        version: etagOf(row),
        status: method === 'POST' ? '201' : '200',
      };
    } catch (error) {
      // Nobody may go on waiting for what was not created.
      if (method === 'POST' && bulkId !== null && created.get(bulkId) === null) created.delete(bulkId);
      const scimError = asScimError(error, method);
      await this.recorder.refused(caller, attempted(operation, operation.target), scimError);
      return { ...answer, status: String(scimError.status), response: scimError.toBody() };
    }
  }

  private async write(
    caller: ScimCaller,
    { method, endpoint, version }: BulkOperation,
    id: string | null,
    data: unknown,
  ): Promise<WrittenResource | null> {
    const operations: ResourceOperations<WrittenResource> = endpoint === 'Users' ? this.users : this.groups;
    const conditions = { ifMatch: version ?? undefined };
    switch (method) {
      case 'POST':
        return operations.create(caller, data);
      case 'PUT':
        return operations.replace(caller, id!, data, conditions);
      case 'PATCH':
        return operations.modify(caller, id!, data, conditions);
      case 'DELETE':
        await operations.delete(caller, id!, conditions);
        return null;
    }
  }
}

function attempted({ method, endpoint, data }: BulkOperation, target: string | null): AttemptedWrite {
  return { method, endpoint, target, body: data };
}

/** Every bulkId that a POST will give an id to; null until it has. */
function announce(created: Map<string, string | null>, operation: BulkOperation | ScimError): void {
  if (operation instanceof ScimError || operation.method !== 'POST' || operation.bulkId === null) return;
  created.set(operation.bulkId, null);
}

function refersToComing(operation: BulkOperation, created: ReadonlyMap<string, string | null>): boolean {
  return [operation.target, operation.data].some((value) =>
    [...references(value)].some((bulkId) => bulkId !== operation.bulkId && created.get(bulkId) === null),
  );
}

/** Where a reference to another resource may stand; the same text under any other name is just text. */
const REFERRING = new Set(['value', 'manager', '$ref', 'path']);

/** Every reference in the data of an operation. */
function* references(data: unknown, name = 'path'): Generator<string> {
  if (typeof data === 'string') {
    if (!REFERRING.has(name)) return;
    const bulkId = REFERENCE.exec(data)?.[1];
    if (bulkId !== undefined) yield bulkId;
    // A path such as `members[value eq "bulkId:ada"]`.
    else for (const match of data.matchAll(QUOTED_REFERENCE)) yield match[1]!.slice('bulkId:'.length);
  } else if (Array.isArray(data)) {
    for (const element of data) yield* references(element, name);
  } else if (isObject(data)) {
    for (const [key, part] of Object.entries(data)) yield* references(part, key);
  }
}

/** @throws ScimError 409 for a reference to what was not created */
function resolve(created: ReadonlyMap<string, string | null>, text: string): string {
  const bulkId = REFERENCE.exec(text)?.[1];
  if (bulkId === undefined) return text;
  const id = created.get(bulkId);
  if (id) return id;
  throw new ScimError(
    409,
    undefined,
    `No operation of this request created the resource with bulkId ${quoted(bulkId)}.`,
  );
}

function resolveAll(created: ReadonlyMap<string, string | null>, data: unknown, name = 'path'): unknown {
  if (typeof data === 'string') {
    if (!REFERRING.has(name)) return data;
    return resolve(created, data).replace(
      QUOTED_REFERENCE,
      (_, reference: string) => `"${resolve(created, reference)}"`,
    );
  }
  if (Array.isArray(data)) return data.map((element) => resolveAll(created, element, name));
  if (!isObject(data)) return data;
  return Object.fromEntries(Object.entries(data).map(([key, part]) => [key, resolveAll(created, part, key)]));
}

function circular({ method, bulkId }: BulkOperation): BulkResult {
  const error = new ScimError(
    409,
    undefined,
    'Operations of this request wait for each other to create a resource.',
  );
  return { method, ...(bulkId === null ? {} : { bulkId }), status: '409', response: error.toBody() };
}
