import { bare, Refusal } from '../http/answers';
import { isLive, type Caller, type Credentials } from '../state/credentials';
import type { Region } from '../state/records';

/** The PagerDuty REST host of a request; `any` is for clients that know only one address. */
export type Host = Region | 'any';

/** Finds the owner of the key or token in an `Authorization` header, even if it is not valid, so that the log can name it. */
export function identify(authorization: string | undefined, credentials: Credentials): Caller | undefined {
  // PagerDuty accepts only these two forms. Quotes, another case, or a key without prefix get a 401.
  const key = /^Token token=(\S+)$/.exec(authorization ?? '')?.[1];
  if (key !== undefined) return credentials.keyBySecret(key);
  const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1];
  return token === undefined ? undefined : credentials.tokenBySecret(token);
}

/**
 * A credential that is unknown, disabled, revoked, expired, or of the other region gets the same response, without JSON
 * and without a reason. Clients of the live API report this.
 */
export function authenticate(caller: Caller | undefined, host: Host): Caller {
  if (!caller || !isLive(caller) || (host !== 'any' && caller.account.region !== host)) {
    throw new Refusal(bare(401));
  }
  return caller;
}
