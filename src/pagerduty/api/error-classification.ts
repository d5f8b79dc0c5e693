import type { ProviderError } from '../../integrations/provider/provider-error';
import { PHRASES, callFailed, type FailureReason, type Operation } from './failures';
import { type TransportFailure, type TransportFailureKind } from './transport';
import { isRecord } from './types';

/** The response to a failed call. */
export interface FailedAnswer {
  status: number;
  body: string;
  operation: Operation;
  /** Strings that the message must not contain, even if PagerDuty repeats them. */
  secrets: readonly string[];
  retryAfterMs?: number;
}

interface Rule {
  /** A status, or a range of them. */
  status?: number | readonly [from: number, to: number];
  /** One of these codes in the body. */
  codes?: readonly number[];
  /** Matches any part of PagerDuty's text. */
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
 * Every failure that PagerDuty answers with; the first match counts. The codes come from PagerDuty docs, "Errors"
 * (representative, not complete). The texts come from clients of PagerDuty; rules match the part that stays the
 * same.
 */
const RULES: readonly Rule[] = [
  { status: 429, reason: 'rate_limited' },
  { status: [500, 599], reason: 'server_error' },
  { status: 408, reason: 'server_timeout' },

  // RFC 6749 §5.2. PagerDuty's bodies do not tell the causes apart reliably, so each remedy lists them all.
  { operations: ['get_token'], text: /invalid_client|unauthorized_client/i, reason: 'oauth_client_refused' },
  { operations: ['get_token'], text: /scope/i, reason: 'oauth_scope_refused' },
  { operations: ['get_token'], status: [400, 499], reason: 'oauth_refused' },

  // A wrong key, a disabled key, a revoked token and a wrong region all get the same 401, mostly without JSON.
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

  { codes: [6001], operations: [...ONE_TEAM, ...MEMBERSHIP], reason: 'team_gone' },
  { codes: [2013], operations: ['get_user', ...MEMBERSHIP], reason: 'user_gone' },
  { status: 404, operations: ONE_TEAM, reason: 'team_gone' },
  { status: 404, operations: ['get_user'], reason: 'user_gone' },
  { status: 404, operations: MEMBERSHIP, reason: 'team_or_user_gone' },
  // Collections always exist: something else answers instead of PagerDuty.
  { status: 404, reason: 'unexpected_answer' },

  // Concurrent writes conflicted: Terraform's provider retries on this text.
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

  // The remedy also names schedules: a user on a schedule of a policy counts as on the policy.
  { operations: ['remove_member'], text: /escalation polic/i, reason: 'member_on_escalation_policy' },

  // "User has reached the maximum number of teams": it may come with the code of a full team.
  {
    operations: ['add_member'],
    text: /\b(maximum|limit|too many|more than|exceeds?)\b( [\w-]+){0,3} teams\b/i,
    reason: 'user_in_too_many_teams',
  },
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

/** The error for a response without success. */
export function classifyAnswer(answer: FailedAnswer): ProviderError {
  const said = parseErrorBody(answer.body);
  const rule = RULES.find((candidate) => applies(candidate, answer, said));
  // Before clipping: half a secret would not be found.
  const told = withoutSecrets(said.words.join('; '), answer.secrets);
  const words = told === '' ? '' : `: ${clipped(told)}`;
  const code = said.code === null ? '' : `, code ${said.code}`;
  const message = `PagerDuty did not ${PHRASES[answer.operation]}${words} (HTTP ${answer.status}${code}).`;
  return callFailed(rule?.reason ?? 'unexpected_answer', answer.operation, {
    message,
    status: answer.status,
    retryAfterMs: answer.retryAfterMs,
  });
}

/** The error for a call without a response. */
export function classifyTransportFailure(cause: TransportFailure, operation: Operation): ProviderError {
  const { reason, says } = TRANSPORT_FAILURES[cause.kind];
  return callFailed(reason, operation, {
    message: `PagerDuty did not ${PHRASES[operation]}: ${says} (${cause.code}).`,
    cause,
  });
}

interface ParsedErrorBody {
  code: number | null;
  words: string[];
  scopes: boolean;
}

/**
 * PagerDuty docs: `{"error":{"message","code","errors":[…]}}`. Seen in the wild as well: `errors` missing, a string or an
 * object of arrays; `error` an array or a string (OAuth); `code` a string; HTML; nothing at all.
 */
export function parseErrorBody(body: string): ParsedErrorBody {
  const nothing: ParsedErrorBody = { code: null, words: [], scopes: false };
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

function applies(rule: Rule, answer: FailedAnswer, said: ParsedErrorBody): boolean {
  const { status } = rule;
  if (typeof status === 'number' && answer.status !== status) return false;
  if (typeof status === 'object' && (answer.status < status[0] || answer.status > status[1])) return false;
  if (rule.operations !== undefined && !rule.operations.includes(answer.operation)) return false;
  if (rule.codes !== undefined && (said.code === null || !rule.codes.includes(said.code))) return false;
  if (rule.text !== undefined && !said.words.some((words) => rule.text?.test(words))) return false;
  return rule.scopes === undefined || said.scopes;
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

/** Cuts PagerDuty's text before the regular expressions run over it. */
const MAX_INPUT_LENGTH = 2_000;

function clipped(words: string): string {
  const oneLine = words
    .slice(0, MAX_INPUT_LENGTH)
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .replace(/[.\s]+$/, '');
  return oneLine.length > 500 ? `${oneLine.slice(0, 500)}…` : oneLine;
}

function withoutSecrets(said: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret !== '')
    .reduce((text, secret) => text.replaceAll(secret, '[redacted]'), said);
}
