import type { AccountRegion } from './pagerduty-settings';

/** Addresses in place of PagerDuty's: a simulator, an egress proxy. */
export interface PagerDutyEndpoints {
  /** Base of the REST API in place of PagerDuty's address of the account's region; `{region}` in it becomes `us` or `eu`. */
  apiUrl?: string;
  /** Base to which `/oauth/token` is appended. */
  identityUrl?: string;
  /** What PagerDuty's support sees, e.g. `scimify/1.2.0`. */
  userAgent?: string;
}

/** The addresses of one account. */
export interface AccountEndpoints {
  apiUrl: string;
  tokenUrl: string;
  userAgent: string;
}

// PagerDuty docs: the EU service region has an API host of its own; one identity host serves both regions
// and the region travels inside the scope string.
const API_URLS: Record<AccountRegion, string> = {
  us: 'https://api.pagerduty.com',
  eu: 'https://api.eu.pagerduty.com',
};
const TOKEN_URL = 'https://identity.pagerduty.com/oauth/token';

export function endpointsOf(region: AccountRegion, overrides: PagerDutyEndpoints): AccountEndpoints {
  return {
    apiUrl: withoutTrailingSlash((overrides.apiUrl || API_URLS[region]).replaceAll('{region}', region)),
    tokenUrl: overrides.identityUrl
      ? `${withoutTrailingSlash(overrides.identityUrl)}/oauth/token`
      : TOKEN_URL,
    userAgent: overrides.userAgent || 'scimify',
  };
}

function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
