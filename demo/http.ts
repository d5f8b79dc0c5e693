export interface JsonAnswer {
  readonly status: number;
  /** Parsed; undefined where the answer had no body. */
  readonly body: unknown;
}

/** An answer that the demo does not expect: everything one needs to see what went wrong. */
export class UnexpectedAnswerError extends Error {
  constructor(method: string, url: string, requestBody: unknown, { status, body }: JsonAnswer) {
    super(
      [
        `${method} ${url} was answered with ${status}`,
        ...(requestBody === undefined ? [] : [`  sent:     ${JSON.stringify(requestBody)}`]),
        `  received: ${JSON.stringify(body)}`,
      ].join('\n'),
    );
    this.name = 'UnexpectedAnswerError';
  }
}

/** @throws UnexpectedAnswerError on any status but the wanted one */
export async function requestJson(
  method: string,
  url: string,
  request: {
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly expect: number | readonly number[];
  },
): Promise<JsonAnswer> {
  const response = await fetch(url, {
    method,
    headers: request.headers,
    signal: AbortSignal.timeout(60_000),
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const text = await response.text();
  const answer = { status: response.status, body: text === '' ? undefined : parsed(text) };
  if (![request.expect].flat().includes(answer.status)) {
    throw new UnexpectedAnswerError(method, url, request.body, answer);
  }
  return answer;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
