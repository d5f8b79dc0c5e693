import {
  ProviderError,
  type ProviderErrorFields,
  type ProviderErrorKind,
} from '../../integrations/provider/provider-error';

export type Operation =
  | 'get_token'
  | 'list_users'
  | 'get_user'
  | 'list_teams'
  | 'get_team'
  | 'create_team'
  | 'update_team'
  | 'delete_team'
  | 'list_members'
  | 'add_member'
  | 'remove_member';

/** The words for each operation after "PagerDuty did not". */
export const PHRASES: Record<Operation, string> = {
  get_token: 'issue an access token',
  list_users: 'list the users',
  get_user: 'show the user',
  list_teams: 'list the teams',
  get_team: 'show the team',
  create_team: 'create the team',
  update_team: 'change the team',
  delete_team: 'delete the team',
  list_members: 'list the members of the team',
  add_member: 'add the member',
  remove_member: 'remove the member',
};

const WRITES: ReadonlySet<Operation> = new Set<Operation>([
  'create_team',
  'update_team',
  'delete_team',
  'add_member',
  'remove_member',
]);

/** A credential that may not list these can do nothing in the account. */
const COLLECTIONS: ReadonlySet<Operation> = new Set<Operation>(['list_users', 'list_teams']);

interface Failure {
  kind: ProviderErrorKind;
  remedy: string;
  /** A failed write may still have taken effect; a read changes nothing either way. */
  unclear?: true;
  /** Every other call of the account would fail the same way. */
  accountWide?: true;
}

const RETRIED = 'Nothing needs to be done: it is tried again by itself.';
const CHECK_ADDRESS = 'Check the configured address of PagerDuty and any proxy on the way to it.';
const CHECK_CREDENTIAL =
  'Check that the key or app still exists and is enabled in PagerDuty and that the region matches the account, then give the secret again.';
const CHECK_OAUTH =
  'Check the client id, the client secret, the account subdomain, the region and the scopes of the app (teams.read, teams.write, users.read).';
const ASK_PAGERDUTY = 'Ask an owner of the account to settle this with PagerDuty.';
const FREE_TEAM =
  'In PagerDuty, remove the team from the escalation policies, schedules, services and subteams that use it.';

/** Every reason of a failure, with its consequences. */
export const FAILURES = {
  rate_limited: { kind: 'rate-limited', remedy: RETRIED },

  server_error: { kind: 'unavailable', remedy: RETRIED, unclear: true },
  server_timeout: { kind: 'unavailable', remedy: RETRIED, unclear: true },
  account_locked_briefly: { kind: 'unavailable', remedy: RETRIED },
  unexpected_answer: { kind: 'unavailable', remedy: CHECK_ADDRESS, unclear: true },
  unreadable_answer: { kind: 'unavailable', remedy: CHECK_ADDRESS, unclear: true },
  answer_too_large: { kind: 'unavailable', remedy: CHECK_ADDRESS, unclear: true },
  connection_failed: { kind: 'unavailable', remedy: CHECK_ADDRESS },
  connection_broken: { kind: 'unavailable', remedy: RETRIED, unclear: true },
  timeout: { kind: 'unavailable', remedy: RETRIED, unclear: true },
  list_changed: { kind: 'unavailable', remedy: RETRIED },

  unauthorized: { kind: 'credentials', remedy: CHECK_CREDENTIAL },
  oauth_client_refused: { kind: 'credentials', remedy: CHECK_OAUTH },
  oauth_scope_refused: { kind: 'credentials', remedy: CHECK_OAUTH },
  oauth_refused: { kind: 'credentials', remedy: CHECK_OAUTH },
  account_not_found: { kind: 'credentials', remedy: CHECK_CREDENTIAL },
  account_locked: { kind: 'credentials', remedy: ASK_PAGERDUTY },
  account_expired: { kind: 'credentials', remedy: ASK_PAGERDUTY },

  scopes_missing: {
    kind: 'permission',
    accountWide: true,
    remedy: 'Add the missing scopes to the app in PagerDuty; Scimify then requests a new token by itself.',
  },
  access_denied: {
    kind: 'permission',
    remedy:
      'Use a general access key that is not read-only, or an app with the scopes teams.read, teams.write and users.read; if the account has an IP allow list, add the addresses of this service to it.',
  },
  teams_ability_missing: {
    kind: 'permission',
    accountWide: true,
    remedy: 'Upgrade the PagerDuty account to a plan that includes teams.',
  },
  plan_too_small: { kind: 'permission', accountWide: true, remedy: ASK_PAGERDUTY },

  team_gone: {
    kind: 'not-found',
    remedy: 'If the team was not deleted on purpose, check that the credential may see it.',
  },
  user_gone: {
    kind: 'not-found',
    remedy: 'Nothing needs to be done: Scimify looks the user up again by e-mail address.',
  },
  team_or_user_gone: { kind: 'not-found', remedy: RETRIED },
  malformed_id: {
    kind: 'not-found',
    remedy: 'Check the id: PagerDuty makes ids of letters and digits only.',
  },

  name_taken: {
    kind: 'conflict',
    remedy:
      'Rename the group, or the team that has the name; it may be a private team that the credential cannot see.',
  },
  conflict: { kind: 'conflict', remedy: 'Look at the team in PagerDuty and try again.' },

  name_too_long: { kind: 'rejected', remedy: 'Give the group a name of at most 100 characters.' },
  team_limit_reached: {
    kind: 'rejected',
    remedy: 'Delete a team in PagerDuty or upgrade the plan of the account.',
  },
  team_in_use: { kind: 'rejected', remedy: FREE_TEAM },
  team_has_incidents: {
    kind: 'rejected',
    remedy: 'Resolve or reassign the open incidents of the team in PagerDuty.',
  },
  member_on_escalation_policy: {
    kind: 'rejected',
    remedy:
      'In PagerDuty, remove the user from the escalation policies of this team and from the schedules of these policies.',
  },
  team_full: {
    kind: 'rejected',
    remedy: 'Remove members from the group or split it: a team has at most 500 members.',
  },
  user_in_too_many_teams: {
    kind: 'rejected',
    remedy: 'Remove the user from other teams in PagerDuty: a user is in at most 400 teams.',
  },
  user_is_stakeholder: {
    kind: 'rejected',
    remedy:
      'Give the user a base role other than stakeholder in PagerDuty, or remove the user from the group.',
  },
  addition_not_found: {
    kind: 'rejected',
    remedy: 'Try to add the user to the team by hand in PagerDuty; if that fails too, ask PagerDuty support.',
  },
  change_not_found: {
    kind: 'rejected',
    remedy: 'Try to make the change by hand in PagerDuty; if that fails too, ask PagerDuty support.',
  },
  role_refused: {
    kind: 'rejected',
    remedy: 'Choose another member role for the integration, or none.',
  },
  list_too_long: {
    kind: 'rejected',
    remedy: 'Reduce the number of users or teams in the account: PagerDuty lists at most 10,000.',
  },
  request_refused: {
    kind: 'rejected',
    remedy:
      'Resolve in PagerDuty what the message names; Scimify tries again from time to time and on demand.',
  },
} as const satisfies Record<string, Failure>;

