import type { LoggerService } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Logger as Pino, pino } from 'pino';
import type { LogLevel } from '../config/settings';
import { terminalLine } from './terminal-log';
import { isAlreadyLogged } from './told';

/**
 * Logs to standard output: JSON lines, or readable lines on a terminal. It never logs header values, bodies or
 * queries.
 */
export function createLog(level: LogLevel): Pino {
  const options = { level, base: null };
  if (!process.stdout.isTTY) return pino(options);
  return pino(options, { write: (line: string) => void process.stdout.write(terminalLine(line)) });
}

/** Contexts of the lines that Nest logs at its start: about a hundred, and none reports a problem. */
const START_CONTEXTS = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'RouterExplorer',
  'RoutesResolver',
]);
/** Nest also throws what it logs in this context, and the code that catches it logs it. */
const EXCEPTION_CONTEXT = 'ExceptionHandler';

/** Writes the lines of Nest and of our rooms into the same log. */
export class NestLog implements LoggerService {
  constructor(private readonly pino: Pino) {}

  log(message: unknown, ...rest: unknown[]): void {
    const [fields, text] = line(message, rest);
    if (START_CONTEXTS.has(fields.context ?? '')) this.pino.debug(fields, text);
    else this.pino.info(fields, text);
  }

  error(message: unknown, ...rest: unknown[]): void {
    if ([message, ...rest].some(isAlreadyLogged)) return;
    const [fields, text] = line(message, rest);
    if (fields.context !== EXCEPTION_CONTEXT) this.pino.error(fields, text);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    if ([message, ...rest].some(isAlreadyLogged)) return;
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
function line(message: unknown, rest: unknown[]): [{ context?: string; err?: object }, string] {
  const last = rest.at(-1);
  const context = typeof last === 'string' ? last : undefined;
  const error = [message, ...rest].find((part) => part instanceof Error);
  const text = [message, ...rest].find((part) => typeof part === 'string');
  const fields = rest.find((part): part is object => isObject(part) && !(part instanceof Error));
  return [{ context, ...fields, ...(error ? { err: describeError(error) } : {}) }, String(text ?? '')];
}

function isObject(part: unknown): part is object {
  return typeof part === 'object' && part !== null;
}

/** An error without the extra fields of libraries: a database driver adds the bound values. */
function describeError(error: Error): object {
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}),
  };
}

/** One line per request, without its query. */
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
/** No key is shorter. */
const SHORTEST_KEY = 20;

/**
 * Keeps words of the route, ids and short pieces. A long piece may be a key that a client put in the wrong place.
 */
function pathOf({ url, routeOptions }: FastifyRequest): string {
  const words = new Set(routeOptions.url?.split('/'));
  const known = (piece: string) => piece.length < SHORTEST_KEY || words.has(piece) || UUID_OR_URN.test(piece);
  const path = url.split('?', 1)[0] ?? '';
  return path
    .split('/')
    .map((piece) => (known(piece) ? piece : '[…]'))
    .join('/');
}
