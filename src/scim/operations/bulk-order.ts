import type { BulkOperation } from '../messages/bulk';
import { ScimError } from '../messages/scim-error';
import { referencesIn } from './bulk-references';

/** One operation of a request, or why it cannot be one, at its place. */
export interface PlacedOperation {
  index: number;
  operation: BulkOperation | ScimError;
}

/**
 * The order in which the operations of a BulkRequest run: that of the request, but one that refers to a resource which a
 * later one creates comes right after that one (RFC 7644 §3.7.2). Each reference is looked at once.
 */
export class BulkOrder {
  private readonly ready: PlacedOperation[] = [];
  private readonly waiting = new Map<PlacedOperation, Set<string>>();
  private readonly waitingFor = new Map<string, PlacedOperation[]>();
  private nextReady = 0;
  private nextPlaced = 0;

  private constructor(private readonly placed: readonly PlacedOperation[]) {}

  /** Yields wherever others may be let in. */
  static *of(operations: readonly (BulkOperation | ScimError)[]): Generator<void, BulkOrder> {
    const placed = operations.map((operation, index) => ({ index, operation }));
    const order = new BulkOrder(placed);
    const coming = new Set(operations.flatMap((operation) => bulkIdMadeBy(operation) ?? []));
    for (const one of placed) {
      order.hold(one, coming);
      yield;
    }
    return order;
  }

  /** @returns undefined once all that can run have run */
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
    return undefined;
  }

  /** What this operation was to create is there, or will never be. */
  settle({ operation }: PlacedOperation): void {
    const bulkId = bulkIdMadeBy(operation);
    if (bulkId === null) return;
    for (const one of this.waitingFor.get(bulkId) ?? []) {
      const open = this.waiting.get(one)!;
      open.delete(bulkId);
      if (open.size === 0) this.ready.push(one);
    }
  }

  /** Those that wait for each other. */
  left(): PlacedOperation[] {
    return [...this.waiting].filter(([, open]) => open.size > 0).map(([one]) => one);
  }

  private hold(one: PlacedOperation, coming: ReadonlySet<string>): void {
    const { operation } = one;
    if (operation instanceof ScimError) return;
    const open = new Set<string>();
    for (const bulkId of referencesIn(operation)) {
      if (bulkId !== operation.bulkId && coming.has(bulkId)) open.add(bulkId);
    }
    if (open.size === 0) return;
    this.waiting.set(one, open);
    for (const bulkId of open) {
      const others = this.waitingFor.get(bulkId);
      if (others) others.push(one);
      else this.waitingFor.set(bulkId, [one]);
    }
  }
}

/** The bulkId under which others refer to what it creates. */
export function bulkIdMadeBy(operation: BulkOperation | ScimError): string | null {
  return operation instanceof ScimError || operation.method !== 'POST' ? null : operation.bulkId;
}
