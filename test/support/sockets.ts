import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import type { Answer } from './http';
import { waitFor } from './wait';

/** A connection that sends what a test gives it, byte by byte if need be, and keeps what comes back. */
export class Connection {
  received = '';
  closed = false;
  /** What the connection broke with. */
  error: Error | null = null;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (data) => (this.received += data.toString('latin1')));
    socket.on('error', (error) => (this.error = error));
    socket.on('close', () => (this.closed = true));
  }

  /**
   * @param goesOn whether it stays open on its own side when the server has closed the other one
   * @returns once it is open, be it that the server closes it at once
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

  /** @returns once the system has taken it, or the connection is broken */
  sent(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => setImmediate(resolve)));
  }

  /** Sends no more. */
  finish(): void {
    this.socket.end();
  }

  /** The status of the answer, once there is one. */
  async status(): Promise<number> {
    const answer = await waitFor(
      'an answer',
      () => this.received,
      (received) => /^HTTP\/1\.1 \d{3} /.test(received) || this.closed,
    );
    return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);
  }

  /** What came back, as an answer whose length is told. */
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

/** The beginning of a request whose body is announced, and not sent. */
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

/** As one piece of a body that is sent in chunks. */
export function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}
