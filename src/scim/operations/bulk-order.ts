import { type BulkOperation, type RefusedOperation, isRefused } from '../messages/bulk';
import { referenceIn, referencesIn } from './bulk-references';

/** One operation of a request, or why it cannot be one, at its place. */
export interface PlacedOperation {
  readonly index: number;
  readonly operation: BulkOperation | RefusedOperation;
  /** The bulkId under which others refer to what it creates. */
  readonly makes: string | null;
  /** bulkIds that it refers to and that are not settled. */
  readonly open: Set<string>;
  /** Whether it refers to the very resource that it creates. */
  readonly namesItself: boolean;
  /** Whether it makes a group a member of a group, which no order of creation helps. */
  readonly nestsGroups: boolean;
}

/**
 * The order in which the operations of a BulkRequest run: that of the request, but one that refers to a resource which a
 * later one creates comes right after that one (RFC 7644 §3.7.2). Each reference is looked at once.
 *
 * Of users and groups that wait for each other, a user comes while references of it are still open, and a second time when
 * they are settled (§3.7.1). What is to change it waits until then; what only refers to it does not.
 */
export class BulkOrder {
  private readonly placed: PlacedOperation[] = [];
  /** The creations by their bulkIds. */
  private readonly makers = new Map<string, PlacedOperation>();
  private readonly waiting = new Set<PlacedOperation>();
  private readonly waitingFor = new Map<string, PlacedOperation[]>();
  private readonly begun = new Set<PlacedOperation>();
  private readonly ready: PlacedOperation[] = [];
  private nextReady = 0;
  private nextPlaced = 0;

  private constructor() {}

  /** Yields wherever others may be let in. */
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

  /** @returns undefined once all have run */
  next(): PlacedOperation | undefined {
    const released = this.ready[this.nextReady];
    if (released) {
      this.nextReady += 1;
      return released;
    }
    while (this.nextPlaced < this.placed.length) {
      const one = this.placed[this.nextPlaced++]!;
      // One that waited and was released meanwhile has run already.
      if (!this.waiting.has(one)) return one;
    }
    return this.beginCircle();
  }

  /** What this operation was to create is there with all that it refers to, or will never be. */
  settle(one: PlacedOperation): void {
    one.open.clear();
    this.release(one, () => true);
  }

  /** What this operation was to create is there, and can be referred to. */
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
    // Whoever waits leads to a circle, whatever reference is followed.
    const way = new Set<PlacedOperation>();
    while (!way.has(one)) {
      way.add(one);
      const [bulkId]: string[] = [...one.open];
      one = this.makers.get(bulkId!)!;
    }
    const circle = [...way].slice([...way].indexOf(one));
    // There is one: groups wait for users only.
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
