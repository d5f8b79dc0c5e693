import type { ScimCaller } from '../authentication/scim-authentication';

/** A resource after a write. */
export interface WrittenResource {
  id: string;
  version: number;
}

/** Preconditions of the client, as lists of entity tags (RFC 7644 §3.14). */
export interface WriteConditions {
  ifMatch?: string | undefined;
  ifNoneMatch?: string | undefined;
}

/** The writes of one resource type, for controllers and bulk requests. Each is one transaction. */
export interface ResourceOperations<Row extends WrittenResource> {
  create(caller: ScimCaller, body: unknown): Promise<Row>;
  replace(caller: ScimCaller, id: string, body: unknown, conditions: WriteConditions): Promise<Row>;
  modify(caller: ScimCaller, id: string, body: unknown, conditions: WriteConditions): Promise<Row>;
  delete(caller: ScimCaller, id: string, conditions: WriteConditions): Promise<void>;
}
