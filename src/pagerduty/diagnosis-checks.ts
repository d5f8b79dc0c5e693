import type { DiagnosisCheck } from '../integrations/provider/integration-provider';
import type { ProviderError } from '../integrations/provider/provider-error';
import type { WANTED_SCOPES } from './api/authentication';

export type Scope = (typeof WANTED_SCOPES)[number];

/** The checks of a connection test in their order, and what is so when each passes. */
export const CHECKS = {
  address: 'PagerDuty answers',
  credential: 'PagerDuty accepts the credential',
  account: 'Subdomain and region are those of the account',
  scope_teams_read: 'The scope teams.read is granted',
  scope_teams_write: 'The scope teams.write is granted',
  scope_users_read: 'The scope users.read is granted',
  teams_ability: 'The plan of the account has teams',
  teams_readable: 'Teams can be read',
  users_readable: 'Users can be read',
  teams_writable: 'Teams can be changed',
  key_owner: 'The credential belongs to no person',
} as const;

export type CheckId = keyof typeof CHECKS;

export const SCOPE_CHECKS: Record<Scope, CheckId> = {
  'teams.read': 'scope_teams_read',
  'teams.write': 'scope_teams_write',
  'users.read': 'scope_users_read',
};

/** What a person does about what a check found; the guide repeats each. */
export const REMEDIES = {
  outage:
    'Look at https://status.pagerduty.com and test again in some minutes; this tells nothing about the credential.',
  rate: 'Wait a minute and test again; this tells nothing about the credential.',
  address:
    'Let this server reach PagerDuty: check its network, its proxy, PAGERDUTY_API_URL and PAGERDUTY_IDENTITY_URL.',

  client:
    'Copy client id and client secret again from the app in PagerDuty, without a space before or after; if the secret is lost, or the app deleted, register the app anew.',
  appType:
    'Register an app in PagerDuty with OAuth 2.0 of the type Scoped OAuth, not Classic User OAuth, and use its client id and client secret.',
  accountOrScopes:
    'Set accountSubdomain to the first label of the address of the account and accountRegion to eu if that address ends in .eu.pagerduty.com, otherwise to us; give the app the scopes teams.read, teams.write and users.read.',
  token: 'Check that the app still exists in this account, then give its client secret again.',
  key: 'Look under Integrations, API Access Keys in PagerDuty whether the key is still there and enabled; otherwise create a new one. Give it as the secret, without a space before or after.',

  region: (region: string) => `Set accountRegion to "${region}" in the settings of the integration.`,
  subdomain: (subdomain: string) =>
    `Set accountSubdomain to "${subdomain}" in the settings of the integration, or use an app that is registered in the account you mean.`,
  scope: (scope: string) =>
    `Add the scope ${scope} to the app in PagerDuty, under its Permission Scope; then test again.`,
  ability: 'Upgrade the PagerDuty account to a plan that includes teams.',
  notReadable:
    'Use a general access key, or an app with the scopes teams.read, teams.write and users.read; if the account has an IP allow list, put the addresses of this server on it.',
  readOnly: 'Create a general access key with "Read-only API Key" left unchecked, and give it as the secret.',
  userKey:
    "Create a general access key under Integrations, API Access Keys and give it as the secret: a team created with a person's key gets that person as a member, and the key ends with the person.",
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

/** @param remedy for a failure that does not pass by itself */
export function failedWith(id: CheckId, error: ProviderError, remedy: string): DiagnosisCheck {
  if (!error.isTransient) return failed(id, error.reason, error.message, remedy);
  return { ...failed(id, error.reason, error.message, remedyOfPassing(error)), transient: true };
}

/** Every check that is not among those already given, in order. */
export function* theRest(given: ReadonlySet<string>): Generator<DiagnosisCheck> {
  for (const id of Object.keys(CHECKS) as CheckId[]) {
    if (!given.has(id)) yield skipped(id, 'Not looked at, because of what failed before.');
  }
}

function remedyOfPassing(error: ProviderError): string {
  if (error.kind === 'rate-limited') return REMEDIES.rate;
  return OUTAGES.has(error.reason) ? REMEDIES.outage : REMEDIES.address;
}

/** PagerDuty is there, but ails; every other passing failure may as well be the way to it. */
const OUTAGES: ReadonlySet<string> = new Set([
  'server_error',
  'server_timeout',
  'account_locked_briefly',
  'connection_broken',
  'timeout',
]);
