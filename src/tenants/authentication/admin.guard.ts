import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { AdminRequest } from './admin';
import { AdminAuthentication } from './admin-authentication';

/** Lets an admin through whose key is still good when the body is there: it may arrive long after its headers. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(private readonly authentication: AdminAuthentication) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    await this.authentication.lookAgain(http.getRequest<AdminRequest>(), http.getResponse<FastifyReply>());
    return true;
  }
}
