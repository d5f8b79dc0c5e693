import type { HttpService } from '@nestjs/axios';
import { isAxiosError } from 'axios';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** Aborts the call; the call then throws the signal's reason. */
  signal?: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  header(name: string): string | null;
  body: string;
}

export type TransportFailureKind =
  /** Nothing was sent: the name did not resolve, the port refused, the certificate was wrong. */
  | 'not-connected'
  /** Something was or may have been sent before the connection broke. */
  | 'broken'
  | 'timeout'
  | 'answer-too-large';

/** No usable response. The message holds the system's error code, never the request with its credentials. */
export class TransportFailure extends Error {
  constructor(
    readonly kind: TransportFailureKind,
    readonly code: string,
  ) {
    super(`${kind} (${code})`);
    this.name = 'TransportFailure';
  }
}

const DEFAULT_TIMEOUT_MS = 10_000;
// A page of 100 users, each with the references of up to 400 teams, stays below.
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
]);
const CERTIFICATE_REFUSED = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS_/;

/**
 * One HTTP exchange. Every status counts as a response. It follows no redirect, which would carry the credential
 * elsewhere.
 * @throws TransportFailure, or the signal's reason when aborted
 */
export async function exchange(http: HttpService, request: HttpRequest): Promise<HttpAnswer> {
  const { signal } = request;
  signal?.throwIfAborted();
  // Axios times only silence on the socket. This deadline also ends a call whose bytes come slowly.
  const deadline = new AbortController();
  const timeoutMs = http.axiosRef.defaults.timeout || DEFAULT_TIMEOUT_MS;
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  const passOn = (): void => deadline.abort();
  signal?.addEventListener('abort', passOn, { once: true });
  try {
    const response = await http.axiosRef.request<unknown>({
      method: request.method,
      url: request.url,
      headers: request.headers,
      data: request.body,
      signal: deadline.signal,
      maxRedirects: 0,
      maxContentLength: MAX_ANSWER_BYTES,
      responseType: 'text',
      transformRequest: [(body: unknown) => body],
      transformResponse: [(body: unknown) => body],
      validateStatus: () => true,
    });
    const headers = response.headers as Record<string, unknown>;
    return {
      status: response.status,
      header: (name) => {
        const value = headers[name];
        return typeof value === 'string' ? value : null;
      },
      body: typeof response.data === 'string' ? response.data : '',
    };
  } catch (error) {
    signal?.throwIfAborted();
    throw transportFailure(error, deadline.signal.aborted);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', passOn);
  }
}

function transportFailure(error: unknown, deadlinePassed: boolean): TransportFailure {
  const code = codeOf(error);
  if (deadlinePassed || code === 'ECONNABORTED') return new TransportFailure('timeout', 'ETIMEDOUT');
  if (isAxiosError(error) && error.message.startsWith('maxContentLength')) {
    return new TransportFailure('answer-too-large', code);
  }
  const neverConnected =
    NEVER_CONNECTED.has(code) || CERTIFICATE_REFUSED.test(code) || syscallOf(error) === 'connect';
  if (neverConnected) return new TransportFailure('not-connected', code);
  return code === 'ETIMEDOUT' ? new TransportFailure('timeout', code) : new TransportFailure('broken', code);
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^\w+$/.test(code) ? code : 'UNKNOWN';
}

function syscallOf(error: unknown): unknown {
  const { syscall, cause } = error as { syscall?: unknown; cause?: { syscall?: unknown } };
  return syscall ?? cause?.syscall;
}
