import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError, FastifyInstance } from 'fastify';
import type { Logger as Pino } from 'pino';
import { v4 as randomUuid } from 'uuid';
import { hangUpInStages } from './early-answers';

/** Address and headers of one request: a filter of 8,192 characters fits, however it is encoded, and what belongs to it. */
export const MOST_HEADER_BYTES = 96 * 1024;

/** What Node.js could not read as a request, as an error of the framework. */
export class UnparsedRequestError extends Error {
  constructor(
    readonly statusCode: number,
    /** Of Node.js: `HPE_…` for what is no HTTP. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** @param address as much as is known of the address that was asked for */
export type AnswerOf = (
  error: UnparsedRequestError,
  address: string | null,
  requestId: string,
) => { headers: Record<string, string>; text: string };

/** Begins where a request does; the rest of a long address may not be there. */
const REQUEST_LINE = /^\s*[A-Z]+ +(\S{1,100})/;

/** Answers what reaches no hook and no filter, because Node.js gave it up before it was a request, or in its middle. */
export class UnparsedRequests {
  private readonly latest = new WeakMap<Socket, { address: string; response: ServerResponse }>();
  private readonly answered = new WeakSet<Socket>();

  constructor(
    private readonly log: Pino,
    private readonly answerOf: AnswerOf,
  ) {}

  /** Remembers what each connection asked for last: a connection belongs to one door. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request, reply, done) => {
      this.latest.set(request.raw.socket, { address: request.url, response: reply.raw });
      done();
    });
  }

  /** As Node.js wants it of a listener to `clientError`. */
  refuse(error: ConnectionError, socket: Socket): void {
    // Of a connection that is being closed, everything that still comes is an error.
    if (error.code === 'ECONNRESET' || socket.destroyed || this.answered.has(socket)) return;
    this.answered.add(socket);
    const latest = this.latest.get(socket);
    const isUnderWay = latest !== undefined && !latest.response.writableFinished;
    const requestId = randomUuid();
    const refusal = refusalOf(error);
    const { statusCode: status, code } = refusal;
    this.log.info({ requestId, client: socket.remoteAddress, status, code }, 'request that cannot be read');
    const begun = Buffer.isBuffer(error.rawPacket) ? error.rawPacket.toString('latin1', 0, 200) : '';
    const address = REQUEST_LINE.exec(begun)?.[1] ?? latest?.address ?? null;
    if (socket.writable && !(isUnderWay && latest.response.headersSent)) {
      socket.write(answerText(status, this.answerOf(refusal, address, requestId)));
    }
    if (isUnderWay) socket.destroy();
    else hangUpInStages(socket);
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
      return new UnparsedRequestError(400, code, 'What was sent is no HTTP request.');
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
