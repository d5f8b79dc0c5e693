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

/** How a sentence names each operation after "PagerDuty did not". */
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

/** Whoever may not list these can do nothing in the account. */
const COLLECTIONS: ReadonlySet<Operation> = new Set<Operation>(['list_users', 'list_teams']);

interface Failure {
  kind: ProviderErrorKind;
  remedy: string;
  /** A write may have been carried out although it failed; a read changes nothing either way. */
  unclear?: true;
  /** Every other call of the account would fail the same way. */
  accountWide?: true;
}

const RETRIED = 'Nothing needs to be done: it is tried again by itself.';
const CHECK_ADDRESS = 'Check the configured address of PagerDuty and any proxy on the way to it.';
const CHECK_CREDENTIAL =
  'Check that the key or app still exists and is enabled in PagerDuty and that the region is the one of the account, then give the secret anew.';
const CHECK_OAUTH =
  'Check the client id, the client secret, the account subdomain, the region and the scopes of the app (teams.read, teams.write, users.read).';
const ASK_PAGERDUTY = 'Let an owner of the account settle this with PagerDuty.';
const FREE_TEAM =
  'Take the team off the escalation policies, schedules, services and subteams that use it in PagerDuty.';

/** Every reason that a failure can have, and what follows from it. */
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
    remedy: 'Add the missing scopes to the app in PagerDuty; a new token is asked for by itself.',
  },
  access_denied: {
    kind: 'permission',
    remedy:
      'Use a general access key that is not read-only, or an app with the scopes teams.read, teams.write and users.read; if the account has an IP allow list, put the addresses of this service on it.',
  },
  teams_ability_missing: {
    kind: 'permission',
    accountWide: true,
    remedy: 'Upgrade the PagerDuty account to a plan that includes teams.',
  },
  plan_too_small: { kind: 'permission', accountWide: true, remedy: ASK_PAGERDUTY },

  team_gone: {
    kind: 'not-found',
    remedy: 'If nobody deleted the team on purpose, check that the credential may see it.',
  },
  user_gone: {
    kind: 'not-found',
    remedy: 'Nothing needs to be done: the person is looked up again by e-mail address.',
  },
  team_or_user_gone: { kind: 'not-found', remedy: RETRIED },
  malformed_id: {
    kind: 'not-found',
    remedy: 'Check the id: PagerDuty makes ids of letters and digits only.',
  },

  name_taken: {
    kind: 'conflict',
    remedy:
      'Rename the group, or the team that holds the name; it may be a private team that the credential cannot see.',
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
      'Take the person off the escalation policies of this team, and off the schedules that these use, in PagerDuty.',
  },
  team_full: {
    kind: 'rejected',
    remedy: 'Make room or split the group: a team has at most 500 members.',
  },
  user_in_too_many_teams: {
    kind: 'rejected',
    remedy: 'Take the person out of other teams in PagerDuty: a person is in at most 400.',
  },
  user_is_stakeholder: {
    kind: 'rejected',
    remedy: 'Give the person a base role other than stakeholder in PagerDuty, or take them out of the group.',
  },
  addition_not_found: {
    kind: 'rejected',
    remedy:
      'Try in PagerDuty to put the person into the team by hand; where that fails as well, ask the support of PagerDuty.',
  },
  change_not_found: {
    kind: 'rejected',
    remedy: 'Try in PagerDuty to do it by hand; where that fails as well, ask the support of PagerDuty.',
  },
  role_refused: {
    kind: 'rejected',
    remedy: 'Choose another member role for the integration, or none.',
  },
  list_too_long: {
    kind: 'rejected',
    remedy: 'PagerDuty lists at most 10,000 rows: reduce what is there to list.',
  },
  request_refused: {
    kind: 'rejected',
    remedy: 'Settle in PagerDuty what it objects to; it is tried again from time to time and on demand.',
  },
} as const satisfies Record<string, Failure>;

export type FailureReason = keyof typeof FAILURES;

/** A failure of this reason, with what follows from it. */
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

/** A success whose body is not what the reference promises. */
export function unreadableAnswer(operation: Operation, status: number): ProviderError {
  return callFailed('unreadable_answer', operation, {
    message: `PagerDuty did not ${PHRASES[operation]} in a form that can be read (HTTP ${status}).`,
    status,
  });
}

/** A list that changed while it was read, so that it may miss somebody. */
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
  return callFailed('malformed_id', operation, { message: 'PagerDuty has no team or user with such an id.' });
}

export function scopesMissing(missing: readonly string[]): ProviderError {
  return callFailed('scopes_missing', 'get_token', {
    message: `PagerDuty granted a token without the ${missing.length === 1 ? 'scope' : 'scopes'} ${missing.join(', ')}.`,
  });
}

export function teamGone(cause: ProviderError): ProviderError {
  return concluded('team_gone', cause, 'The team is not in PagerDuty any more.');
}

/** A team that people are in, as their own entries say, and that is not listed. */
export function teamHidden(): ProviderError {
  return callFailed('team_gone', 'list_teams', {
    message: 'PagerDuty says of people that they are in a team, and does not show that team.',
  });
}

export function userGone(cause: ProviderError): ProviderError {
  return concluded('user_gone', cause, 'The user is not in PagerDuty any more.');
}

/** PagerDuty answers 404 although both are there, as it does for a while after one of them was made. */
export function additionNotFound(cause: ProviderError): ProviderError {
  const message =
    'PagerDuty answers "not found" to the call that adds the person, although it shows both the team and the person.';
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
  return concluded('user_is_stakeholder', cause, `${cause.message} The person is a stakeholder there.`);
}

/** What a failure turned out to be after a second look. */
function concluded(reason: FailureReason, cause: ProviderError, message: string): ProviderError {
  const { kind, remedy } = FAILURES[reason];
  const { outcome, status } = cause;
  return new ProviderError({ kind, reason, remedy, outcome, status, message, cause });
}