export type FailureReason = keyof typeof FAILURES;

/** The error for this reason, with its consequences. */
export function callFailed(
  reason: FailureReason,
  operation: Operation,
  fields: Pick<ProviderErrorFields, 'message' | 'status' | 'retryAfterMs' | 'cause'>,
): ProviderError {
  const { kind, remedy, unclear, ...failure }: Failure = FAILURES[reason];
  const accountWide =
    failure.accountWide ?? ((kind === 'permission' && COLLECTIONS.has(operation)) || undefined);
  const outcome = unclear && WRITES.has(operation) ? 'unknown' : 'not-applied';
  return new ProviderError({ kind, reason, remedy, outcome, accountWide, ...fields });
}

/** A successful response whose body does not match PagerDuty's API reference. */
export function unreadableAnswer(operation: Operation, status: number): ProviderError {
  return callFailed('unreadable_answer', operation, {
    message: `PagerDuty did not ${PHRASES[operation]} in a form that can be read (HTTP ${status}).`,
    status,
  });
}

/** A list that changed during the read, so rows may be missing. */
export function listChangedWhileRead(operation: Operation): ProviderError {
  return callFailed('list_changed', operation, {
    message: `PagerDuty did not ${PHRASES[operation]} completely: the list changed while it was read.`,
  });
}

/** PagerDuty docs: offset + limit may not exceed 10,000. */
export function listTooLong(operation: Operation): ProviderError {
  return callFailed('list_too_long', operation, {
    message: `PagerDuty did not ${PHRASES[operation]} completely: there are more than 10,000.`,
  });
}

export function malformedId(operation: Operation): ProviderError {
  return callFailed('malformed_id', operation, {
    message: 'PagerDuty has no team or user with an id of this form.',
  });
}

export function scopesMissing(missing: readonly string[]): ProviderError {
  return callFailed('scopes_missing', 'get_token', {
    message: `PagerDuty granted a token without the ${missing.length === 1 ? 'scope' : 'scopes'} ${missing.join(', ')}.`,
  });
}

export function teamGone(cause: ProviderError): ProviderError {
  return concluded('team_gone', cause, 'The team is not in PagerDuty any more.');
}

/** Users name a team as theirs, but PagerDuty does not list it. */
export function teamHidden(): ProviderError {
  return callFailed('team_gone', 'list_teams', {
    message: 'PagerDuty shows users as members of a team, but does not show the team.',
  });
}

export function userGone(cause: ProviderError): ProviderError {
  return concluded('user_gone', cause, 'The user is not in PagerDuty any more.');
}

/** PagerDuty answers 404 although both exist, as it does for a while after one of them was created. */
export function additionNotFound(cause: ProviderError): ProviderError {
  const message =
    'PagerDuty answers "not found" to the call that adds the user, although it shows both the team and the user.';
  return concluded('addition_not_found', cause, message);
}

/** PagerDuty answers 404 although it shows the team, as it may for a while after a write to it. */
export function changeNotFound(
  cause: ProviderError,
  operation: 'update_team' | 'delete_team',
): ProviderError {
  const message = `PagerDuty did not ${PHRASES[operation]}: it answers "not found", although it shows the team.`;
  return concluded('change_not_found', cause, message);
}

export function userIsStakeholder(cause: ProviderError): ProviderError {
  return concluded('user_is_stakeholder', cause, `${cause.message} The user is a stakeholder in PagerDuty.`);
}

/** The error after a second look at the cause. */
function concluded(reason: FailureReason, cause: ProviderError, message: string): ProviderError {
  const { kind, remedy } = FAILURES[reason];
  const { outcome, status } = cause;
  return new ProviderError({ kind, reason, remedy, outcome, status, message, cause });
}
