import type { AccountRegion } from './pagerduty-settings';

/** Addresses that replace PagerDuty's, e.g. those of a simulator or an egress proxy. */
export interface PagerDutyEndpoints {
  /** Base URL of the REST API instead of PagerDuty's for the region; `{region}` becomes `us` or `eu`. */
  apiUrl?: string;
  /** Base URL; `/oauth/token` is appended. */
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
// and the region is part of the scope string.
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
