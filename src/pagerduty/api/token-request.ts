import type { HttpService } from '@nestjs/axios';
import type { ProviderError } from '../../integrations/provider/provider-error';
import type { AccountEndpoints } from '../pagerduty-endpoints';
import { classifyAnswer, classifyTransportFailure } from './error-classification';
import { unreadableAnswer } from './failures';
import { pauseAfterRefusal } from './rate-limit-headers';
import { exchange, TransportFailure, type HttpAnswer } from './transport';
import { isRecord } from './types';

/** The parameters of a token request. */
export interface TokenRequest {
  clientId: string;
  clientSecret: string;
  accountRegion: string;
  accountSubdomain: string;
  scopes: readonly string[];
}

export type TokenAnswer =
  | { granted: TokenGrant }
  | {
      refused: ProviderError;
      /** RFC 6749 §5.2: `invalid_client`, `unauthorized_client`, …; null when there was none. */
      oauthError: string | null;
    };

export interface TokenGrant {
  token: string;
  lifetimeS: number;
  /** PagerDuty docs: the requested scopes that the app has; a missing scope is left out without an error. */
  scopes: readonly string[];
}

// PagerDuty docs say a day; RFC 6749 §5.1 lets a server leave the lifetime out.
const DEFAULT_LIFETIME_S = 3_600;

/**
 * PagerDuty docs, "Scoped OAuth": client credentials for an access token.
 * @throws the signal's reason when aborted, and nothing else
 */
export async function requestToken(
  request: TokenRequest,
  http: HttpService,
  endpoints: AccountEndpoints,
  signal?: AbortSignal,
): Promise<TokenAnswer> {
  let answer: HttpAnswer;
  try {
    answer = await send(request, http, endpoints, signal);
  } catch (error) {
    if (!(error instanceof TransportFailure)) throw error;
    return { refused: classifyTransportFailure(error, 'get_token'), oauthError: null };
  }
  // Not `> 400`: a client with that condition took an HTTP 400 for an empty token.
  if (answer.status < 200 || answer.status >= 300) {
    const refused = classifyAnswer({
      status: answer.status,
      body: answer.body,
      operation: 'get_token',
      secrets: [request.clientSecret],
      retryAfterMs: answer.status === 429 ? pauseAfterRefusal(answer) : undefined,
    });
    return { refused, oauthError: oauthErrorOf(answer.body) };
  }
  const granted = parseGrant(answer.body, request.scopes);
  return granted === null
    ? { refused: unreadableAnswer('get_token', answer.status), oauthError: null }
    : { granted };
}

function send(
  request: TokenRequest,
  http: HttpService,
  endpoints: AccountEndpoints,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  return exchange(http, {
    method: 'POST',
    url: endpoints.tokenUrl,
    headers: {
      Accept: 'application/json',
      'Content-Type': 'application/x-www-form-urlencoded',
      'User-Agent': endpoints.userAgent,
    },
    // PagerDuty docs: the credentials go into the form, not into HTTP Basic.
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: request.clientId,
      client_secret: request.clientSecret,
      scope: [`as_account-${request.accountRegion}.${request.accountSubdomain}`, ...request.scopes].join(' '),
    }).toString(),
    signal,
  });
}

function parseGrant(body: string, asked: readonly string[]): TokenGrant | null {
  const parsed = parseJson(body);
  const token = isRecord(parsed) ? parsed['access_token'] : undefined;
  if (!isRecord(parsed) || typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) return null;
  const lifetimeS = Number(parsed['expires_in']);
  const scope = parsed['scope'];
  return {
    token,
    lifetimeS: lifetimeS > 0 && Number.isFinite(lifetimeS) ? lifetimeS : DEFAULT_LIFETIME_S,
    // RFC 6749 §5.1: the server may leave it out when it equals the request.
    scopes: typeof scope === 'string' ? scope.split(/\s+/).filter((name) => name !== '') : asked,
  };
}

function oauthErrorOf(body: string): string | null {
  const parsed = parseJson(body);
  const error = isRecord(parsed) ? parsed['error'] : undefined;
  return typeof error === 'string' ? error : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
