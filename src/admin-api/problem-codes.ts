/** One field that the admin API does not accept. */
export interface FieldProblem {
  /** Dotted path inside the body or query, e.g. `settings.accountSubdomain`. */
  field: string;
  message: string;
}

export interface ProblemKind {
  status: number;
  /** One sentence, for the document; the same stands in docs/admin-api.md. */
  meaning: string;
  /** What a person is told: always, or in an example where it depends on the case. */
  detail: string;
  errors?: readonly FieldProblem[];
}

/** Every `code` that the admin API answers. One that has been released stays. */
export const PROBLEM_KINDS = {
  invalid_request: {
    status: 400,
    meaning: 'A field of the body or the query is not acceptable; `errors` names every wrong one.',
    detail: 'Some fields are not acceptable: name.',
    errors: [{ field: 'name', message: 'must be a text of 1 to 200 characters' }],
  },
  bad_request: {
    status: 400,
    meaning: 'The request itself cannot be read: its JSON, its address or its headers.',
    detail: 'An object in the request body holds the same name twice; send each name once.',
  },
  unauthenticated: {
    status: 401,
    meaning: 'There is no key, or it is unknown, expired or revoked.',
    detail: 'Send a valid admin key as "Authorization: Bearer {key}".',
  },
  forbidden: {
    status: 403,
    meaning: 'The role of the key does not suffice.',
    detail: 'This needs a key with the role owner.',
  },
  not_found: {
    status: 404,
    meaning: "It does not exist, or it is another tenant's.",
    detail: 'There is no such resource, or your key may not see it.',
  },
  account_mismatch: {
    status: 409,
    meaning: 'It reaches another account than the one that the integration is bound to.',
    detail:
      'The credential belongs to https://other.pagerduty.com, but this integration writes to https://acme.pagerduty.com. Give a credential of https://acme.pagerduty.com; to move to the other account, rebind the integration. Nothing was stored.',
  },
  visibility_lost: {
    status: 409,
    meaning: 'The credential does not see most of the teams that the integration holds; nothing was stored.',
    detail:
      'Of 20 teams that this integration holds, 11 were asked for, and the credential does not see 11 of them. Give one that sees them. If they were really deleted, reconcile with acceptMissingTeams first; if the credential of before is gone too, rebind the integration. Nothing was stored.',
  },
  changed_meanwhile: {
    status: 409,
    meaning: 'The integration was changed by somebody else at the same time; nothing was stored.',
    detail: 'The integration was changed by somebody else at the same time; nothing was stored. Try again.',
  },
  decided_already: {
    status: 409,
    meaning: 'The held change has been approved or rejected already.',
    detail: 'This change has been approved already.',
  },
  integration_deleting: {
    status: 409,
    meaning: 'The integration is being deleted.',
    detail:
      'The integration is being deleted. Nothing of it can be changed any more but its secret, for its teams are let go with that.',
  },
  last_owner_key: {
    status: 409,
    meaning: 'Without it the tenant has no owner key left that does not expire.',
    detail:
      'Without this key the tenant has no owner key left that does not expire. Make such a one first, or have this one revoked by a platform key.',
  },
  not_listed: {
    status: 409,
    meaning: 'A decision covers what was listed of a held change, and this one was not yet.',
    detail:
      'A decision covers what was listed, and this change was not listed yet: list the held changes of its integration first.',
  },
  quota_reached: {
    status: 409,
    meaning: 'The tenant, or the integration, has as many of these as it may have.',
    detail:
      'The tenant has reached its quota of 50 integrations, ones that are being deleted included. Delete some, or ask the operator of the platform to raise the quota integrations.',
  },
  secret_unreadable: {
    status: 409,
    meaning: 'The stored secret cannot be decrypted with the encryption keys of this installation.',
    detail:
      'The stored secret of the integration can not be decrypted. Give it anew, or have the operator see to SCIMIFY_ENCRYPTION_KEY.',
  },
  tenant_has_integrations: {
    status: 409,
    meaning: 'The tenant has integrations, be they ones that are being deleted.',
    detail: 'The tenant has integrations. Delete them first, and wait until they are gone.',
  },
  precondition_failed: {
    status: 412,
    meaning: 'It was changed since the version that `If-Match` names.',
    detail:
      'It was changed since you read it. Read it again, look at what changed, and repeat your change with the new ETag.',
  },
  too_large: {
    status: 413,
    meaning:
      'The body is larger than 1 MiB, holds more than 10,000 values, or has an object of more than 1,000 names.',
    detail:
      'The request body may hold at most 10,000 values (objects, lists, texts, numbers and so on); send less at a time.',
  },
  unsupported_media_type: {
    status: 415,
    meaning: 'The body is no JSON.',
    detail: 'Send the body as application/json.',
  },
  idempotency_key_reused: {
    status: 422,
    meaning: 'The `Idempotency-Key` came with another body before.',
    detail: 'This Idempotency-Key came with another body before. Choose a new one for a new request.',
  },
  remote_user_unknown: {
    status: 422,
    meaning: 'The target has nobody with this id; nothing was stored.',
    detail:
      'PagerDuty has nobody with the id PXPGF42. Look up the id of the person in PagerDuty; the guide says where it is found. Nothing was stored.',
  },
  secret_refused: {
    status: 422,
    meaning: 'The account is not reached with this secret and these settings; nothing was stored.',
    detail:
      'PagerDuty refuses the key every change: it is read-only, or of a person who may only read. Create a general access key with "Read-only API Key" left unchecked, and give it as the secret. Nothing was stored.',
  },
  rate_limited: {
    status: 429,
    meaning: 'Too many requests, or too many failed authentications, in a short time.',
    detail:
      'More requests came than Scimify takes in such a short time; send this one again after the seconds that Retry-After names.',
  },
  internal_error: {
    status: 500,
    meaning: 'A defect of Scimify.',
    detail: 'Scimify failed to handle this request; its log tells more.',
  },
  database_unavailable: {
    status: 503,
    meaning: 'The database is away or busy; nothing was changed.',
    detail: 'The database is away or busy; nothing was changed. Try again.',
  },
  outcome_unknown: {
    status: 503,
    meaning: 'The database did not confirm the change: it may have been made.',
    detail: 'The database did not confirm the change: look before you repeat it.',
  },
  target_unavailable: {
    status: 503,
    meaning: 'The target could not be asked; nothing was stored.',
    detail:
      'The secret could not be tried. The target did not answer everything within 20 seconds. Test again in some minutes; this tells nothing about the credential. Nothing was stored.',
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEM_KINDS;
