import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallCredential, CallLog } from '../call-log';
import type { Faults } from '../faults';
import { identify, type Host } from '../rules/authentication';
import type { Credentials } from '../state/credentials';
import type { Region } from '../state/records';
import { refusal, simulatorFailed, type Answer } from './answers';
import type { RestApi } from './rest-api';
import type { TokenEndpoint } from './token-endpoint';

export const LARGEST_BODY = 4 * 1024 * 1024;
const UNKNOWN: CallCredential = { kind: 'unknown', id: null, account: null };

class BodyTooLarge extends Error {}

/** What handles the requests to the port. */
export interface Handlers {
  readonly restApi: RestApi;
  readonly tokenEndpoint: TokenEndpoint;
  readonly controlApi: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly credentials: Credentials;
  readonly faults: Faults;
  readonly callLog: CallLog;
  /** The region of the base URL without prefix; `any` accepts the keys of both regions. */
  readonly plainHost: Host;
}

function readBody(request: IncomingMessage): Promise<string> {
  if (request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined) {
    return Promise.resolve('');
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > LARGEST_BODY) reject(new BodyTooLarge());
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the client went away')));
  });
}

function requestBodyForLog(body: string, contentType: string | undefined): unknown {
  if (body === '') return undefined;
  if (contentType?.toLowerCase().startsWith('application/x-www-form-urlencoded')) {
    const form: Record<string, string> = Object.fromEntries(new URLSearchParams(body));
    delete form.client_secret;
    return form;
  }
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return body;
  }
}

/** Serves PagerDuty's REST hosts, its identity service and the control API on one port. */
export class SimulatorServer {
  private readonly server: Server;
  private readonly waiting = new Map<NodeJS.Timeout, () => void>();
  private closed = false;

  constructor(private readonly handlers: Handlers) {
    this.server = createServer((request, response) => {
      this.serve(request, response).catch((error: unknown) => {
        if (response.destroyed || response.headersSent) return void request.socket.destroy();
        if (error instanceof BodyTooLarge) {
          response.setHeader('connection', 'close');
          return this.send(response, refusal(413, 'Request Entity Too Large').answer);
        }
        if (request.destroyed && !request.complete) return;
        this.send(response, simulatorFailed(request, error));
      });
    });
    // Longer than any client keeps an idle connection. Otherwise the server can close it just as a request arrives.
    this.server.keepAliveTimeout = 65_000;
  }

  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const [timer, wake] of this.waiting) {
      clearTimeout(timer);
      wake();
    }
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const arrivedAt = Date.now();
    const method = request.method ?? 'GET';
    const url = request.url ?? '/';
    const queryAt = url.indexOf('?');
    const fullPath = queryAt < 0 ? url : url.slice(0, queryAt);
    const search = queryAt < 0 ? '' : url.slice(queryAt);
    if (fullPath === '/_control' || fullPath.startsWith('/_control/')) {
      response.setHeader('x-request-id', randomUUID());
      return this.handlers.controlApi(request, response);
    }

    const body = await readBody(request);
    const { authorization, accept, 'content-type': contentType } = request.headers;
    const { host, path } = this.hostOf(fullPath);
    const credential = host === 'identity' ? this.clientOf(body, contentType) : this.callerOf(authorization);
    const call = this.handlers.callLog.arrived({
      at: arrivedAt,
      host,
      method,
      path: path + search,
      credential,
      requestBody: requestBodyForLog(body, contentType),
      userAgent: request.headers['user-agent'] ?? null,
    });
    const evaluate = (): Answer =>
      host === 'identity'
        ? this.handlers.tokenEndpoint.answer({ method, authorization, contentType, body })
        : this.handlers.restApi.answer({
            host,
            method,
            path,
            query: new URLSearchParams(search),
            authorization,
            accept,
            contentType,
            body,
          });

    const injection = this.handlers.faults.apply({
      method,
      path: path + search,
      account: credential.account,
    });
    if (!injection) {
      const answer = evaluate();
      this.handlers.callLog.answered(call, answer.status);
      return this.send(response, answer);
    }

    call.faulted = injection.faultIds.join(' ');
    const effect = injection.afterEffect ? evaluate() : undefined;
    if (injection.latencyMs > 0) await this.wait(injection.latencyMs);
    if (this.closed) return void request.socket.destroy();
    if (injection.outcome.kind === 'drop') {
      this.handlers.callLog.answered(call, null);
      return void request.socket.destroy();
    }
    const answer = injection.outcome.kind === 'answer' ? injection.outcome.answer : (effect ?? evaluate());
    this.handlers.callLog.answered(call, answer.status);
    this.send(response, answer);
  }

  private hostOf(path: string): { host: Host | 'identity'; path: string } {
    // One identity host serves both regions. The scope contains the region.
    if (path === '/oauth/token') return { host: 'identity', path };
    const prefix = /^\/(us|eu)(?=\/)/.exec(path);
    if (prefix) return { host: prefix[1] as Region, path: path.slice(prefix[0].length) };
    return { host: this.handlers.plainHost, path };
  }

  private callerOf(authorization: string | undefined): CallCredential {
    const caller = identify(authorization, this.handlers.credentials);
    return caller ? { kind: caller.kind, id: caller.id, account: caller.account.identity } : UNKNOWN;
  }

  private clientOf(body: string, contentType: string | undefined): CallCredential {
    if (!contentType?.toLowerCase().startsWith('application/x-www-form-urlencoded')) return UNKNOWN;
    const client = this.handlers.credentials.findClient(new URLSearchParams(body).get('client_id') ?? '');
    return client ? { kind: 'client', id: client.clientId, account: client.account.identity } : UNKNOWN;
  }

  private wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiting.delete(timer);
        resolve();
      }, milliseconds);
      this.waiting.set(timer, resolve);
    });
  }

  private send(response: ServerResponse, answer: Answer): void {
    const headers: Record<string, string | number> = { ...answer.headers, 'x-request-id': randomUUID() };
    if (answer.contentType !== null) headers['content-type'] = answer.contentType;
    if (answer.status !== 204 && answer.status !== 304) {
      headers['content-length'] = Buffer.byteLength(answer.body);
    }
    response.writeHead(answer.status, headers);
    response.end(answer.body);
  }
}
