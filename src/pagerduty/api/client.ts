import type { HttpService } from '@nestjs/axios';
import type { CallContext, ConnectionHost } from '../../integrations/provider/integration-provider';
import type { ProviderError } from '../../integrations/provider/provider-error';
import type { AccountEndpoints } from '../pagerduty-endpoints';
import type { Authentication, Authorization } from './authentication';
import { classifyAnswer, classifyTransportFailure } from './error-classification';
import { malformedId, unreadableAnswer, type Operation } from './failures';
import { pauseAfterRefusal, readRateLimit } from './rate-limit-headers';
import { exchange, TransportFailure, type HttpAnswer } from './transport';

export interface ApiCall {
  operation: Operation;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Segments of the path; each is an id or a fixed word. */
  path: readonly string[];
  query?: Record<string, string>;
  body?: unknown;
}

export interface ApiAnswer {
  status: number;
  /** Null for an empty body. */
  body: unknown;
}

// PagerDuty docs: "Versioning"; it overrides the version bound to a key.
const API_VERSION = 'application/vnd.pagerduty+json;version=2';
const SERIAL_AFTER_LOCK_ERROR_MS = 60_000;
const ID = /^[A-Za-z0-9_-]{1,100}$/;

/** Calls PagerDuty's REST API for one account, paced and authenticated. Every failure is a `ProviderError`. */
export class PagerDutyClient {
  constructor(
    private readonly http: HttpService,
    private readonly endpoints: AccountEndpoints,
    private readonly authentication: Authentication,
    private readonly host: ConnectionHost,
    readonly parallelCalls: number,
  ) {}

  /** @throws ProviderError, or the signal's reason when aborted */
  async send(call: ApiCall, context: CallContext): Promise<ApiAnswer> {
    const first = await this.attempt(call, context);
    if (!(first instanceof RefusedAttempt)) return first;
    if (!first.mayBeStaleToken || !first.authorization.renew()) throw first.error;
    const second = await this.attempt(call, context);
    if (second instanceof RefusedAttempt) throw second.error;
    return second;
  }

  private async attempt(call: ApiCall, context: CallContext): Promise<ApiAnswer | RefusedAttempt> {
    const url = this.urlOf(call);
    await this.host.budget.acquire(context);
    try {
      return await this.attemptAt(url, call, context);
    } finally {
      this.host.budget.ended(context);
    }
  }

  private async attemptAt(
    url: string,
    call: ApiCall,
    context: CallContext,
  ): Promise<ApiAnswer | RefusedAttempt> {
    const authorization = await this.authentication.authorize(context.signal);
    let sentAt = 0;
    const answer = await this.host.slots.use(context, () => {
      sentAt = performance.now();
      return this.exchange(call, url, authorization, context);
    });
    const reading = readRateLimit(answer);
    if (reading !== null) this.host.budget.observe(reading, sentAt);
    if (answer.status >= 200 && answer.status < 300) {
      return { status: answer.status, body: parseBody(answer, call.operation) };
    }
    return new RefusedAttempt(this.failureOf(call, answer, authorization), authorization);
  }

  private async exchange(
    call: ApiCall,
    url: string,
    authorization: Authorization,
    context: CallContext,
  ): Promise<HttpAnswer> {
    context.assertMaySend();
    const { signal } = context;
    const headers: Record<string, string> = {
      Accept: API_VERSION,
      Authorization: authorization.header,
      'User-Agent': this.endpoints.userAgent,
    };
    if (call.method !== 'GET') headers['Content-Type'] = 'application/json';
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    try {
      return await exchange(this.http, { method: call.method, url, headers, body, signal });
    } catch (error) {
      throw error instanceof TransportFailure ? classifyTransportFailure(error, call.operation) : error;
    }
  }

  private failureOf(call: ApiCall, answer: HttpAnswer, authorization: Authorization): ProviderError {
    const pauseMs = answer.status === 429 ? pauseAfterRefusal(answer) : undefined;
    if (pauseMs !== undefined) this.host.budget.pause(pauseMs);
    const error = classifyAnswer({
      status: answer.status,
      body: answer.body,
      operation: call.operation,
      secrets: [authorization.secret],
      retryAfterMs: pauseMs,
    });
    if (error.reason === 'account_locked_briefly') this.host.slots.serialise(SERIAL_AFTER_LOCK_ERROR_MS);
    return error;
  }

  private urlOf(call: ApiCall): string {
    // An admin may type an id: `..` would name another resource.
    if (!call.path.every((segment) => ID.test(segment))) {
      throw malformedId(call.operation);
    }
    // URLSearchParams also encodes the `+` of an address, which would otherwise arrive as a space.
    const query = call.query === undefined ? '' : `?${new URLSearchParams(call.query).toString()}`;
    return `${this.endpoints.apiUrl}/${call.path.join('/')}${query}`;
  }
}

class RefusedAttempt {
  constructor(
    readonly error: ProviderError,
    readonly authorization: Authorization,
  ) {}

  get mayBeStaleToken(): boolean {
    return this.error.status === 401 || this.error.reason === 'scopes_missing';
  }
}

function parseBody(answer: HttpAnswer, operation: Operation): unknown {
  if (answer.body.trim() === '') return null;
  try {
    return JSON.parse(answer.body) as unknown;
  } catch {
    throw unreadableAnswer(operation, answer.status);
  }
}
