import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { AdminRequest } from './admin';
import { AdminAuthentication } from './admin-authentication';

/** Checks again that the key is valid, because the body may arrive long after the headers. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(private readonly authentication: AdminAuthentication) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    await this.authentication.recheck(http.getRequest<AdminRequest>(), http.getResponse<FastifyReply>());
    return true;
  }
}
