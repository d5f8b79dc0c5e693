import type { LoggerService } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Logger as Pino, pino } from 'pino';
import type { LogLevel } from '../config/settings';

/** JSON lines on standard output. Header values, bodies and queries never get into them. */
export function createLog(level: LogLevel): Pino {
  return pino({ level, base: null });
}

/** What Nest and the rooms log, into the same log. */
export class NestLog implements LoggerService {
  constructor(private readonly pino: Pino) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.pino.info(...line(message, rest));
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.pino.error(...line(message, rest));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.pino.warn(...line(message, rest));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.pino.debug(...line(message, rest));
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.pino.trace(...line(message, rest));
  }
}

/** Nest passes the context last, an error, a stack or an object of fields before it. */
function line(message: unknown, rest: unknown[]): [object, string] {
  const context = typeof rest.at(-1) === 'string' ? rest.at(-1) : undefined;
  const error = [message, ...rest].find((part) => part instanceof Error);
  const text = [message, ...rest].find((part) => typeof part === 'string');
  const fields = rest.find((part): part is object => isObject(part) && !(part instanceof Error));
  return [{ context, ...fields, ...(error ? { err: describeError(error) } : {}) }, String(text ?? '')];
}

function isObject(part: unknown): part is object {
  return typeof part === 'object' && part !== null;
}

/** An error without what libraries hang on it: a driver's error carries the values that were bound. */
function describeError(error: Error): object {
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}),
  };
}

/** One line a request, without its query. */
export function logRequests(fastify: FastifyInstance, log: Pino): void {
  fastify.addHook('onResponse', async (request: FastifyRequest, reply: FastifyReply) => {
    log.info(
      {
        requestId: request.id,
        method: request.method,
        path: pathOf(request),
        client: request.ip,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    );
  });
}

const UUID_OR_URN = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|urn:[\w:.-]+)$/i;
/** No key of anybody's is shorter. */
const SHORTEST_KEY = 20;

/** Words of the route, ids and what is short; a long piece may be a key that somebody put in the wrong place. */
function pathOf({ url, routeOptions }: FastifyRequest): string {
  const words = new Set(routeOptions.url?.split('/'));
  const known = (piece: string) => piece.length < SHORTEST_KEY || words.has(piece) || UUID_OR_URN.test(piece);
  const path = url.split('?', 1)[0] ?? '';
  return path
    .split('/')
    .map((piece) => (known(piece) ? piece : '[…]'))
    .join('/');
}
