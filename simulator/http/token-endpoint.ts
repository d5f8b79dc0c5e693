import type { Credentials } from '../state/credentials';
import { json, type Answer } from './answers';

const NO_STORE = { 'cache-control': 'no-store' };
const ONE_DAY = 86_400;

export interface TokenRequest {
  readonly method: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly body: string;
}

function refused(status: number, error: string, description: string): Answer {
  return json(status, { error, error_description: description }, NO_STORE);
}

/**
 * PagerDuty's identity service: scoped OAuth with client credentials. PagerDuty publishes no statuses and no bodies. The
 * statuses here are what clients report. The bodies follow RFC 6749.
 */
export class TokenEndpoint {
  lifetimeSeconds = ONE_DAY;

  constructor(private readonly credentials: Credentials) {}

  answer(request: TokenRequest): Answer {
    if (request.method !== 'POST') return refused(405, 'invalid_request', 'Method must be POST');
    if (request.authorization !== undefined) {
      return refused(401, 'invalid_client', 'Client credentials belong in the form body');
    }
    const mediaType = (request.contentType ?? '').split(';')[0]?.trim().toLowerCase();
    if (mediaType !== 'application/x-www-form-urlencoded') {
      return refused(400, 'invalid_request', 'Content-Type must be application/x-www-form-urlencoded');
    }
    const form = new URLSearchParams(request.body);
    for (const name of new Set(form.keys())) {
      if (form.getAll(name).length > 1) return refused(400, 'invalid_request', `${name} is repeated`);
    }
    const client = this.credentials.findClient(form.get('client_id') ?? '');
    if (!client || client.clientSecret !== form.get('client_secret')) {
      return refused(401, 'invalid_client', 'Client authentication failed');
    }
    if (form.get('grant_type') !== 'client_credentials') {
      return refused(400, 'unsupported_grant_type', 'grant_type must be client_credentials');
    }

    const asked = [...new Set((form.get('scope') ?? '').split(' ').filter((scope) => scope !== ''))];
    const accounts = asked.filter((scope) => scope.startsWith('as_account-'));
    // Scoped OAuth works only in the account that registered the app. The scope must name exactly this account.
    if (accounts.length !== 1 || accounts[0] !== `as_account-${client.account.identity}`) {
      return refused(400, 'invalid_request', 'Invalid scope');
    }
    const wanted = asked.filter((scope) => !scope.startsWith('as_account-'));
    const granted = wanted.filter((scope) => client.scopes.includes(scope));
    if (client.refuseUnallowedScopes && granted.length < wanted.length) {
      return refused(400, 'invalid_request', 'Invalid scope');
    }
    // A scope that the app lacks is no error: the token does not get it. With no scope left, the token has only `openid`.
    const scopes = granted.length > 0 ? [...accounts, ...granted] : ['openid'];
    const token = this.credentials.mint(client, scopes, this.lifetimeSeconds);
    return json(
      200,
      {
        access_token: token,
        scope: scopes.join(' '),
        token_type: 'bearer',
        expires_in: Math.ceil(this.lifetimeSeconds),
      },
      NO_STORE,
    );
  }

  restoreLifetime(): void {
    this.lifetimeSeconds = ONE_DAY;
  }
}
