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
import { writeToNothing } from './write-rights';
import type { AccountEndpoints } from './pagerduty-endpoints';
import type { AccountRegion, OAuthSettings, PagerDutySettings } from './pagerduty-settings';

/** What came of showing the credential in one region. */
export type Entry =
  | {
      /** Not accepted, or nobody answered in a form that tells. */
      error: ProviderError;
      /** RFC 6749 §5.2, where the token endpoint gave one. */
      oauthError: string | null;
      /** The app got a token, which the REST API then refused. */
      hasToken: boolean;
    }
  | { error: null; session: Session };

/** What came of reading one list. */
export interface Reading {
  error: ProviderError | null;
  account: RemoteAccount | null;
}

/** Longer than the gap between two calls, shorter than anybody waits for a test. */
const PATIENCE_MS = 5_000;

/** A probe mints for itself, so that it neither gets nor gives a token that others use. */
const NO_TOKENS: TokenStore = {
  get: () => Promise.reject(new Error('A probe has no store of tokens.')),
  drop: () => undefined,
};

/**
 * Shows a credential to PagerDuty and looks what it can do, past everything that the connection has cached: always with a
 * token of its own, which nobody else gets. It makes about six calls and changes nothing.
 */
export class AccountProbe {
  private readonly host: ConnectionHost;

  constructor(
    private readonly account: { settings: PagerDutySettings; secret: string },
    private readonly http: HttpService,
    private readonly endpointsOf: (region: AccountRegion) => AccountEndpoints,
    host: ConnectionHost,
  ) {
    this.host = { budget: impatient(host.budget), tokens: NO_TOKENS, slots: host.slots };
  }

  /** Asking there instead would be another question: for an app the region is part of the scope, for a key an address. */
  differs(region: AccountRegion, other: AccountRegion): boolean {
    return (
      this.account.settings.authMethod === 'oauth' ||
      this.endpointsOf(region).apiUrl !== this.endpointsOf(other).apiUrl
    );
  }

  async enter(region: AccountRegion, context: CallContext): Promise<Entry> {
    const { settings, secret } = this.account;
    if (settings.authMethod === 'api_key') {
      const key = authenticationOf({ settings, secret }, this.http, this.endpointsOf(region), NO_TOKENS);
      return this.firstLook(new Session(this.client(region, key), null), context);
    }
    const answer = await this.token(settings, region, WANTED_SCOPES, context);
    if ('refused' in answer) {
      return { error: answer.refused, oauthError: answer.oauthError, hasToken: false };
    }
    const { token, scopes } = answer.granted;
    const authorization = { header: `Bearer ${token}`, secret: token, renew: () => false };
    const app: Authentication = { authorize: () => Promise.resolve(authorization) };
    return this.firstLook(new Session(this.client(region, app), scopes), context);
  }

  /** Whether the app gets a token with this scope alone. @returns null when granted */
  async refusalOfScope(
    settings: OAuthSettings,
    scope: string,
    context: CallContext,
  ): Promise<ProviderError | null> {
    const answer = await this.token(settings, settings.accountRegion, [scope], context);
    return 'refused' in answer ? answer.refused : null;
  }

  /** A key shows itself for the first time here; a token could still be refused. */
  private async firstLook(session: Session, context: CallContext): Promise<Entry> {
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

/** A credential that PagerDuty lets in. */
export class Session {
  private readonly readings = new Map<'teams' | 'users', Promise<Reading>>();

  constructor(
    private readonly client: PagerDutyClient,
    /** Null for a key, which has none. */
    readonly scopes: readonly string[] | null,
  ) {}

  mayRead(collection: 'teams' | 'users'): boolean {
    return this.scopes === null || this.scopes.includes(`${collection}.read`);
  }

  /** One row of the list, asked for once. */
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

  /** @returns what came instead of a 404 when nobody was removed from no team; null when the key may write */
  async refusalOfWrites(context: CallContext): Promise<ProviderError | null> {
    const error = await failureOf(this.client.send(writeToNothing('remove', null), context));
    return error?.kind === 'not-found' ? null : error;
  }

  /** PagerDuty docs: `/users/me` is there for the keys of users alone. @returns null where it could not be told */
  async isOfUser(context: CallContext): Promise<boolean | null> {
    const error = await failureOf(
      this.client.send({ operation: 'get_user', method: 'GET', path: ['users', 'me'] }, context),
    );
    if (error === null) return true;
    return error.isTransient ? null : false;
  }
}

/** Somebody waits for the result: a used-up rate limit is said, not waited for. */
function impatient(budget: RateBudget): RateBudget {
  return {
    acquire: async (context) => {
      const patience = AbortSignal.timeout(PATIENCE_MS);
      try {
        await budget.acquire({ ...context, signal: AbortSignal.any([context.signal, patience]) });
      } catch (error) {
        context.signal.throwIfAborted();
        if (!patience.aborted) throw error;
        throw new ProviderError({
          kind: 'rate-limited',
          outcome: 'not-applied',
          reason: 'rate_limited',
          message: 'PagerDuty lets this credential make no more calls for the moment.',
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

/** @throws anything else, such as the reason of an abort */
function providerError(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error;
  throw error;
}
