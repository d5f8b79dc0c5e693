/** One field that the admin API does not accept. */
export interface FieldProblem {
  /** Dotted path inside the body or query, e.g. `settings.accountSubdomain`. */
  field: string;
  message: string;
}

export interface ProblemKind {
  status: number;
  /** One sentence for the OpenAPI document. docs/admin-api.md has the same text. */
  meaning: string;
  /** The message for a person. An example if the text depends on the case. */
  detail: string;
  errors?: readonly FieldProblem[];
}

/** Every `code` of the admin API. Never remove a released one. */
export const PROBLEM_KINDS = {
  invalid_request: {
    status: 400,
    meaning: 'Some fields of the body or the query are not valid. `errors` lists each of them.',
    detail: 'Some fields are not valid: name. Correct them and send the request again.',
    errors: [{ field: 'name', message: 'must be a text of 1 to 200 characters' }],
  },
  bad_request: {
    status: 400,
    meaning: 'Scimify cannot read the JSON, the URL or the headers of the request.',
    detail: 'An object in the request body holds the same name twice; send each name once.',
  },
  unauthenticated: {
    status: 401,
    meaning: 'The key is missing, unknown, expired or revoked.',
    detail: 'Send a valid admin key as "Authorization: Bearer {key}".',
  },
  forbidden: {
    status: 403,
    meaning: 'The role of the key is too low.',
    detail: 'This needs a key with the role owner.',
  },
  not_found: {
    status: 404,
    meaning: 'The resource does not exist, or it belongs to another tenant.',
    detail: 'There is no such resource, or your key may not see it.',
  },
  account_mismatch: {
    status: 409,
    meaning: 'The credential belongs to another account than the integration.',
    detail:
      'The credential belongs to https://other.pagerduty.com, but this integration writes to https://acme.pagerduty.com. Give a credential of https://acme.pagerduty.com; to move to the other account, rebind the integration. Nothing was stored.',
  },
  visibility_lost: {
    status: 409,
    meaning: 'The credential does not see most of the teams of the integration. Nothing was stored.',
    detail:
      'Scimify checked 11 of 20 teams of this integration, and the credential does not see 11 of them. Give a credential that sees them. If they were really deleted, reconcile with acceptMissingTeams first; if the previous credential no longer works either, rebind the integration. Nothing was stored.',
  },
  changed_meanwhile: {
    status: 409,
    meaning: 'Another request changed the integration at the same time. Nothing was stored.',
    detail:
      'Another request changed the integration at the same time. Nothing was stored. Read it and try again.',
  },
  decided_already: {
    status: 409,
    meaning: 'The held change is already approved or rejected.',
    detail: 'This change has been approved already.',
  },
  integration_deleting: {
    status: 409,
    meaning: 'The integration is being deleted.',
    detail:
      'The integration is being deleted. Only its secret can still be changed, because the deletion uses it. Create another integration.',
  },
  last_owner_key: {
    status: 409,
    meaning: 'This key is the last owner key of the tenant that does not expire.',
    detail:
      'This key is the last owner key of the tenant that does not expire. First create another owner key that does not expire, or use a platform key.',
  },
  not_listed: {
    status: 409,
    meaning: 'No list has shown the held change yet, so it cannot be decided.',
    detail: 'No list has shown this change yet. List the held changes of the integration first, then decide.',
  },
  quota_reached: {
    status: 409,
    meaning: 'The tenant or the integration has reached a quota.',
    detail:
      'The tenant has reached its quota of 50 integrations, including those that are being deleted. Delete some, or ask the operator of the platform to raise the quota integrations.',
  },
  secret_unreadable: {
    status: 409,
    meaning: 'No encryption key of this installation decrypts the stored secret.',
    detail:
      'The stored secret of the integration cannot be decrypted. Store it again, or ask the operator to check SCIMIFY_ENCRYPTION_KEY.',
  },
  tenant_has_integrations: {
    status: 409,
    meaning: 'The tenant has integrations, including those that are being deleted.',
    detail: 'The tenant has integrations. Delete them first, and wait until Scimify has removed them.',
  },
  precondition_failed: {
    status: 412,
    meaning: 'The resource has changed since the version in `If-Match`.',
    detail:
      'The integration has changed since you read it. Read it again, check what has changed, and repeat your change with the new ETag.',
  },
  too_large: {
    status: 413,
    meaning:
      'The body is larger than 1 MiB, holds more than 10,000 values, or has an object of more than 1,000 names.',
    detail:
      'The request body may hold at most 10,000 values (objects, lists, texts, numbers and so on). Send less at a time.',
  },
  unsupported_media_type: {
    status: 415,
    meaning: 'The body is not JSON.',
    detail: 'Send the body as application/json.',
  },
  idempotency_key_reused: {
    status: 422,
    meaning: 'An earlier request used this `Idempotency-Key` with another body.',
    detail:
      'An earlier request used this Idempotency-Key with another body. Use a new key for a new request.',
  },
  remote_user_unknown: {
    status: 422,
    meaning: 'The target has no user with this id. Nothing was stored.',
    detail:
      'PagerDuty has no user with the id PXPGF42. Look up the id of the person in PagerDuty; the guide says where it is found. Nothing was stored.',
  },
  secret_refused: {
    status: 422,
    meaning: 'The secret and the settings do not give access to the account. Nothing was stored.',
    detail:
      'PagerDuty refuses every change with this key: the key is read-only, or its owner may only read. Create a general access key with "Read-only API Key" left unchecked, and give it as the secret. Nothing was stored.',
  },
  rate_limited: {
    status: 429,
    meaning: 'Too many requests, or too many failed authentications, in a short time.',
    detail:
      'Too many requests came in a short time; send this request again after the seconds in Retry-After.',
  },
  internal_error: {
    status: 500,
    meaning: 'An error in Scimify.',
    detail: 'Scimify failed to handle this request. Search its log for the requestId.',
  },
  database_unavailable: {
    status: 503,
    meaning: 'The database is busy or not available. Nothing was changed.',
    detail: 'The database is busy or not available. Nothing was changed. Try again.',
  },
  outcome_unknown: {
    status: 503,
    meaning: 'The database did not confirm the change. It may be stored or not.',
    detail: 'The database did not confirm the change. Check whether it is stored before you repeat it.',
  },
  target_unavailable: {
    status: 503,
    meaning: 'Scimify could not ask the target. Nothing was stored.',
    detail:
      'Scimify could not test the secret. The target did not answer everything within 20 seconds. Test again in a few minutes; this result says nothing about the credential. Nothing was stored.',
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEM_KINDS;
