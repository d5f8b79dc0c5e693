/** One request to the REST API or the token endpoint, as the simulator saw it. */
export interface Call {
  /** Counts up from 1, in order of arrival. */
  readonly seq: number;
  /** Arrival, epoch milliseconds. */
  readonly at: number;
  /** Which base URL it came to. */
  readonly host: 'any' | 'us' | 'eu' | 'identity';
  readonly method: string;
  /** With the query, without the `/us` or `/eu` prefix. */
  readonly path: string;
  /** Null while it is under way, and for ever if the connection was dropped. */
  readonly status: number | null;
  readonly credential: CallCredential;
  /** Parsed if it is JSON or a form (a client secret is left out), else text; undefined if there was none. */
  readonly requestBody: unknown;
  readonly userAgent: string | null;
  readonly durationMs: number | null;
  /** The injected fault that shaped the answer. */
  readonly faulted?: string;
}

/** Whose credential a call showed, never the credential. */
export interface CallCredential {
  /** `client`: a token request; `unknown`: none, or one that is nobody's. */
  readonly kind: 'account' | 'user' | 'app' | 'client' | 'unknown';
  /** Id of the key, or the OAuth client's id. */
  readonly id: string | null;
  /** As in the `as_account-` scope: `us.acme`. */
  readonly account: string | null;
}

export interface CallFilter {
  readonly method?: string;
  /** A string is the whole path without query; a pattern is tried on path and query. */
  readonly path?: string | RegExp;
  readonly status?: number;
  /** Only calls after this one. */
  readonly afterSeq?: number;
}

export function pathMatches(pattern: string | RegExp | undefined, path: string): boolean {
  if (pattern === undefined) return true;
  if (typeof pattern === 'string') return path.split('?', 1)[0] === pattern;
  pattern.lastIndex = 0;
  return pattern.test(path);
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Keeps the latest calls; the oldest go when there are too many. */
export class CallLog {
  private calls: Writable<Call>[] = [];
  private seq = 0;

  constructor(private readonly capacity: number) {}

  arrived(call: Omit<Call, 'seq' | 'status' | 'durationMs' | 'faulted'>): Writable<Call> {
    this.seq += 1;
    const entry: Writable<Call> = { seq: this.seq, ...call, status: null, durationMs: null };
    this.calls.push(entry);
    if (this.calls.length > this.capacity * 1.25) this.calls = this.calls.slice(-this.capacity);
    return entry;
  }

  answered(entry: Writable<Call>, status: number | null): void {
    entry.status = status;
    entry.durationMs = Date.now() - entry.at;
  }

  list(filter: CallFilter = {}): Call[] {
    return this.calls
      .filter(
        (call) =>
          (filter.method === undefined || call.method === filter.method.toUpperCase()) &&
          (filter.status === undefined || call.status === filter.status) &&
          (filter.afterSeq === undefined || call.seq > filter.afterSeq) &&
          pathMatches(filter.path, call.path),
      )
      .map((call) => ({ ...call }));
  }

  clear(): void {
    this.calls = [];
  }
}
