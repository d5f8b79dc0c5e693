import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { openApiDocument } from './open-api';

/** A request to the product and its response. */
export interface Exchange {
  method: string;
  /** Includes the query. */
  target: string;
  /** As sent; undefined if there was none. */
  requestBody: unknown;
  status: number;
  headers: Headers;
  text: string;
  /** `text` parsed as JSON, or `text` itself if it is not JSON. */
  body: unknown;
}

interface Route {
  /** Null for a parameter. */
  segments: (string | null)[];
  /** JSON pointer into the document. */
  pointer: string;
  item: Record<string, any>;
}

const DOCUMENT = 'openapi.json';
const DOORS = /^\/+(api\/+v1|scim|health)(\/|$)/;
/** Statuses of a request that is refused before routing, or because the path does not exist. */
const REFUSED_UNKNOWN = [400, 401, 403, 404, 405, 413, 415, 429];
/** Headers that a client sends back later, so the document must list them. */
const VERSION_HEADERS = ['ETag'];
/** Statuses for a body that the operation does not accept. */
const REFUSED_BODY = [400, 413, 415];

/**
 * Checks the product against its OpenAPI documents in both directions. Every field of a response must be documented, and
 * every required field must be in the response. The documents must also list everything that the admin API accepts. SCIM
 * accepts more than it documents, as RFC 7644 requires.
 */
export class Contract {
  private static committed: Contract | undefined;

  /** Uses the committed documents, which are the served ones (`test/open-api/document.spec.ts`). */
  static get ofProduct(): Contract {
    return (this.committed ??= new Contract(openApiDocument()));
  }

  private readonly ajv = new Ajv2020({ strict: false, validateSchema: false });
  private readonly validators = new Map<string, ValidateFunction>();
  private readonly routes: Route[];

  constructor(private readonly document: Record<string, any>) {
    addFormats(this.ajv);
    closeObjects(document);
    this.ajv.addSchema(document, DOCUMENT);
    this.routes = Object.entries(document.paths as Record<string, Record<string, any>>).map(
      ([path, item]) => ({
        segments: path.split('/').map((segment) => (segment.startsWith('{') ? null : segment)),
        pointer: `#/paths/${escaped(path)}`,
        item,
      }),
    );
    // `/Users/.search` must not match `/Users/{id}`.
    this.routes.sort((a, b) => parametersIn(a) - parametersIn(b));
  }

  /** @throws Error with the difference from the document */
  check(exchange: Exchange): void {
    const { method, target, status } = exchange;
    const [path = '', query = ''] = target.split(/\?(.*)/s);
    if (!DOORS.test(path)) return;
    const problem = this.problemOf(exchange, path, query);
    if (!problem) return;
    const request = `${method} ${target}`.slice(0, 200);
    throw new Error(`Not as in the OpenAPI document: ${problem}, in the ${status} to ${request}`);
  }

  private problemOf(exchange: Exchange, path: string, query: string): string | null {
    const { status, requestBody } = exchange;
    const method = exchange.method.toLowerCase();
    const route = this.routeOf(method === 'head' ? 'get' : method, path);
    if (!route) {
      return REFUSED_UNKNOWN.includes(status) ? this.problemOfError(path, exchange) : 'no such operation';
    }
    const name = method === 'head' ? 'get' : method;
    const operation = route.item[name] as Record<string, any>;
    const documented = operation.responses[status] as Record<string, any> | undefined;
    if (!documented) {
      const strayBody = requestBody !== undefined && !operation.requestBody && REFUSED_BODY.includes(status);
      return strayBody ? this.problemOfError(path, exchange) : 'no such status';
    }
    const pointer = documented.$ref ?? `${route.pointer}/${name}/responses/${status}`;
    return (
      this.problemOfAnswer(exchange, pointer, method === 'head') ??
      (status < 300 && path.startsWith('/api/') ? this.problemOfRequest(exchange, route, name, query) : null)
    );
  }

  private routeOf(method: string, path: string): Route | undefined {
    let segments: string[];
    try {
      segments = path
        .replace(/\/{2,}/g, '/')
        .replace(/\/$/, '')
        .split('/')
        .map(decodeURIComponent);
    } catch {
      return undefined;
    }
    // A path with fewer parameters comes first (OpenAPI 3.1 §4.8.8.2), even if it does not have the method.
    const [route] = this.routes
      .filter(
        (candidate) =>
          candidate.segments.length === segments.length &&
          candidate.segments.every((segment, index) => segment === null || segment === segments[index]),
      )
      .sort((one, other) => parametersOf(one) - parametersOf(other));
    return route?.item[method] === undefined ? undefined : route;
  }

