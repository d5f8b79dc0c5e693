import {
  ProviderError,
  type ProviderErrorFields,
  type ProviderErrorKind,
} from '../../integrations/provider/provider-error';
import { type TransportFailure, type TransportFailureKind } from './transport';
import { isRecord } from './types';

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
const PHRASES: Record<Operation, string> = {
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

/** What an answer says about a failed call. */
export interface FailedAnswer {
  status: number;
  body: string;
  operation: Operation;
  /** Strings that the message must not contain, should PagerDuty repeat them. */
  secrets: readonly string[];
  retryAfterMs?: number;
}

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
const FAILURES = {
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
  not_visible_yet: { kind: 'unavailable', remedy: RETRIED },

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
    remedy: 'Make room or split the group: a team has at most 500 members, and a person at most 400 teams.',
  },
  user_is_stakeholder: {
    kind: 'rejected',
    remedy: 'Give the person a base role other than stakeholder in PagerDuty, or take them out of the group.',
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

interface Rule {
  /** A status, or a range of them. */
  status?: number | readonly [from: number, to: number];
  /** One of these codes in the body. */
  codes?: readonly number[];
  /** Anywhere in what PagerDuty says. */
  text?: RegExp;
  /** The body names scopes that the token lacks. */
  scopes?: true;
  operations?: readonly Operation[];
  reason: FailureReason;
}

const LISTS: readonly Operation[] = ['list_users', 'list_teams', 'list_members'];
const NAMES: readonly Operation[] = ['create_team', 'update_team'];
const ONE_TEAM: readonly Operation[] = ['get_team', 'update_team', 'delete_team', 'list_members'];
const MEMBERSHIP: readonly Operation[] = ['add_member', 'remove_member'];

/**
 * Every failure that PagerDuty answers with; the first match counts. Codes are those of PagerDuty docs, "Errors" (representative,
 * not complete); texts are what clients of PagerDuty report, matched by the part that stays the same.
 */
const RULES: readonly Rule[] = [
  { status: 429, reason: 'rate_limited' },
  { status: [500, 599], reason: 'server_error' },
  { status: 408, reason: 'server_timeout' },

  // RFC 6749 §5.2. PagerDuty's bodies do not separate the causes reliably, so every remedy here lists them all.
  { operations: ['get_token'], text: /invalid_client|unauthorized_client/i, reason: 'oauth_client_refused' },
  { operations: ['get_token'], text: /scope/i, reason: 'oauth_scope_refused' },
  { operations: ['get_token'], status: [400, 499], reason: 'oauth_refused' },

  // A wrong key, a disabled one, a revoked token and the wrong region are one and the same 401, mostly without JSON.
  { status: 401, reason: 'unauthorized' },
  { codes: [2006], reason: 'unauthorized' },
  { codes: [2007], reason: 'account_not_found' },
  { codes: [2008], reason: 'account_locked' },
  { codes: [2012], reason: 'account_expired' },

  { status: 402, codes: [2014], reason: 'teams_ability_missing' },
  { status: 402, text: /abilit/i, reason: 'teams_ability_missing' },
  { status: 402, reason: 'plan_too_small' },
  { status: 403, scopes: true, reason: 'scopes_missing' },
  { status: 403, reason: 'access_denied' },
  { codes: [2010], reason: 'access_denied' },

  { codes: [6001], reason: 'team_gone' },
  { codes: [2013], reason: 'user_gone' },
  { status: 404, operations: ONE_TEAM, reason: 'team_gone' },
  { status: 404, operations: ['get_user'], reason: 'user_gone' },
  { status: 404, operations: MEMBERSHIP, reason: 'team_or_user_gone' },
  // A collection that is not there: something else answers in PagerDuty's place.
  { status: 404, reason: 'unexpected_answer' },

  // Concurrent writes got in each other's way: Terraform's provider retries on this text.
  { text: /could not be locked/i, reason: 'account_locked_briefly' },
  { codes: [2016], reason: 'server_timeout' },
  { codes: [2000, 6007], reason: 'server_error' },
  { codes: [2020], reason: 'rate_limited' },

  // A newer and an older wording of the same limit.
  {
    operations: LISTS,
    text: /offset\s*\+\s*limit exceeds|offset must be less than/i,
    reason: 'list_too_long',
  },

  { operations: NAMES, text: /already been taken/i, reason: 'name_taken' },
  { operations: NAMES, text: /too long|maximum is \d+ char/i, reason: 'name_too_long' },
  { operations: ['create_team'], codes: [2019], reason: 'team_limit_reached' },

  { operations: ['delete_team'], codes: [6006], reason: 'team_in_use' },
  { operations: ['delete_team'], text: /existing associations/i, reason: 'team_in_use' },
  { operations: ['delete_team'], codes: [6004], reason: 'team_has_incidents' },

  // Names the schedules too: whoever is on a schedule of such a policy is on the policy.
  { operations: ['remove_member'], text: /escalation polic/i, reason: 'member_on_escalation_policy' },

  { operations: ['add_member'], codes: [2019], reason: 'team_full' },
  { operations: ['add_member'], text: /stakeholder|read[ _-]?only/i, reason: 'user_is_stakeholder' },
  { operations: ['add_member'], text: /\b(maximum|limit|too many|exceeds?)\b/i, reason: 'team_full' },
  { operations: ['add_member'], text: /\brole\b/i, reason: 'role_refused' },

  { status: 409, reason: 'conflict' },
  { status: [400, 499], reason: 'request_refused' },
  { reason: 'unexpected_answer' },
];

const TRANSPORT_FAILURES: Record<TransportFailureKind, { reason: FailureReason; says: string }> = {
  'not-connected': { reason: 'connection_failed', says: 'no connection could be made' },
  broken: { reason: 'connection_broken', says: 'the connection broke' },
  timeout: { reason: 'timeout', says: 'no answer came in time' },
  'answer-too-large': { reason: 'answer_too_large', says: 'the answer was too large' },
};

/** The error behind an answer that is no success. */
export function classifyAnswer(answer: FailedAnswer): ProviderError {
  const said = parseErrorBody(answer.body);
  const rule = RULES.find((candidate) => applies(candidate, answer, said));
  const words = said.words.length === 0 ? '' : `: ${clipped(said.words.join('; '))}`;
  const code = said.code === null ? '' : `, code ${said.code}`;
  const message = `PagerDuty did not ${PHRASES[answer.operation]}${words} (HTTP ${answer.status}${code}).`;
  return failed(rule?.reason ?? 'unexpected_answer', answer.operation, {
    message: withoutSecrets(message, answer.secrets),
    status: answer.status,
    retryAfterMs: answer.retryAfterMs,
  });
}

/** The error where no answer came. */
export function classifyTransportFailure(cause: TransportFailure, operation: Operation): ProviderError {
  const { reason, says } = TRANSPORT_FAILURES[cause.kind];
  return failed(reason, operation, {
    message: `PagerDuty did not ${PHRASES[operation]}: ${says} (${cause.code}).`,
    cause,
  });
}

/** A success whose body is not what the reference promises. */
export function unreadableAnswer(operation: Operation, status: number): ProviderError {
  return failed('unreadable_answer', operation, {
    message: `PagerDuty did not ${PHRASES[operation]} in a form that can be read (HTTP ${status}).`,
    status,
  });
}

/** A list that changed while it was read, so that it may miss somebody. */
export function listChangedWhileRead(operation: Operation): ProviderError {
  return failed('list_changed', operation, {
    message: `PagerDuty did not ${PHRASES[operation]} completely: the list changed while it was read.`,
  });
}

/** PagerDuty docs: offset + limit may not exceed 10,000. */
export function listTooLong(operation: Operation): ProviderError {
  return failed('list_too_long', operation, {
    message: `PagerDuty did not ${PHRASES[operation]} completely: there are more than 10,000.`,
  });
}

export function malformedId(operation: Operation): ProviderError {
  return failed('malformed_id', operation, { message: 'PagerDuty has no team or user with such an id.' });
}

export function scopesMissing(missing: readonly string[]): ProviderError {
  return failed('scopes_missing', 'get_token', {
    message: `PagerDuty granted a token without the ${missing.length === 1 ? 'scope' : 'scopes'} ${missing.join(', ')}.`,
  });
}

export function teamGone(cause: ProviderError): ProviderError {
  return concluded('team_gone', cause, 'The team is not in PagerDuty any more.');
}

export function userGone(cause: ProviderError): ProviderError {
  return concluded('user_gone', cause, 'The user is not in PagerDuty any more.');
}

const NOT_VISIBLE_RETRY_MS = 5_000;

/** PagerDuty answers 404 for something that is there, or that was made a moment ago. */
export function notVisibleYet(cause: ProviderError): ProviderError {
  const message = 'PagerDuty does not find the team or the user yet, although it was there a moment ago.';
  return concluded('not_visible_yet', cause, message, NOT_VISIBLE_RETRY_MS);
}

export function userIsStakeholder(cause: ProviderError): ProviderError {
  return concluded('user_is_stakeholder', cause, `${cause.message} The person is a stakeholder there.`);
}

interface SaidByPagerDuty {
  code: number | null;
  words: string[];
  scopes: boolean;
}

/**
 * PagerDuty docs: `{"error":{"message","code","errors":[…]}}`. Seen in the wild as well: `errors` missing, a string or an
 * object of arrays; `error` an array or a string (OAuth); `code` a string; HTML; nothing at all.
 */
export function parseErrorBody(body: string): SaidByPagerDuty {
  const nothing: SaidByPagerDuty = { code: null, words: [], scopes: false };
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return nothing;
  }
  if (!isRecord(parsed)) return nothing;
  const error = parsed['error'];
  if (!isRecord(error)) {
    return {
      ...nothing,
      code: codeOf(parsed['code']),
      words: unique([
        ...sentences(error),
        ...sentences(parsed['error_description']),
        ...sentences(parsed['message']),
        ...sentences(parsed['errors']),
      ]),
    };
  }
  const message = sentences(error['message']);
  const required = sentences(error['required_scopes']);
  return {
    code: codeOf(error['code']),
    words: unique([
      ...message,
      ...sentences(error['errors']),
      ...required.map((scopes) => `required scopes ${scopes}`),
    ]),
    scopes: required.length > 0 || message.some((words) => /missing required scopes/i.test(words)),
  };
}

function applies(rule: Rule, answer: FailedAnswer, said: SaidByPagerDuty): boolean {
  const { status } = rule;
  if (typeof status === 'number' && answer.status !== status) return false;
  if (typeof status === 'object' && (answer.status < status[0] || answer.status > status[1])) return false;
  if (rule.operations !== undefined && !rule.operations.includes(answer.operation)) return false;
  if (rule.codes !== undefined && (said.code === null || !rule.codes.includes(said.code))) return false;
  if (rule.text !== undefined && !said.words.some((words) => rule.text?.test(words))) return false;
  return rule.scopes === undefined || said.scopes;
}

function failed(
  reason: FailureReason,
  operation: Operation,
  fields: Pick<ProviderErrorFields, 'message' | 'status' | 'retryAfterMs' | 'cause'>,
): ProviderError {
  const { kind, remedy, unclear, accountWide }: Failure = FAILURES[reason];
  const outcome = unclear && WRITES.has(operation) ? 'unknown' : 'not-applied';
  return new ProviderError({ kind, reason, remedy, outcome, accountWide, ...fields });
}

/** What a failure turned out to be after a second look. */
function concluded(
  reason: FailureReason,
  cause: ProviderError,
  message: string,
  retryAfterMs?: number,
): ProviderError {
  const { kind, remedy } = FAILURES[reason];
  const { outcome, status } = cause;
  return new ProviderError({ kind, reason, remedy, outcome, status, message, retryAfterMs, cause });
}

function sentences(value: unknown): string[] {
  if (typeof value === 'string') return value.trim() === '' ? [] : [value.trim()];
  if (Array.isArray(value)) return value.flatMap(sentences);
  if (isRecord(value)) return Object.values(value).flatMap(sentences);
  return [];
}

function codeOf(value: unknown): number | null {
  const code = typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : value;
  return typeof code === 'number' && Number.isInteger(code) ? code : null;
}

function unique(words: string[]): string[] {
  return [...new Set(words)];
}

function clipped(words: string): string {
  const oneLine = words.replace(/[\p{Cc}\s]+/gu, ' ').replace(/[.\s]+$/, '');
  return oneLine.length > 500 ? `${oneLine.slice(0, 500)}…` : oneLine;
}

function withoutSecrets(message: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret !== '')
    .reduce((text, secret) => text.replaceAll(secret, '[redacted]'), message);
}
