/** One request to the REST API or the token endpoint, as the simulator saw it. */
export interface Call {
  /** Counts from 1, in order of arrival. */
  readonly seq: number;
  /** Arrival, epoch milliseconds. */
  readonly at: number;
  /** The base URL that the request used. */
  readonly host: 'any' | 'us' | 'eu' | 'identity';
  readonly method: string;
  /** Includes the query, but not the `/us` or `/eu` prefix. */
  readonly path: string;
  /** Null until the response is sent; stays null if the connection was dropped. */
  readonly status: number | null;
  readonly credential: CallCredential;
  /** Parsed if it is JSON or a form (without the client secret), else text; undefined if there is none. */
  readonly requestBody: unknown;
  readonly userAgent: string | null;
  readonly durationMs: number | null;
  /** The injected fault that changed the response. */
  readonly faulted?: string;
}

/** Identifies the credential of a call. It never contains the credential itself. */
export interface CallCredential {
  /** `client`: a token request; `unknown`: no credential, or one that does not exist. */
  readonly kind: 'account' | 'user' | 'app' | 'client' | 'unknown';
  /** Id of the key, or the OAuth client's id. */
  readonly id: string | null;
  /** As in the `as_account-` scope: `us.acme`. */
  readonly account: string | null;
}

export interface CallFilter {
  readonly method?: string;
  /** A string must equal the path without the query; a pattern is matched against path and query. */
  readonly path?: string | RegExp;
  readonly status?: number;
  /** Only calls with a higher `seq`. */
  readonly afterSeq?: number;
}

export function pathMatches(pattern: string | RegExp | undefined, path: string): boolean {
  if (pattern === undefined) return true;
  if (typeof pattern === 'string') return path.split('?', 1)[0] === pattern;
  pattern.lastIndex = 0;
  return pattern.test(path);
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Keeps the latest calls. It drops the oldest when there are too many. */
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
