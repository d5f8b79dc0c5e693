import type { HttpService } from '@nestjs/axios';
import type { AccessToken, TokenStore } from '../../integrations/provider/integration-provider';
import type { AccountEndpoints } from '../pagerduty-endpoints';
import type { OAuthSettings, PagerDutySettings } from '../pagerduty-settings';
import {
  classifyAnswer,
  classifyTransportFailure,
  scopesMissing,
  unreadableAnswer,
} from './error-classification';
import { pauseAfterRefusal } from './rate-limit-headers';
import { exchange, TransportFailure, type HttpAnswer } from './transport';
import { isRecord } from './types';

export const WANTED_SCOPES = ['teams.read', 'teams.write', 'users.read'] as const;

/** What one call says about who makes it. */
export interface Authorization {
  header: string;
  /** The credential inside the header, to be kept out of messages. */
  secret: string;
  /** After a refusal: forgets this one. Says whether another one may be accepted. */
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
    // PagerDuty docs: any deviation from this form, such as `Token KEY`, is a 401.
    return Promise.resolve({ header: `Token token=${this.key}`, secret: this.key, renew: () => false });
  }
}

const RENEWAL_MARGIN_MS = 5 * 60_000;
// PagerDuty docs say a day; RFC 6749 §5.1 lets a server leave the lifetime out.
const LIFETIME_IF_UNSAID_S = 3_600;

class OAuthAuthentication implements Authentication {
  constructor(
    private readonly settings: OAuthSettings,
    private readonly secret: string,
    private readonly http: HttpService,
    private readonly endpoints: AccountEndpoints,
    private readonly tokens: TokenStore,
  ) {}

  async authorize(signal: AbortSignal): Promise<Authorization> {
    const { token, fresh } = await untilAborted(this.currentToken(), signal);
    return {
      header: `Bearer ${token.value}`,
      secret: token.value,
      // PagerDuty docs: "Revoke all tokens" ends a token early (401), and scopes are frozen in it (403). A token minted for
      // this very call would be refused again.
      renew: () => {
        this.tokens.drop(token);
        return !fresh;
      },
    };
  }

  private async currentToken(): Promise<{ token: AccessToken; fresh: boolean }> {
    let fresh = false;
    const mint = (): Promise<AccessToken> => {
      fresh = true;
      return this.mint();
    };
    let token = await this.tokens.get(mint);
    if (token.expiresAt <= Date.now()) {
      this.tokens.drop(token);
      token = await this.tokens.get(mint);
    }
    return { token, fresh };
  }

  /** Takes no signal: the token is for everybody who waits for it, not for the one who asked first. */
  private async mint(): Promise<AccessToken> {
    const answer = await this.askForToken();
    // Not `> 400`: a client that wrote so took an HTTP 400 for an empty token.
    if (answer.status >= 400 || answer.status < 200 || answer.status >= 300) {
      throw classifyAnswer({
        status: answer.status,
        body: answer.body,
        operation: 'get_token',
        secrets: [this.secret],
        retryAfterMs: answer.status === 429 ? pauseAfterRefusal(answer) : undefined,
      });
    }
    const grant = parseGrant(answer.body);
    if (grant === null) throw unreadableAnswer('get_token', answer.status);
    // PagerDuty docs: asking for a scope that the app lacks is no error; the token just lacks it.
    const scopes = grant.scopes ?? [...WANTED_SCOPES];
    const missing = WANTED_SCOPES.filter((scope) => !scopes.includes(scope));
    if (missing.length > 0) throw scopesMissing(missing);
    const lifetimeMs = grant.lifetimeS * 1000;
    const margin = Math.min(RENEWAL_MARGIN_MS, lifetimeMs / 2);
    // For everybody else the token ends when it should be renewed.
    return { value: grant.token, expiresAt: Date.now() + lifetimeMs - margin, scopes };
  }

  private async askForToken(): Promise<HttpAnswer> {
    const { clientId, accountRegion, accountSubdomain } = this.settings;
    try {
      return await exchange(this.http, {
        method: 'POST',
        url: this.endpoints.tokenUrl,
        headers: {
          Accept: 'application/json',
          'Content-Type': 'application/x-www-form-urlencoded',
          'User-Agent': this.endpoints.userAgent,
        },
        // PagerDuty docs: the credentials go into the form, not into HTTP Basic.
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: clientId,
          client_secret: this.secret,
          scope: [`as_account-${accountRegion}.${accountSubdomain}`, ...WANTED_SCOPES].join(' '),
        }).toString(),
      });
    } catch (error) {
      throw error instanceof TransportFailure ? classifyTransportFailure(error, 'get_token') : error;
    }
  }
}

function parseGrant(body: string): { token: string; lifetimeS: number; scopes: string[] | null } | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return null;
  }
  const token = isRecord(parsed) ? parsed['access_token'] : undefined;
  if (!isRecord(parsed) || typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) return null;
  const lifetimeS = Number(parsed['expires_in']);
  const scope = parsed['scope'];
  return {
    token,
    lifetimeS: lifetimeS > 0 && Number.isFinite(lifetimeS) ? lifetimeS : LIFETIME_IF_UNSAID_S,
    // RFC 6749 §5.1: left out when it is what was asked for.
    scopes: typeof scope === 'string' ? scope.split(/\s+/).filter((name) => name !== '') : null,
  };
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const aborted = (): void => reject(signal.reason as Error);
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}
