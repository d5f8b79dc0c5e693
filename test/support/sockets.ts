import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import type { Answer } from './http';
import { waitFor } from './wait';

/** A raw connection: it sends any bytes that a test gives it, and keeps all bytes that it receives. */
export class Connection {
  received = '';
  closed = false;
  /** The error that broke the connection. */
  error: Error | null = null;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (data) => (this.received += data.toString('latin1')));
    socket.on('error', (error) => (this.error = error));
    socket.on('close', () => (this.closed = true));
  }

  /**
   * @param goesOn whether the client's side stays open after the server has closed its side
   * @returns once it is open, even if the server then closes it at once
   */
  static async open(url: string, { goesOn = false } = {}): Promise<Connection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: goesOn });
    const connection = new Connection(socket);
    await once(socket, 'connect');
    return connection;
  }

  send(text: string | Buffer): void {
    this.socket.write(text);
  }

  /** @returns once the operating system has accepted the bytes, or the connection is broken */
  sent(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => setImmediate(resolve)));
  }

  /** Closes the sending side. */
  finish(): void {
    this.socket.end();
  }

  /** Waits for the response. @returns its status */
  async status(): Promise<number> {
    const answer = await waitFor(
      'an answer',
      () => this.received,
      (received) => /^HTTP\/1\.1 \d{3} /.test(received) || this.closed,
    );
    return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);
  }

  /** Parses the received bytes as a response with Content-Length. */
  answer(): Answer {
    const [head = '', text = ''] = this.received.split('\r\n\r\n', 2);
    const [statusLine = '', ...lines] = head.split('\r\n');
    const headers = new Headers(lines.map((line) => line.split(': ', 2) as [string, string]));
    if (Number(headers.get('content-length')) !== text.length) throw new Error(`Not an answer: ${head}`);
    return { status: Number(statusLine.split(' ')[1]), headers, body: JSON.parse(text) };
  }

  async end(): Promise<void> {
    await waitFor(
      'the server to hang up',
      () => this.closed,
      (closed) => closed,
    );
  }

  close(): void {
    this.socket.destroy();
  }
}

/** The headers of a request that announces a body but does not send it. */
export function headersOf(
  method: string,
  path: string,
  length: number | 'chunked',
  headers: Record<string, string> = {},
): string {
  const all = {
    Host: 'scimify',
    'Content-Type': 'application/json',
    ...(length === 'chunked' ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': String(length) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** One chunk of a body in chunked encoding. */
export function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}
