import { Contract } from './contract';

export interface Answer<T = any> {
  status: number;
  headers: Headers;
  /** Parsed JSON, or the text if it is not JSON. */
  body: T;
}

/** A client of one of the product's APIs. */
export class HttpClient {
  constructor(
    private readonly baseUrl: string,
    readonly headers: Readonly<Record<string, string>>,
  ) {}

  async send<T = any>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(this.baseUrl + path, {
      method,
      headers: { ...this.headers, ...(body === undefined ? {} : this.contentType()), ...headers },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const { status, headers: answered } = response;
    const answer = { status, headers: answered, body: parse(text) as T };
    const { pathname } = new URL(this.baseUrl);
    Contract.ofProduct.check({ ...answer, method, target: pathname + path, requestBody: body, text });
    return answer;
  }

  get<T = any>(path: string, headers?: Record<string, string>) {
    return this.send<T>('GET', path, undefined, headers);
  }

  post<T = any>(path: string, body?: unknown, headers?: Record<string, string>) {
    return this.send<T>('POST', path, body, headers);
  }

  put<T = any>(path: string, body?: unknown, headers?: Record<string, string>) {
    return this.send<T>('PUT', path, body, headers);
  }

  patch<T = any>(path: string, body?: unknown, headers?: Record<string, string>) {
    return this.send<T>('PATCH', path, body, headers);
  }

  delete<T = any>(path: string, headers?: Record<string, string>) {
    return this.send<T>('DELETE', path, undefined, headers);
  }

  protected contentType(): Record<string, string> {
    return { 'Content-Type': 'application/json' };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
