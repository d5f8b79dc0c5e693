import { type BulkOperation, type RefusedOperation, isRefused } from '../messages/bulk';
import { referenceIn, referencesIn } from './bulk-references';

/** A valid or refused operation with its position in the request. */
export interface PlacedOperation {
  readonly index: number;
  readonly operation: BulkOperation | RefusedOperation;
  /** The bulkId of the resource that it creates; null if it creates none. */
  readonly createsBulkId: string | null;
  /** bulkIds that it refers to and that are not settled yet. */
  readonly unsettled: Set<string>;
  /** Whether it refers to the resource that it creates itself. */
  readonly refersToItself: boolean;
  /** Whether it makes a group a member of a group. No order makes that valid. */
  readonly nestsGroups: boolean;
}

/**
 * The order in which the operations of a BulkRequest run. It is the order of the request, with one exception: an
 * operation that refers to a resource of a later operation runs right after that one (RFC 7644 §3.7.2). Each
 * reference is visited once.
 *
 * If users and groups wait for each other in a cycle, one user runs before its references are settled, and a
 * second time after that (§3.7.1). Creations that refer to this user do not wait for the second time. All other
 * operations do.
 */
export class BulkOrder {
  private readonly placed: PlacedOperation[] = [];
  /** The creating operations by bulkId. */
  private readonly creators = new Map<string, PlacedOperation>();
  private readonly waiting = new Set<PlacedOperation>();
  private readonly waitingFor = new Map<string, PlacedOperation[]>();
  private readonly startedEarly = new Set<PlacedOperation>();
  private readonly ready: PlacedOperation[] = [];
  private nextReady = 0;
  private nextPlaced = 0;

  private constructor() {}

  /** Yields where other requests may run. */
  static *of(operations: readonly (BulkOperation | RefusedOperation)[]): Generator<void, BulkOrder> {
    const order = new BulkOrder();
    const endpoints = new Map<string, string>();
    for (const operation of operations) {
      const bulkId = createdBulkId(operation);
      if (bulkId !== null) endpoints.set(bulkId, operation.endpoint!);
      yield;
    }
    for (const [index, operation] of operations.entries()) {
      order.place(index, operation, endpoints);
      yield;
    }
    return order;
  }

  /** @returns undefined after the last operation */
  next(): PlacedOperation | undefined {
    const released = this.ready[this.nextReady];
    if (released) {
      this.nextReady += 1;
      return released;
    }
    while (this.nextPlaced < this.placed.length) {
      const one = this.placed[this.nextPlaced++]!;
      // An operation that had to wait runs from `ready`.
      if (!this.waiting.has(one)) return one;
    }
    return this.breakCycle();
  }

  /** Marks an operation as finished: its resource exists with all its references, or will never exist. */
  settle(one: PlacedOperation): void {
    one.unsettled.clear();
    this.release(one, () => true);
  }

  /** Marks a resource as created without some of its references. Other creations can refer to it now. */
  settleEarly(one: PlacedOperation): void {
    this.release(one, (other) => other.operation.method === 'POST');
  }

  private release(one: PlacedOperation, which: (other: PlacedOperation) => boolean): void {
    if (one.createsBulkId === null) return;
    for (const other of this.waitingFor.get(one.createsBulkId) ?? []) {
      if (which(other) && other.unsettled.delete(one.createsBulkId) && other.unsettled.size === 0)
        this.ready.push(other);
    }
  }

  private breakCycle(): PlacedOperation | undefined {
    let one: PlacedOperation | undefined;
    for (const candidate of this.waiting) {
      if (candidate.unsettled.size === 0 || this.startedEarly.has(candidate)) continue;
      one = candidate;
      break;
    }
    if (one === undefined) return undefined;
    // Every waiting operation leads to a cycle, whichever reference we follow.
    const visited = new Set<PlacedOperation>();
    while (!visited.has(one)) {
      visited.add(one);
      const [bulkId]: string[] = [...one.unsettled];
      one = this.creators.get(bulkId!)!;
    }
    const cycle = [...visited].slice([...visited].indexOf(one));
    // Every cycle has a user: groups wait only for users.
    const user = cycle.find(({ operation }) => operation.endpoint === 'Users')!;
    this.startedEarly.add(user);
    return user;
  }

  private place(
    index: number,
    operation: BulkOperation | RefusedOperation,
    endpoints: ReadonlyMap<string, string>,
  ): void {
    const createsBulkId = createdBulkId(operation);
    const named = new Set(isRefused(operation) ? [] : referencesIn(operation.data));
    const nestsGroups =
      operation.endpoint === 'Groups' && [...named].some((bulkId) => endpoints.get(bulkId) === 'Groups');
    const target = isRefused(operation) ? undefined : referenceIn(operation.target);
    const waitsFor = [...named, ...(target === undefined ? [] : [target])].filter(
      (bulkId) => bulkId !== createsBulkId && endpoints.has(bulkId),
    );
    const one: PlacedOperation = {
      index,
      operation,
      createsBulkId,
      unsettled: new Set(nestsGroups ? [] : waitsFor),
      refersToItself: createsBulkId !== null && named.has(createsBulkId),
      nestsGroups,
    };
    this.placed.push(one);
    if (createsBulkId !== null) this.creators.set(createsBulkId, one);
    if (one.unsettled.size > 0) this.waiting.add(one);
    for (const bulkId of one.unsettled) {
      const others = this.waitingFor.get(bulkId);
      if (others) others.push(one);
      else this.waitingFor.set(bulkId, [one]);
    }
  }
}

function createdBulkId(operation: BulkOperation | RefusedOperation): string | null {
  return isRefused(operation) || operation.method !== 'POST' ? null : operation.bulkId;
}
