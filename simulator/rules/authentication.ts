import { bare, Refusal } from '../http/answers';
import { isLive, type Caller, type Credentials } from '../state/credentials';
import type { Region } from '../state/records';

/** Which of PagerDuty's REST hosts a request came to; `any` stands for a client that knows one address only. */
export type Host = Region | 'any';

/** Whose key or token an `Authorization` header carries, alive or not: so that a refused call can still be told apart. */
export function identify(authorization: string | undefined, credentials: Credentials): Caller | undefined {
  // Any deviation from these two forms is a 401 at PagerDuty: no quotes, no other case, no bare key.
  const key = /^Token token=(\S+)$/.exec(authorization ?? '')?.[1];
  if (key !== undefined) return credentials.keyBySecret(key);
  const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1];
  return token === undefined ? undefined : credentials.tokenBySecret(token);
}

/**
 * Unknown, disabled, revoked, expired, or of the other region: one and the same answer, without JSON and without a
 * reason, because that is what clients of the live API report.
 */
export function authenticate(caller: Caller | undefined, host: Host): Caller {
  if (!caller || !isLive(caller) || (host !== 'any' && caller.account.region !== host)) {
    throw new Refusal(bare(401));
  }
  return caller;
}
