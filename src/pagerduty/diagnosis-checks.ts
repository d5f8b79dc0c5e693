import type { DiagnosisCheck } from '../integrations/provider/integration-provider';
import type { ProviderError } from '../integrations/provider/provider-error';
import type { WANTED_SCOPES } from './api/authentication';

export type Scope = (typeof WANTED_SCOPES)[number];

/** The checks of a connection test in order, each with the fact that holds when it passes. */
export const CHECKS = {
  address: 'PagerDuty answers',
  credential: 'PagerDuty accepts the credential',
  account: 'Subdomain and region match the account',
  scope_teams_read: 'The scope teams.read is granted',
  scope_teams_write: 'The scope teams.write is granted',
  scope_users_read: 'The scope users.read is granted',
  teams_ability: 'The plan of the account includes teams',
  teams_readable: 'The credential can read teams',
  users_readable: 'The credential can read users',
  teams_writable: 'The credential may change teams',
  key_owner: 'The credential is not a personal key',
} as const;

export type CheckId = keyof typeof CHECKS;

export const SCOPE_CHECKS: Record<Scope, CheckId> = {
  'teams.read': 'scope_teams_read',
  'teams.write': 'scope_teams_write',
  'users.read': 'scope_users_read',
};

/** What a person does after a check failed or warned; the guide repeats each text. */
export const REMEDIES = {
  outage:
    'Check https://status.pagerduty.com and test again in a few minutes; this result says nothing about the credential.',
  rate: 'Wait a minute and test again; this result says nothing about the credential.',
  address:
    'Make sure that this server can reach PagerDuty: check its network, its proxy, PAGERDUTY_API_URL and PAGERDUTY_IDENTITY_URL.',

  client:
    'Copy the client id and the client secret again from the app in PagerDuty, without spaces before or after; if the secret is lost or the app is deleted, register a new app.',
  appType:
    'Register an app in PagerDuty with OAuth 2.0 of the type Scoped OAuth, not Classic User OAuth, and use its client id and client secret.',
  accountOrScopes:
    'Set accountSubdomain to the first label of the address of the account and accountRegion to eu if that address ends in .eu.pagerduty.com, otherwise to us; give the app the scopes teams.read, teams.write and users.read.',
  token: 'Check that the app still exists in this account, then give its client secret again.',
  key: 'Check under Integrations, API Access Keys in PagerDuty that the key still exists and is enabled, or create a new one; give it as the secret, without spaces before or after.',

  region: (region: string) => `Set accountRegion to "${region}" in the settings of the integration.`,
  subdomain: (subdomain: string) =>
    `Set accountSubdomain to "${subdomain}" in the settings of the integration, or use an app that is registered in the account you mean.`,
  scope: (scope: string) =>
    `Add the scope ${scope} to the app in PagerDuty, under its Permission Scope; then test again.`,
  ability: 'Upgrade the PagerDuty account to a plan that includes teams.',
  notReadable:
    'Use a general access key, or an app with the scopes teams.read, teams.write and users.read; if the account has an IP allow list, add the addresses of this server to it.',
  readOnly: 'Create a general access key with "Read-only API Key" left unchecked, and give it as the secret.',
  userKey:
    'Create a general access key under Integrations, API Access Keys and give it as the secret: PagerDuty adds the owner of a personal key to every team that the key creates, and the key ends when its owner is deleted.',
} as const;

export function passed(id: CheckId, message: string): DiagnosisCheck {
  return { id, title: CHECKS[id], status: 'passed', message, remedy: null };
}

export function skipped(id: CheckId, message: string): DiagnosisCheck {
  return { id, title: CHECKS[id], status: 'skipped', message, remedy: null };
}

export function warned(id: CheckId, reason: string, message: string, remedy: string | null): DiagnosisCheck {
  return { id, title: CHECKS[id], status: 'warning', message, remedy, reason };
}

export function failed(id: CheckId, reason: string, message: string, remedy: string): DiagnosisCheck {
  return { id, title: CHECKS[id], status: 'failed', message, remedy, reason };
}

/** @param remedy used for a failure that does not pass by itself */
export function failedByError(id: CheckId, error: ProviderError, remedy: string): DiagnosisCheck {
  if (!error.isTransient) return failed(id, error.reason, error.message, remedy);
  return { ...failed(id, error.reason, error.message, transientRemedy(error)), transient: true };
}

/** Skips every check that has no result yet, in order. */
export function* skipRemaining(given: ReadonlySet<string>): Generator<DiagnosisCheck> {
  for (const id of Object.keys(CHECKS) as CheckId[]) {
    if (!given.has(id)) yield skipped(id, 'Not checked, because an earlier check failed.');
  }
}

function transientRemedy(error: ProviderError): string {
  if (error.kind === 'rate-limited') return REMEDIES.rate;
  return OUTAGE_REASONS.has(error.reason) ? REMEDIES.outage : REMEDIES.address;
}

/** PagerDuty is reachable, but has a problem. Any other transient failure may also come from the network path. */
const OUTAGE_REASONS: ReadonlySet<string> = new Set([
  'server_error',
  'server_timeout',
  'account_locked_briefly',
  'connection_broken',
  'timeout',
]);
