import { type IncomingHttpHeaders, request } from 'node:http';
import { Contract } from '../../support/contract';
import type { Answer } from '../../support/http';

export interface ExactRequest {
  method: string;
  /** Path and query, sent unchanged. */
  target: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** Sends a request unchanged. `fetch` normalises the URL, adds headers, and does not allow a false Host. */
export async function sendExactly(serverUrl: string, exact: ExactRequest): Promise<Answer> {
  const { method, target, body: requestBody } = exact;
  const { text, ...answer } = await exchange(serverUrl, exact);
  Contract.ofProduct.check({ ...answer, method, target, requestBody, text });
  return answer;
}

function exchange(
  serverUrl: string,
  { method, target, headers = {}, body }: ExactRequest,
): Promise<Answer & { text: string }> {
  const { hostname, port } = new URL(serverUrl);
  // Node leaves it out for GET and DELETE. The server would then read the body as the next request.
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { hostname, port, method, path: target, headers: { ...length, ...headers }, agent: false },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({
            status: incoming.statusCode!,
            headers: headersOf(incoming.headers),
            body: parse(text),
            text,
          });
        });
      },
    );
    outgoing.setTimeout(20_000, () => outgoing.destroy(new Error(`No answer to ${method} ${target}`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function headersOf(incoming: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) headers.append(name, one);
  }
  return headers;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
