import { type BulkOperation, type RefusedOperation, isRefused } from '../messages/bulk';
import { referenceIn, referencesIn } from './bulk-references';

/** A valid or refused operation with its position in the request. */
export interface PlacedOperation {
  readonly index: number;
  readonly operation: BulkOperation | RefusedOperation;
  /** The bulkId of the resource that it creates; null if it creates none. */
  readonly makes: string | null;
  /** bulkIds that it refers to and that are not settled yet. */
  readonly open: Set<string>;
  /** Whether it refers to the resource that it creates itself. */
  readonly namesItself: boolean;
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
  private readonly makers = new Map<string, PlacedOperation>();
  private readonly waiting = new Set<PlacedOperation>();
  private readonly waitingFor = new Map<string, PlacedOperation[]>();
  private readonly begun = new Set<PlacedOperation>();
  private readonly ready: PlacedOperation[] = [];
  private nextReady = 0;
  private nextPlaced = 0;

  private constructor() {}

  /** Yields where other requests may run. */
  static *of(operations: readonly (BulkOperation | RefusedOperation)[]): Generator<void, BulkOrder> {
    const order = new BulkOrder();
    const endpoints = new Map<string, string>();
    for (const operation of operations) {
      const bulkId = bulkIdMadeBy(operation);
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
    return this.beginCircle();
  }

  /** Marks an operation as finished: its resource exists with all its references, or will never exist. */
  settle(one: PlacedOperation): void {
    one.open.clear();
    this.release(one, () => true);
  }

  /** Marks a resource as created without some of its references. Other creations can refer to it now. */
  settleBegun(one: PlacedOperation): void {
    this.release(one, (other) => other.operation.method === 'POST');
  }

  private release(one: PlacedOperation, which: (other: PlacedOperation) => boolean): void {
    if (one.makes === null) return;
    for (const other of this.waitingFor.get(one.makes) ?? []) {
      if (which(other) && other.open.delete(one.makes) && other.open.size === 0) this.ready.push(other);
    }
  }

  private beginCircle(): PlacedOperation | undefined {
    let one: PlacedOperation | undefined;
    for (const candidate of this.waiting) {
      if (candidate.open.size === 0 || this.begun.has(candidate)) continue;
      one = candidate;
      break;
    }
    if (one === undefined) return undefined;
    // Every waiting operation leads to a cycle, whichever reference we follow.
    const way = new Set<PlacedOperation>();
    while (!way.has(one)) {
      way.add(one);
      const [bulkId]: string[] = [...one.open];
      one = this.makers.get(bulkId!)!;
    }
    const circle = [...way].slice([...way].indexOf(one));
    // Every cycle has a user: groups wait only for users.
    const user = circle.find(({ operation }) => operation.endpoint === 'Users')!;
    this.begun.add(user);
    return user;
  }

  private place(
    index: number,
    operation: BulkOperation | RefusedOperation,
    endpoints: ReadonlyMap<string, string>,
  ): void {
    const makes = bulkIdMadeBy(operation);
    const named = new Set(isRefused(operation) ? [] : referencesIn(operation.data));
    const nestsGroups =
      operation.endpoint === 'Groups' && [...named].some((bulkId) => endpoints.get(bulkId) === 'Groups');
    const target = isRefused(operation) ? undefined : referenceIn(operation.target);
    const open = [...named, ...(target === undefined ? [] : [target])].filter(
      (bulkId) => bulkId !== makes && endpoints.has(bulkId),
    );
    const one: PlacedOperation = {
      index,
      operation,
      makes,
      open: new Set(nestsGroups ? [] : open),
      namesItself: makes !== null && named.has(makes),
      nestsGroups,
    };
    this.placed.push(one);
    if (makes !== null) this.makers.set(makes, one);
    if (one.open.size > 0) this.waiting.add(one);
    for (const bulkId of one.open) {
      const others = this.waitingFor.get(bulkId);
      if (others) others.push(one);
      else this.waitingFor.set(bulkId, [one]);
    }
  }
}

function bulkIdMadeBy(operation: BulkOperation | RefusedOperation): string | null {
  return isRefused(operation) || operation.method !== 'POST' ? null : operation.bulkId;
}
