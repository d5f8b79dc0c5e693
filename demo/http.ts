export interface JsonAnswer {
  readonly status: number;
  /** Parsed; undefined if the response has no body. */
  readonly body: unknown;
}

/** The demo does not expect this response. The message contains the request and the response. */
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

/** @throws UnexpectedAnswerError on any other status than `expect` */
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
