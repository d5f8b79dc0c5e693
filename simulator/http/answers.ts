/** One HTTP response, without the headers that every response gets. */
export interface Answer {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return {
    status,
    contentType: 'application/json; charset=utf-8',
    body: JSON.stringify(value),
    headers,
  };
}

/** A response without body: 204s, and 401s, which clients of the live API cannot parse as JSON. */
export function bare(status: number): Answer {
  return { status, contentType: null, body: '', headers: {} };
}

/** Ends the evaluation of a request with an error response. */
export class Refusal extends Error {
  constructor(readonly answer: Answer) {
    super(`HTTP ${answer.status}`);
    this.name = 'Refusal';
  }
}

/** PagerDuty's error body. `code` and `errors` are left out if they are not known. */
export function refusal(status: number, message: string, code?: number, errors?: string[]): Refusal {
  return new Refusal(
    json(status, {
      error: {
        message,
        ...(code === undefined ? {} : { code }),
        ...(errors === undefined ? {} : { errors }),
      },
    }),
  );
}

/** Reports a bug in the simulator. It must not look like a PagerDuty error that a client retries. */
export function simulatorFailed(
  { method, url }: { readonly method?: string; readonly url?: string },
  error: unknown,
): Answer {
  process.emitWarning(`simulator: ${method} ${url}: ${error instanceof Error ? error.stack : String(error)}`);
  return refusal(501, 'The simulator failed').answer;
}

export function invalidInput(...errors: string[]): Refusal {
  return refusal(400, 'Invalid Input Provided', 2001, errors);
}

export function argumentsError(...errors: string[]): Refusal {
  return refusal(400, 'Arguments Caused Error', 2002, errors);
}

export function accessDenied(): Refusal {
  return refusal(403, 'Access Denied', 2010);
}

export function notFound(): Refusal {
  return refusal(404, 'Not Found', 2100);
}
