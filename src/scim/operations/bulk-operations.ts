import { Injectable } from '@nestjs/common';
import { Slice, inSlices } from '../../event-loop/slice';
import type { ScimCaller } from '../authentication/scim-authentication';
import type { BulkOperation, BulkRequest } from '../messages/bulk';
import { ScimError, type ScimErrorBody } from '../messages/scim-error';
import { etagOf, locationOf } from '../resources/representation';
import { ScanBudget } from '../resources/scan';
import { GROUP, USER } from '../schema/registry';
import { BulkOrder } from './bulk-order';
import { resolveReference, resolveReferences } from './bulk-references';
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

/**
 * Runs the operations of a BulkRequest, each a transaction of its own, in their order; one that refers to a resource
 * which a later one creates waits for it. Two that wait for each other are 409. Between two of them others are let in.
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
    { context, baseUrl }: ScimCaller,
    request: BulkRequest,
    asScimError: (error: unknown, method: string) => ScimError,
  ): Promise<BulkResult[]> {
    // However many operations search, together they look at no more than one request may.
    const caller = { context, baseUrl, scan: new ScanBudget() };
    const order = await inSlices(BulkOrder.of(request.operations));
    const results = new Map<number, BulkResult>();
    const created = new Map<string, string>();
    const slice = new Slice();
    let failures = 0;
    for (let next = order.next(); next && failures < request.failOnErrors; next = order.next()) {
      const result = await this.runOne(caller, next.operation, created, asScimError);
      results.set(next.index, result);
      if (result.response) failures += 1;
      order.settle(next);
      if (slice.isOver) await slice.next();
    }
    if (failures < request.failOnErrors) {
      for (const { index, operation } of order.left())
        results.set(index, circular(operation as BulkOperation));
    }
    return [...results.entries()].sort(([a], [b]) => a - b).map(([, result]) => result);
  }

  private async runOne(
    caller: ScimCaller,
    operation: BulkOperation | ScimError,
    created: Map<string, string>,
    asScimError: (error: unknown, method: string) => ScimError,
  ): Promise<BulkResult> {
    if (operation instanceof ScimError)
      return { status: String(operation.status), response: operation.toBody() };
    const { method, bulkId } = operation;
    const type = operation.endpoint === 'Users' ? USER : GROUP;
    const answer: BulkResult = { method, ...(bulkId === null ? {} : { bulkId }), status: '204' };
    try {
      const id = operation.target === null ? null : resolveReference(created, operation.target);
      if (id !== null) answer.location = locationOf(caller.baseUrl, type, id);
      const row = await this.write(caller, operation, id, resolveReferences(created, operation.data));
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

function circular({ method, bulkId }: BulkOperation): BulkResult {
  const error = new ScimError(
    409,
    undefined,
    'Operations of this request wait for each other to create a resource.',
  );
  return { method, ...(bulkId === null ? {} : { bulkId }), status: '409', response: error.toBody() };
}
