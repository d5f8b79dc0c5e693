import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply } from 'fastify';
import passport from 'passport';
import { Problem } from '../../admin-api/problem';
import { type Admin, type AdminRequest, mayAct } from './admin';
import { AdminBearerStrategy, type BearerRequest } from './admin-bearer.strategy';
import { RefusedAttempts } from './refused-attempts';

export const ADMIN_ROUTES = '/api/v1';
/** A revoked key may act for one more second at most, so slower requests are checked again. */
const RECHECK_AFTER_MS = 1_000;

/** Checks the admin key and its role for every request below `/api/v1`, before Fastify reads the body. */
@Injectable()
export class AdminAuthentication implements OnModuleInit {
  constructor(
    private readonly strategy: AdminBearerStrategy,
    private readonly refusedAttempts: RefusedAttempts,
    private readonly adapters: HttpAdapterHost,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapters.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onRequest', async (request: AdminRequest, reply) => {
      if (request.routeOptions.url?.startsWith(ADMIN_ROUTES)) await this.authenticate(request, reply);
    });
    // Some routes refuse a request only because of its body.
    fastify.addHook('onSend', async (request: AdminRequest, reply) => {
      if (request.admin && reply.statusCode === 403) await this.refusedAttempts.note(request.admin, request);
    });
  }

  /** @throws Problem 401 if the key expired or was revoked while the body arrived */
  async recheck(request: AdminRequest, reply: FastifyReply): Promise<void> {
    if (!request.admin) throw new Error('A route of the admin API was reached without authentication');
    if (request.body === undefined && reply.elapsedTime < RECHECK_AFTER_MS) return;
    if (!(await this.strategy.mayStillAct(request.admin))) throw unauthenticated(reply);
  }

  /**
   * @throws Problem 401, or 403 for a key whose role is too low
   * @throws TooManyRequestsError
   */
  private async authenticate(request: AdminRequest, reply: FastifyReply): Promise<void> {
    const admin = await this.adminOf(request);
    if (!admin) throw unauthenticated(reply);
    request.admin = { ...admin, actor: { ...admin.actor, requestId: request.id } };
    if (request.work) request.work.lane = admin.tenantId ?? `platform:${admin.keyId}`;
    const { leastRole } = request.routeOptions.config;
    if (!leastRole) {
      throw new Error(`${request.method} ${request.routeOptions.url} does not say which role it needs`);
    }
    if (!mayAct(admin, leastRole)) throw Problem.forbidden(`This needs a key with the role ${leastRole}.`);
  }

  /** Passport gets only the header: a key in a query or a body would appear in logs and browser histories. */
  private adminOf({ headers, ip }: AdminRequest): Promise<Admin | null> {
    const seen: BearerRequest = { headers: { authorization: headers.authorization }, ip };
    // Passport attaches its callbacks to the strategy, so each request needs its own one.
    const strategy = Object.create(this.strategy) as AdminBearerStrategy;
    return new Promise((resolve, reject) => {
      const decided = (error: unknown, admin?: unknown) => {
        if (error) reject(error instanceof Error ? error : new Error('Passport failed', { cause: error }));
        else resolve((admin as Admin | false | undefined) || null);
      };
      const authenticate = passport.authenticate(strategy, { session: false }, decided) as Middleware;
      authenticate(seen, {}, reject);
    });
  }
}

type Middleware = (request: BearerRequest, response: object, next: (error: Error) => void) => void;

function unauthenticated(reply: FastifyReply): Problem {
  void reply.header('WWW-Authenticate', 'Bearer');
  return new Problem('unauthenticated');
}
