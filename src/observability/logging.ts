import type { LoggerService } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Logger as Pino, pino } from 'pino';
import type { LogLevel } from '../config/settings';
import { terminalLine } from './terminal-log';
import { isTold } from './told';

/**
 * On standard output: JSON lines, and lines for people where that is a terminal. Header values, bodies and queries never get
 * into them.
 */
export function createLog(level: LogLevel): Pino {
  const options = { level, base: null };
  if (!process.stdout.isTTY) return pino(options);
  return pino(options, { write: (line: string) => void process.stdout.write(terminalLine(line)) });
}

/** What Nest tells of its own start: a hundred lines, of which each says that all is well. */
const START_OF_NEST = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'RouterExplorer',
  'RoutesResolver',
]);
/** Nest throws what it logs under this name, and whoever catches that says it. */
const THROWN_TOO = 'ExceptionHandler';

/** What Nest and the rooms log, into the same log. */
export class NestLog implements LoggerService {
  constructor(private readonly pino: Pino) {}

  log(message: unknown, ...rest: unknown[]): void {
    const [fields, text] = line(message, rest);
    if (START_OF_NEST.has(fields.context ?? '')) this.pino.debug(fields, text);
    else this.pino.info(fields, text);
  }

  error(message: unknown, ...rest: unknown[]): void {
    if ([message, ...rest].some(isTold)) return;
    const [fields, text] = line(message, rest);
    if (fields.context !== THROWN_TOO) this.pino.error(fields, text);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    if ([message, ...rest].some(isTold)) return;
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
