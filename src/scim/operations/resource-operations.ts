import type { ScimCaller } from '../authentication/scim-authentication';

/** What a write left behind. */
export interface WrittenResource {
  id: string;
  version: number;
}

/** Preconditions that a client set, as lists of entity tags (RFC 7644 §3.14). */
export interface WriteConditions {
  ifMatch?: string | undefined;
  ifNoneMatch?: string | undefined;
}

/** The writes of one type of resource, each a transaction of its own, as controllers and Bulk ask for them. */
export interface ResourceOperations<Row extends WrittenResource> {
  create(caller: ScimCaller, body: unknown): Promise<Row>;
  replace(caller: ScimCaller, id: string, body: unknown, conditions: WriteConditions): Promise<Row>;
  modify(caller: ScimCaller, id: string, body: unknown, conditions: WriteConditions): Promise<Row>;
  delete(caller: ScimCaller, id: string, conditions: WriteConditions): Promise<void>;
}