  private problemOfAnswer(
    { headers, text, body }: Exchange,
    pointer: string,
    withoutBody: boolean,
  ): string | null {
    const response = this.at(pointer);
    for (const [name, header] of Object.entries((response.headers ?? {}) as Record<string, any>)) {
      const { required } = header.$ref ? this.at(header.$ref) : header;
      if (required && headers.get(name) === null) return `the header ${name} is missing`;
    }
    for (const name of VERSION_HEADERS) {
      if (headers.get(name) !== null && !response.headers?.[name])
        return `the header ${name} is not documented`;
    }
    if (withoutBody) return null;
    const mediaType = headers.get('content-type')?.split(';')[0]!.trim().toLowerCase() ?? '';
    if (!response.content) return text === '' ? null : 'there should be no body';
    if (!response.content[mediaType]) return `no such media type: ${mediaType || 'none'}`;
    const code = (body as { code?: string } | null)?.code;
    const { examples } = response.content[mediaType] as { examples?: Record<string, unknown> };
    if (mediaType === 'application/problem+json' && examples && !(code! in examples)) {
      return `no such code: ${code}`;
    }
    const values = mediaType === 'application/x-ndjson' ? linesOf(text) : [body];
    return this.firstProblem(`${pointer}/content/${escaped(mediaType)}/schema`, values);
  }

  private problemOfError(path: string, { method, headers, text, body }: Exchange): string | null {
    if (method === 'HEAD') return null;
    const isScim = path.replace(/^\/+/, '').startsWith('scim');
    const mediaType = headers.get('content-type') ?? '';
    const expected = isScim ? /^application\/(scim\+)?json/ : /^application\/problem\+json/;
    if (!expected.test(mediaType)) return `an error as ${mediaType || 'nothing'}: ${text.slice(0, 200)}`;
    return this.firstProblem(`#/components/schemas/${isScim ? 'ScimError' : 'Problem'}`, [body]);
  }

  private problemOfRequest(
    { requestBody }: Exchange,
    route: Route,
    name: string,
    query: string,
  ): string | null {
    const operation = route.item[name] as Record<string, any>;
    const parameters = [...(route.item.parameters ?? []), ...(operation.parameters ?? [])] as any[];
    for (const given of new URLSearchParams(query).keys()) {
      if (!parameters.some((known) => known.in === 'query' && known.name === given)) {
        return `the parameter ${given} is accepted`;
      }
    }
    if (requestBody === undefined || !operation.requestBody) return null;
    const sent: unknown = typeof requestBody === 'string' ? JSON.parse(requestBody) : requestBody;
    const pointer = `${route.pointer}/${name}/requestBody/content/${escaped('application/json')}/schema`;
    // JSON leaves out undefined fields, so they are not sent.
    const problem = this.firstProblem(pointer, [JSON.parse(JSON.stringify(sent))]);
    return problem && `this body is accepted: ${problem}`;
  }

  private firstProblem(pointer: string, values: readonly unknown[]): string | null {
    let validate = this.validators.get(pointer);
    if (!validate) {
      validate = this.ajv.compile({ $ref: `${DOCUMENT}${pointer}` });
      this.validators.set(pointer, validate);
    }
    for (const value of values) {
      if (validate(value)) continue;
      const reason = this.ajv.errorsText(validate.errors, { dataVar: 'body' });
      return `${reason} ${JSON.stringify(validate.errors?.map(({ params }) => params))}`;
    }
    return null;
  }

  private at(pointer: string): Record<string, any> {
    const keys = pointer
      .slice(2)
      .split('/')
      .map((key) => decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'));
    return keys.reduce((part, key) => part[key] as Record<string, any>, this.document);
  }
}

const parametersIn = ({ segments }: Route): number => segments.filter((segment) => segment === null).length;

/** Escapes a key for a JSON pointer in a URI. */
const escaped = (key: string): string => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'));

/** The values of NDJSON: one per line. */
function linesOf(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

/** Forbids fields that are not listed in the document. */
function closeObjects(part: unknown): void {
  if (typeof part !== 'object' || part === null) return;
  const schema = part as Record<string, unknown>;
  if (typeof schema.properties === 'object' && schema.additionalProperties === undefined) {
    schema.additionalProperties = false;
  }
  for (const inner of Object.values(schema)) closeObjects(inner);
}

function parametersOf({ segments }: Route): number {
  return segments.filter((segment) => segment === null).length;
}
