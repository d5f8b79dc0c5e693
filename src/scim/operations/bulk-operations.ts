import { Injectable } from '@nestjs/common';
import { Slice, inSlices } from '../../event-loop/slice';
import type { ScimCaller } from '../authentication/scim-authentication';
import { type BulkOperation, type BulkRequest, type RefusedOperation, isRefused } from '../messages/bulk';
import { ScimError, type ScimErrorBody } from '../messages/scim-error';
import { MESSAGE_URNS } from '../messages/urns';
import { etagOf, locationOf } from '../resources/representation';
import { ScanBudget } from '../resources/scan';
import { GROUP, USER } from '../schema/registry';
import { BulkOrder, type PlacedOperation } from './bulk-order';
import {
  attributesReferring,
  referenceIn,
  resolveReference,
  resolveReferences,
  withoutReferences,
} from './bulk-references';
import { GroupOperations } from './group-operations';
import { type AttemptedWrite, RefusedWriteRecorder } from './refused-write-recorder';
import type { ResourceOperations, WrittenResource } from './resource-operations';
import { UserOperations } from './user-operations';

/** The result of one operation (RFC 7644 §3.7.3). */
export interface BulkResult {
  method?: string;
  bulkId?: string;
  version?: string;
  location?: string;
  status: string;
  response?: ScimErrorBody;
}

/** The state of a running request. */
interface BulkRun {
  caller: ScimCaller;
  order: BulkOrder;
  /** Ids of the created resources, by bulkId. */
  created: Map<string, string>;
  /** Operations that created a resource without some of its references. */
  incomplete: Map<PlacedOperation, Completion>;
  asScimError: (error: unknown, method: string) => ScimError;
}

/** The work that is left for a created resource. */
interface Completion {
  id: string;
  /** bulkIds of the references that it lacks. */
  missing: ReadonlySet<string>;
}

/** Statuses after which a client may repeat the same request. */
const TEMPORARY_STATUSES: ReadonlySet<string> = new Set(['429', '503']);

/**
 * Runs the operations of a BulkRequest in their order, each in its own transaction. An operation that refers to a
 * resource of a later operation waits for it. If users refer to each other or to themselves, one user is created
 * without the reference, and a PATCH adds it later (RFC 7644 §3.7.1). Other requests may run between two
 * operations.
 */
@Injectable()
export class BulkOperations {
  constructor(
    private readonly users: UserOperations,
    private readonly groups: GroupOperations,
    private readonly recorder: RefusedWriteRecorder,
  ) {}

  /**
   * @param asScimError converts the error of a write
   * @returns results in the order of the request, without operations that did not run because of `failOnErrors`
   */
  async run(
    { context, target, baseUrl }: ScimCaller,
    request: BulkRequest,
    asScimError: (error: unknown, method: string) => ScimError,
  ): Promise<BulkResult[]> {
    // All searches share the scan limit of one request.
    const caller = { context, target, baseUrl, scan: new ScanBudget() };
    const order = await inSlices(BulkOrder.of(request.operations));
    const run: BulkRun = { caller, order, created: new Map(), incomplete: new Map(), asScimError };
    const results = new Map<number, BulkResult>();
    const slice = new Slice();
    let failures = 0;
    for (let next = order.next(); next && failures < request.failOnErrors; next = order.next()) {
      const result = await this.runNext(run, next);
      results.set(next.index, result);
      if (result.response) failures += 1;
      if (slice.isOver) await slice.next();
    }
    // After a stop by `failOnErrors`, complete the resources that lack references.
    for (const [one, completion] of run.incomplete) {
      results.set(one.index, await this.complete(run, one.operation as BulkOperation, completion));
    }
    return [...results.entries()].sort(([a], [b]) => a - b).map(([, result]) => result);
  }

