import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Simulator } from '../api';
import { simulatorFailed } from '../http/answers';
import { LARGEST_BODY } from '../http/server';
import { StateError } from '../state/records';
import { found, get, type Operation } from './operation';
import { ACCOUNT_OPERATIONS, SIMULATOR_OPERATIONS } from './operations';
import { validator } from './schemas';

const PREFIX = '/_control';
const LONGEST_ID = 10_000;

const list = (operations: readonly Operation[]) =>
  operations.map(({ method, path, what }) => ({
    method,
    path: PREFIX + path.replaceAll(/:\w+/g, '{}'),
    what,
  }));

const HELP: Operation = get('', 'this list', () => ({
  about: 'Controls the PagerDuty simulator. Bodies are JSON. Unknown fields are refused.',
  routes: list([HELP, ...SIMULATOR_OPERATIONS]),
  accountRoutes: {
    about:
      'These routes act on the default account. For another account, use /_control/accounts/{region}.{subdomain} instead of /_control.',
    routes: list(ACCOUNT_OPERATIONS),
  },
}));

const OPERATIONS = [HELP, ...SIMULATOR_OPERATIONS, ...ACCOUNT_OPERATIONS];

function noSuchRoute({ method, url }: FastifyRequest): string {
  const methods = OPERATIONS.filter(({ path }) =>
    new RegExp(`^${PREFIX}(/accounts/[^/]+(?=/))?${path.replaceAll(/:\w+/g, '[^/]*')}(\\?|$)`).test(url),
  ).map((operation) => operation.method);
  if (methods.length === 0) return 'no such route; GET /_control lists them';
  return `no ${method} here, only ${methods.join(', ')}`;
}

/** Replaces texts of Fastify. */
const BAD_REQUESTS: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'path: is badly percent-encoded',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'Content-Type: must be application/json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'body: is not valid JSON',
};

function statusOf(error: Error & { statusCode?: number }): number | undefined {
  if (error instanceof StateError) return error.kind === 'unknown' ? 404 : 400;
  return error.statusCode ?? (error instanceof RangeError ? 400 : undefined);
}

function answerError(error: Error & { code?: string }, request: FastifyRequest, reply: FastifyReply): void {
  const badRequest = BAD_REQUESTS[error.code ?? ''];
  const status = badRequest === undefined ? statusOf(error) : 400;
  if (status === undefined) {
    const failure = simulatorFailed(request, error);
    reply.code(failure.status).type('application/json').send(failure.body);
  } else {
    reply.code(status).send({ message: badRequest ?? error.message });
  }
}

/** Offers the library over HTTP, for a simulator that runs as a program. The simulator's server passes requests to it. */
export function createControlApi(simulator: Simulator, token: string | undefined): FastifyInstance {
  const app = fastify({
    bodyLimit: LARGEST_BODY,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: LONGEST_ID },
    frameworkErrors: answerError,
  });
  app.setValidatorCompiler(({ schema, httpPart }) => validator(schema as object, httpPart));
  app.setErrorHandler(answerError);
  const parseJson = app.getDefaultJsonParser('ignore', 'ignore');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) =>
    parseJson(request, body || '{}', done),
  );
  app.addHook('onRequest', (request, reply, done) => {
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return void reply.code(401).send({ message: 'Authorization must be: Bearer <control token>' });
    }
    if (request.is404) return void reply.code(404).send({ message: noSuchRoute(request) });
    request.body = {};
    done();
  });

  for (const { method, path, input, status, answer } of OPERATIONS) {
    const urls = path === '' ? [PREFIX] : [PREFIX + path, `${PREFIX}/accounts/:identity${path}`];
    for (const url of urls) {
      app.route<{ Params: { identity?: string; id: string; userId: string } }>({
        method,
        url,
        schema: method === 'GET' ? { querystring: input } : { body: input },
        handler: ({ params: { identity, id, userId }, query, body }, reply) => {
          const account = identity === undefined ? simulator : found(simulator.account(identity), 'account');
          const given = (method === 'GET' ? query : body) as never;
          const result = answer({ simulator, account, id, userId, input: given });
          return result === undefined ? reply.code(204).send() : reply.code(status).send(result);
        },
      });
    }
  }
  return app;
}
