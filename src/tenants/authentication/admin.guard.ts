import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../../admin-api/problem';
import type { AdminRole } from '../admin-keys/admin-key.entity';
import { ADMIN_BEARER, type BearerRequest } from './admin-bearer.strategy';
import { type Admin, REQUIRED_ROLE, mayAct } from './admin';

/** Lets an admin key in that has the role which the route requires. */
@Injectable()
export class AdminGuard extends AuthGuard(ADMIN_BEARER) {
  constructor(private readonly reflector: Reflector) {
    super();
  }

  /** Passport sees the header alone: a key in a query or a body would end in logs and histories. */
  override getRequest(context: ExecutionContext): BearerRequest {
    const { headers, ip } = context.switchToHttp().getRequest<FastifyRequest>();
    return { headers, ip };
  }

  override handleRequest<T>(
    error: unknown,
    verified: T | false,
    _info: unknown,
    context: ExecutionContext,
  ): T {
    if (error instanceof Error) throw error;
    const http = context.switchToHttp();
    if (!verified) {
      http.getResponse<FastifyReply>().header('WWW-Authenticate', 'Bearer');
      throw new Problem('unauthenticated');
    }
    const admin = verified as unknown as Admin;
    const request = http.getRequest<FastifyRequest & { admin: Admin }>();
    request.admin = { ...admin, actor: { ...admin.actor, requestId: request.id } };
    const required = this.reflector.getAllAndOverride<AdminRole>(REQUIRED_ROLE, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (!mayAct(admin, required)) throw Problem.forbidden(`This needs a key with the role ${required}.`);
    return verified;
  }
}
