/** URNs of the SCIM messages (RFC 7644 §8.2): these bodies are not resources, and `/Schemas` does not list them. */
export const MESSAGE_URNS = {
  listResponse: 'urn:ietf:params:scim:api:messages:2.0:ListResponse',
  searchRequest: 'urn:ietf:params:scim:api:messages:2.0:SearchRequest',
  patchOp: 'urn:ietf:params:scim:api:messages:2.0:PatchOp',
  bulkRequest: 'urn:ietf:params:scim:api:messages:2.0:BulkRequest',
  bulkResponse: 'urn:ietf:params:scim:api:messages:2.0:BulkResponse',
  error: 'urn:ietf:params:scim:api:messages:2.0:Error',
} as const;

/** Compares without case: RFC 8141 §3.1 demands it for the prefix, and clients also vary the case of the rest. */
export function sameUrn(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}
