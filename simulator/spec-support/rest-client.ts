import type { Simulator } from '../simulator';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; undefined if it is not JSON. It has the type `any`, because specs read any field. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

export async function send(url: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(url, init);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? (JSON.parse(text) as unknown) : undefined,
  };
}

export const HEADERS = {
  accept: 'application/vnd.pagerduty+json;version=2',
  'content-type': 'application/json',
};

/** A correct client of the REST API with one credential. */
export class RestClient {
  constructor(
    readonly baseUrl: string,
    readonly authorization: string,
  ) {}

  static withKey(simulator: Simulator, key = simulator.addApiKey()): RestClient {
    return new RestClient(simulator.url, `Token token=${key}`);
  }

  get(path: string): Promise<Reply> {
    return this.call('GET', path);
  }

  post(path: string, body: unknown): Promise<Reply> {
    return this.call('POST', path, body);
  }

  put(path: string, body?: unknown): Promise<Reply> {
    return this.call('PUT', path, body);
  }

  delete(path: string): Promise<Reply> {
    return this.call('DELETE', path);
  }

  createTeam(name: string, rest: Record<string, unknown> = {}): Promise<Reply> {
    return this.post('/teams', { team: { type: 'team', name, ...rest } });
  }

  call(method: string, path: string, body?: unknown): Promise<Reply> {
    return send(this.baseUrl + path, {
      method,
      headers: { ...HEADERS, authorization: this.authorization },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  }
}

export function askForToken(
  simulator: Simulator,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Reply> {
  return send(simulator.tokenUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...form }).toString(),
  });
}
