import { pathMatches } from './call-log';
import type { Answer } from './http/answers';

/** How matching requests fail. At least one of `status`, `drop` and `latencyMs` is required. */
export interface FaultSpec {
  readonly method?: string;
  /** A string must equal the path without the query (also `/oauth/token`); a pattern is matched against path and query. */
  readonly path?: string | RegExp;
  /** Only requests with a credential of this account (`us.acme`). */
  readonly account?: string;
  /** Respond with this status. Without `body`, the body is the one PagerDuty sends with it. */
  readonly status?: number;
  /** Text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Wait before the response. Without `status` and `drop`, the response is only late. */
  readonly latencyMs?: number;
  /** Close the connection without a response. */
  readonly drop?: boolean;
  /** Apply the request first, then wait, then fail: the caller cannot know that it worked. */
  readonly afterEffect?: boolean;
  /** How many matching requests fail; without it, all until the fault is removed. */
  readonly times?: number;
  /** The probability that a matching request fails, 0 to 1; default 1. */
  readonly probability?: number;
  /** Seed of the random numbers for `probability`; the same seed hits the same requests. */
  readonly seed?: number;
}

export interface Fault {
  readonly id: string;
  /** How many requests it has hit so far. */
  hits(): number;
  remove(): void;
}

/** The faults of one request. */
export interface Injection {
  readonly faultIds: readonly string[];
  readonly afterEffect: boolean;
  readonly latencyMs: number;
  readonly outcome: { readonly kind: 'truth' } | { readonly kind: 'drop' } | FaultAnswer;
}

interface FaultAnswer {
  readonly kind: 'answer';
  readonly answer: Answer;
}

/** The body that PagerDuty sends with a status, where known; a proxy's HTML page for gateway errors. */
const BODIES: Record<number, unknown> = {
  400: { error: { message: 'Invalid Input Provided', code: 2001, errors: [] } },
  401: '',
  402: {
    error: {
      message: 'Required abilities are unavailable',
      code: 2014,
      errors: ['The teams account ability is required to access teams'],
      missing_abilities: 'teams',
    },
  },
  403: { error: { message: 'Access Denied', code: 2010 } },
  404: { error: { message: 'Not Found', code: 2100 } },
  408: { error: { message: 'Request Timeout', code: 2016 } },
  429: { error: { message: 'Rate Limit Exceeded', code: 2020 } },
  500: { error: { message: 'Internal Server Error', code: 2000 } },
};

function answerOf(spec: FaultSpec & { status: number }): Answer {
  const body =
    spec.body !== undefined
      ? spec.body
      : (BODIES[spec.status] ??
        (spec.status >= 400 ? `<html><body><h1>${spec.status}</h1></body></html>` : ''));
  const text = typeof body === 'string';
  const contentType =
    spec.contentType ?? (text ? (body === '' ? null : 'text/html') : 'application/json; charset=utf-8');
  return {
    status: spec.status,
    contentType,
    body: text ? body : JSON.stringify(body),
    headers: spec.headers ?? {},
  };
}

/** The mulberry32 generator: small, with a seed, and good enough to choose which request fails. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface ActiveFault {
  readonly id: string;
  readonly spec: FaultSpec;
  readonly random: () => number;
  hits: number;
}

function refuseBadSpec(spec: FaultSpec): void {
  const bad = (field: string, need: string) => {
    throw new RangeError(`${field}: ${need}`);
  };
  if (spec.status === undefined && !spec.drop && spec.latencyMs === undefined) {
    bad('status', 'give a status, drop or latencyMs');
  }
  const { status, latencyMs, times, probability } = spec;
  if (status !== undefined && !(Number.isInteger(status) && status >= 200 && status <= 599)) {
    bad('status', 'must be 200 to 599');
  }
  if (status !== undefined && spec.drop) bad('drop', 'cannot go with a status');
  if (latencyMs !== undefined && !(latencyMs >= 0 && latencyMs <= 600_000)) {
    bad('latencyMs', 'must be 0 to 600000');
  }
  if (times !== undefined && !(Number.isInteger(times) && times >= 1)) {
    bad('times', 'must be a positive integer');
  }
  if (probability !== undefined && !(probability >= 0 && probability <= 1)) {
    bad('probability', 'must be 0 to 1');
  }
}

/**
 * Faults in the order of injection. The first fault with a failure that hits a request decides its response. Delays of
 * delay-only faults add up, so use two faults for a slow and unreliable PagerDuty.
 */
export class Faults {
  private readonly active = new Map<string, ActiveFault>();
  private injected = 0;

  /** @throws RangeError with the wrong field in the message */
  inject(spec: FaultSpec): Fault {
    refuseBadSpec(spec);
    this.injected += 1;
    const fault: ActiveFault = {
      id: `fault-${this.injected}`,
      spec: { ...spec },
      random: randomNumbers(spec.seed ?? this.injected),
      hits: 0,
    };
    this.active.set(fault.id, fault);
    return { id: fault.id, hits: () => fault.hits, remove: () => this.remove(fault.id) };
  }

  remove(id: string): boolean {
    return this.active.delete(id);
  }

  clear(): void {
    this.active.clear();
  }

  list(): { id: string; spec: FaultSpec; hits: number }[] {
    return [...this.active.values()].map(({ id, spec, hits }) => ({ id, spec, hits }));
  }

  /** @returns undefined when no fault hits the request */
  apply(request: { method: string; path: string; account: string | null }): Injection | undefined {
    if (this.active.size === 0) return undefined;
    const struck: ActiveFault[] = [];
    for (const fault of this.active.values()) {
      const fails = fault.spec.status !== undefined || fault.spec.drop === true;
      if (fails && struck.some(({ spec }) => spec.status !== undefined || spec.drop)) continue;
      if (!this.hits(fault, request)) continue;
      fault.hits += 1;
      if (fault.spec.times !== undefined && fault.hits >= fault.spec.times) this.active.delete(fault.id);
      struck.push(fault);
    }
    if (struck.length === 0) return undefined;
    const deciding = struck.find(({ spec }) => spec.status !== undefined || spec.drop)?.spec;
    return {
      faultIds: struck.map(({ id }) => id),
      afterEffect: struck.some(({ spec }) => spec.afterEffect === true),
      latencyMs: struck.reduce((sum, { spec }) => sum + (spec.latencyMs ?? 0), 0),
      outcome:
        deciding === undefined
          ? { kind: 'truth' }
          : deciding.status === undefined
            ? { kind: 'drop' }
            : { kind: 'answer', answer: answerOf({ ...deciding, status: deciding.status }) },
    };
  }

  private hits(
    { spec, random }: ActiveFault,
    request: { method: string; path: string; account: string | null },
  ): boolean {
    return (
      (spec.method === undefined || spec.method.toUpperCase() === request.method) &&
      (spec.account === undefined || spec.account === request.account) &&
      pathMatches(spec.path, request.path) &&
      (spec.probability === undefined || random() < spec.probability)
    );
  }
}
