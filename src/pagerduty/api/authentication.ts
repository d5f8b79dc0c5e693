import type { HttpService } from '@nestjs/axios';
import type { AccessToken, TokenStore } from '../../integrations/provider/integration-provider';
import type { AccountEndpoints } from '../pagerduty-endpoints';
import type { OAuthSettings, PagerDutySettings } from '../pagerduty-settings';
import { scopesMissing } from './failures';
import { requestToken } from './token-request';

export const WANTED_SCOPES = ['teams.read', 'teams.write', 'users.read'] as const;

/** The credential of one call. */
export interface Authorization {
  header: string;
  /** The secret part of the header; it must not appear in messages. */
  secret: string;
  /** Forgets this authorization after a refusal. Returns whether a new one may be accepted. */
  renew(): boolean;
}

export interface Authentication {
  authorize(signal: AbortSignal): Promise<Authorization>;
}

export function authenticationOf(
  account: { settings: PagerDutySettings; secret: string },
  http: HttpService,
  endpoints: AccountEndpoints,
  tokens: TokenStore,
): Authentication {
  const { settings, secret } = account;
  return settings.authMethod === 'api_key'
    ? new ApiKeyAuthentication(secret)
    : new OAuthAuthentication(settings, secret, http, endpoints, tokens);
}

class ApiKeyAuthentication implements Authentication {
  constructor(private readonly key: string) {}

  authorize(): Promise<Authorization> {
    // PagerDuty docs: any other form, e.g. `Token KEY`, is a 401.
    return Promise.resolve({ header: `Token token=${this.key}`, secret: this.key, renew: () => false });
  }
}

const RENEWAL_MARGIN_MS = 5 * 60_000;

class OAuthAuthentication implements Authentication {
  /** When each token was minted, by `performance.now()`. */
  private readonly mintedAt = new WeakMap<AccessToken, number>();

  constructor(
    private readonly settings: OAuthSettings,
    private readonly secret: string,
    private readonly http: HttpService,
    private readonly endpoints: AccountEndpoints,
    private readonly tokens: TokenStore,
  ) {}

  async authorize(signal: AbortSignal): Promise<Authorization> {
    const askedAt = performance.now();
    const token = await untilAborted(this.currentToken(), signal);
    // Also when another call had the token minted while this one waited.
    const fresh = (this.mintedAt.get(token) ?? -Infinity) >= askedAt;
    return {
      header: `Bearer ${token.value}`,
      secret: token.value,
      // PagerDuty docs: "Revoke all tokens" ends a token early (401), and a token keeps its first scopes (403). A
      // token that was minted for this call would be refused again.
      renew: () => {
        this.tokens.drop(token);
        return !fresh;
      },
    };
  }

  private async currentToken(): Promise<AccessToken> {
    const mint = (): Promise<AccessToken> => this.mint();
    const token = await this.tokens.get(mint);
    if (token.expiresAt > Date.now()) return token;
    this.tokens.drop(token);
    return this.tokens.get(mint);
  }

  /** Takes no signal: the token is for all waiting calls, not only for the first one. */
  private async mint(): Promise<AccessToken> {
    const { clientId, accountRegion, accountSubdomain } = this.settings;
    const answer = await requestToken(
      { clientId, clientSecret: this.secret, accountRegion, accountSubdomain, scopes: WANTED_SCOPES },
      this.http,
      this.endpoints,
    );
    if ('refused' in answer) throw answer.refused;
    const { token, lifetimeS, scopes } = answer.granted;
    const missing = WANTED_SCOPES.filter((scope) => !scopes.includes(scope));
    if (missing.length > 0) throw scopesMissing(missing);
    const lifetimeMs = lifetimeS * 1000;
    const margin = Math.min(RENEWAL_MARGIN_MS, lifetimeMs / 2);
    // The expiry in the store is the time of renewal.
    const minted = { value: token, expiresAt: Date.now() + lifetimeMs - margin };
    this.mintedAt.set(minted, performance.now());
    return minted;
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const aborted = (): void => reject(signal.reason as Error);
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}
