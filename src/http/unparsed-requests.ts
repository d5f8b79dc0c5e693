import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError, FastifyInstance } from 'fastify';
import type { Logger as Pino } from 'pino';
import { v4 as randomUuid } from 'uuid';
import { halfClose } from './early-answers';

/**
 * Limit of the address and the headers of one request. A filter of 8,192 characters fits in any encoding, with the
 * rest of the request.
 */
export const MOST_HEADER_BYTES = 96 * 1024;

/** An error of the framework for input that Node.js could not parse as a request. */
export class UnparsedRequestError extends Error {
  constructor(
    readonly statusCode: number,
    /** The code of Node.js: `HPE_…` for input that is not HTTP. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** @param address the requested address, as far as it is known */
export type AnswerOf = (
  error: UnparsedRequestError,
  address: string | null,
  requestId: string,
) => { headers: Record<string, string>; text: string };

/** The start of a request. A long address may be cut off. */
const REQUEST_LINE = /^\s*[A-Z]+ +(\S{1,100})/;

/** Answers requests that reach no hook and no filter, because Node.js failed before or while it parsed them. */
export class UnparsedRequests {
  private readonly latest = new WeakMap<Socket, { address: string; response: ServerResponse }>();
  private readonly answered = new WeakSet<Socket>();

  constructor(
    private readonly log: Pino,
    private readonly answerOf: AnswerOf,
  ) {}

  /** Remembers the last address of each connection, because one connection belongs to one API. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request, reply, done) => {
      this.latest.set(request.raw.socket, { address: request.url, response: reply.raw });
      done();
    });
  }

  /** A listener to `clientError` of Node.js. */
  refuse(error: ConnectionError, socket: Socket): void {
    // While a connection closes, everything that still arrives is an error.
    if (error.code === 'ECONNRESET' || socket.destroyed || this.answered.has(socket)) return;
    this.answered.add(socket);
    const latest = this.latest.get(socket);
    const isUnderWay = latest !== undefined && !latest.response.writableFinished;
    const requestId = randomUuid();
    const refusal = refusalOf(error);
    const { statusCode: status, code } = refusal;
    this.log.info({ requestId, client: socket.remoteAddress, status, code }, 'request that cannot be parsed');
    const begun = Buffer.isBuffer(error.rawPacket) ? error.rawPacket.toString('latin1', 0, 200) : '';
    const address = REQUEST_LINE.exec(begun)?.[1] ?? latest?.address ?? null;
    if (socket.writable && !(isUnderWay && latest.response.headersSent)) {
      socket.write(answerText(status, this.answerOf(refusal, address, requestId)));
    }
    if (isUnderWay) socket.destroy();
    else halfClose(socket);
  }
}

function refusalOf({ code }: ConnectionError): UnparsedRequestError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new UnparsedRequestError(408, code, 'The request did not arrive in time; send it again.');
    case 'HPE_HEADER_OVERFLOW':
      return new UnparsedRequestError(
        431,
        code,
        `The address and the headers of a request may have ${MOST_HEADER_BYTES} bytes together; send less.`,
      );
    default:
      return new UnparsedRequestError(400, code, 'The input is not a valid HTTP request.');
  }
}

function answerText(status: number, { headers, text }: ReturnType<AnswerOf>): string {
  const lines = Object.entries({
    ...headers,
    'Content-Length': String(Buffer.byteLength(text)),
    Date: new Date().toUTCString(),
    Connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`;
}
