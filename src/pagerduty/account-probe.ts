import type { HttpService } from '@nestjs/axios';
import type {
  CallContext,
  ConnectionHost,
  RateBudget,
  RemoteAccount,
  TokenStore,
} from '../integrations/provider/integration-provider';
import { ProviderError } from '../integrations/provider/provider-error';
import { accountShownBy } from './account-identity';
import { authenticationOf, WANTED_SCOPES, type Authentication } from './api/authentication';
import { PagerDutyClient } from './api/client';
import { requestToken, type TokenAnswer } from './api/token-request';
import { harmlessWrite } from './write-rights';
import type { AccountEndpoints } from './pagerduty-endpoints';
import type { AccountRegion, OAuthSettings, PagerDutySettings } from './pagerduty-settings';

/** Result of using the credential in one region. */
export type ProbeResult =
  | {
      /** PagerDuty does not accept the credential, or the response does not tell. */
      error: ProviderError;
      /** RFC 6749 §5.2; null when the token endpoint gave none. */
      oauthError: string | null;
      /** The app got a token, and the REST API refused that token. */
      hasToken: boolean;
    }
  | { error: null; session: Session };

/** Result of reading one list. */
export interface Reading {
  error: ProviderError | null;
  account: RemoteAccount | null;
}

/** Longer than the gap between two calls, shorter than a person waits for a test. */
const BUDGET_WAIT_MS = 5_000;

/** A probe mints its own tokens: it neither uses nor stores a shared one. */
const NO_TOKENS: TokenStore = {
  get: () => Promise.reject(new Error('A probe has no store of tokens.')),
  drop: () => undefined,
};

/**
 * Finds out what a credential can do at PagerDuty. It ignores all caches of the connection and always mints a
 * token of its own, which no other caller gets. It makes about six calls and changes nothing.
 */
export class AccountProbe {
  private readonly host: ConnectionHost;

  constructor(
    private readonly account: { settings: PagerDutySettings; secret: string },
    private readonly http: HttpService,
    private readonly endpointsOf: (region: AccountRegion) => AccountEndpoints,
    host: ConnectionHost,
  ) {
    this.host = { budget: withShortWait(host.budget), tokens: NO_TOKENS, slots: host.slots };
  }

  /**
   * Whether both regions can answer differently: for an app the region is in the scope, for a key in the address.
   */
  regionsDiffer(region: AccountRegion, other: AccountRegion): boolean {
    return (
      this.account.settings.authMethod === 'oauth' ||
      this.endpointsOf(region).apiUrl !== this.endpointsOf(other).apiUrl
    );
  }

  async tryCredential(region: AccountRegion, context: CallContext): Promise<ProbeResult> {
    const { settings, secret } = this.account;
    if (settings.authMethod === 'api_key') {
      const key = authenticationOf({ settings, secret }, this.http, this.endpointsOf(region), NO_TOKENS);
      return this.firstRead(new Session(this.client(region, key), null), context);
    }
    const answer = await this.token(settings, region, WANTED_SCOPES, context);
    if ('refused' in answer) {
      return { error: answer.refused, oauthError: answer.oauthError, hasToken: false };
    }
    const { token, scopes } = answer.granted;
    const authorization = { header: `Bearer ${token}`, secret: token, renew: () => false };
    const app: Authentication = { authorize: () => Promise.resolve(authorization) };
    return this.firstRead(new Session(this.client(region, app), scopes), context);
  }

  /** Requests a token with this scope alone. @returns null when granted */
  async refusalOfScope(
    settings: OAuthSettings,
    scope: string,
    context: CallContext,
  ): Promise<ProviderError | null> {
    const answer = await this.token(settings, settings.accountRegion, [scope], context);
    return 'refused' in answer ? answer.refused : null;
  }

  /** The first call with a key, and the first with this token: PagerDuty may refuse either. */
  private async firstRead(session: Session, context: CallContext): Promise<ProbeResult> {
    const reading = session.mayRead('users')
      ? await session.read('users', context)
      : session.mayRead('teams')
        ? await session.read('teams', context)
        : null;
    const error = reading?.error ?? null;
    if (error === null || !(error.isTransient || error.kind === 'credentials')) {
      return { error: null, session };
    }
    return { error, oauthError: null, hasToken: session.scopes !== null };
  }

  private token(
    settings: OAuthSettings,
    accountRegion: AccountRegion,
    scopes: readonly string[],
    context: CallContext,
  ): Promise<TokenAnswer> {
    const { clientId, accountSubdomain } = settings;
    return requestToken(
      { clientId, clientSecret: this.account.secret, accountRegion, accountSubdomain, scopes },
      this.http,
      this.endpointsOf(accountRegion),
      context.signal,
    );
  }

  private client(region: AccountRegion, authentication: Authentication): PagerDutyClient {
    return new PagerDutyClient(this.http, this.endpointsOf(region), authentication, this.host, 1);
  }
}

/** A credential that PagerDuty accepts. */
export class Session {
  private readonly readings = new Map<'teams' | 'users', Promise<Reading>>();

  constructor(
    private readonly client: PagerDutyClient,
    /** Null for a key: keys have no scopes. */
    readonly scopes: readonly string[] | null,
  ) {}

  mayRead(collection: 'teams' | 'users'): boolean {
    return this.scopes === null || this.scopes.includes(`${collection}.read`);
  }

  /** Reads one row of the list, once. */
  read(collection: 'teams' | 'users', context: CallContext): Promise<Reading> {
    let reading = this.readings.get(collection);
    if (reading === undefined) {
      reading = accountShownBy(this.client, collection, context).then(
        (account) => ({ error: null, account }),
        (error: unknown) => ({ error: providerError(error), account: null }),
      );
      this.readings.set(collection, reading);
    }
    return reading;
  }

  /** Removes a user who cannot exist. @returns what came instead of a 404; null when the key may write */
  async refusalOfWrites(context: CallContext): Promise<ProviderError | null> {
    const error = await failureOf(this.client.send(harmlessWrite('remove', null), context));
    return error?.kind === 'not-found' ? null : error;
  }

  /** PagerDuty docs: `/users/me` exists only for keys of users. @returns null when PagerDuty did not tell */
  async isPersonalKey(context: CallContext): Promise<boolean | null> {
    const error = await failureOf(
      this.client.send({ operation: 'get_user', method: 'GET', path: ['users', 'me'] }, context),
    );
    if (error === null) return true;
    return error.isTransient ? null : false;
  }
}

/** A person waits for the result, so a used-up rate limit is an error at once. */
function withShortWait(budget: RateBudget): RateBudget {
  return {
    acquire: async (context) => {
      const timeout = AbortSignal.timeout(BUDGET_WAIT_MS);
      try {
        await budget.acquire({ ...context, signal: AbortSignal.any([context.signal, timeout]) });
      } catch (error) {
        context.signal.throwIfAborted();
        if (!timeout.aborted) throw error;
        throw new ProviderError({
          kind: 'rate-limited',
          outcome: 'not-applied',
          reason: 'rate_limited',
          message: 'PagerDuty allows no more calls with this credential at the moment.',
          remedy: 'Wait a minute.',
        });
      }
    },
    observe: (reading, sentAt) => budget.observe(reading, sentAt),
    ended: (context) => budget.ended(context),
    pause: (ms) => budget.pause(ms),
    reading: () => budget.reading(),
  };
}

async function failureOf(call: Promise<unknown>): Promise<ProviderError | null> {
  try {
    await call;
    return null;
  } catch (error) {
    return providerError(error);
  }
}

/** @throws anything else, e.g. the reason of an abort */
function providerError(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error;
  throw error;
}