  private async runNext(run: BulkRun, one: PlacedOperation): Promise<BulkResult> {
    const { order, incomplete } = run;
    const { operation } = one;
    if (isRefused(operation)) {
      order.settle(one);
      return refusedResult(run.caller, operation);
    }
    const completion = incomplete.get(one);
    if (completion) {
      incomplete.delete(one);
      const result = await this.complete(run, operation, completion);
      order.settle(one);
      return result;
    }
    const missing = new Set(one.unsettled);
    if (one.refersToItself) missing.add(one.createsBulkId!);
    const data = missing.size > 0 ? withoutReferences(missing, operation.data) : operation.data;
    const created = await this.runOne(run, { ...operation, data }, one.nestsGroups ? nestedGroups() : null);
    if (created.id === null || missing.size === 0) {
      order.settle(one);
      return created.result;
    }
    if (one.unsettled.size > 0) {
      incomplete.set(one, { id: created.id, missing });
      order.settleEarly(one);
      return created.result;
    }
    const result = await this.complete(run, operation, { id: created.id, missing });
    order.settle(one);
    return result;
  }

  /** Adds the references that a created resource lacks. */
  private async complete(
    run: BulkRun,
    operation: BulkOperation,
    { id, missing }: Completion,
  ): Promise<BulkResult> {
    const value = attributesReferring(missing, operation.data);
    const { result } = await this.runOne(run, {
      ...operation,
      method: 'PATCH',
      target: id,
      version: null,
      data: { schemas: [MESSAGE_URNS.patchOp], Operations: [{ op: 'replace', value }] },
    });
    const { method } = operation;
    if (!result.response) return { ...result, method, status: '201' };
    // The text of a temporary error asks to repeat the request, but the creation must not be repeated.
    const isTemporary = TEMPORARY_STATUSES.has(result.status);
    const why = isTemporary ? '' : ` (${String(result.response.detail).replace(/\.$/, '')})`;
    const detail = `The resource is created, but without its references to other resources of this request; add them with a PATCH${why}.`;
    return { ...result, method, response: { ...result.response, detail } };
  }

  private async runOne(
    { caller, created, asScimError }: BulkRun,
    operation: BulkOperation,
    refusal: ScimError | null = null,
  ): Promise<{ id: string | null; result: BulkResult }> {
    const { method, bulkId } = operation;
    const type = operation.endpoint === 'Users' ? USER : GROUP;
    const result: BulkResult = { method, ...(bulkId === null ? {} : { bulkId }), status: '204' };
    try {
      const id = operation.target === null ? null : resolveReference(created, operation.target);
      if (id !== null) result.location = locationOf(caller.baseUrl, type, id);
      if (refusal) throw refusal;
      const row = await this.write(caller, operation, id, resolveReferences(created, operation.data));
      await this.recorder.succeeded(caller, attempted(operation, id));
      if (!row) return { id, result };
      if (method === 'POST' && bulkId !== null) created.set(bulkId, row.id);
      return {
        id: row.id,
        result: {
          ...result,
          location: locationOf(caller.baseUrl, type, row.id),
          version: etagOf(row),
          status: method === 'POST' ? '201' : '200',
        },
      };
    } catch (error) {
      const scimError = asScimError(error, method);
      await this.recorder.refused(caller, attempted(operation, operation.target), scimError);
      const response = scimError.toBody();
      return { id: null, result: { ...result, status: String(scimError.status), response } };
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

function nestedGroups(): ScimError {
  return ScimError.invalidValue(
    'Groups inside groups are not supported; push the users themselves as members.',
  );
}

function refusedResult(
  { baseUrl }: ScimCaller,
  { method, bulkId, endpoint, target, refusal }: RefusedOperation,
): BulkResult {
  const isOfResource = target !== null && referenceIn(target) === undefined;
  const type = endpoint === 'Users' ? USER : GROUP;
  return {
    ...(method === undefined ? {} : { method }),
    ...(bulkId === undefined ? {} : { bulkId }),
    ...(isOfResource ? { location: locationOf(baseUrl, type, target) } : {}),
    status: String(refusal.status),
    response: refusal.toBody(),
  };
}
