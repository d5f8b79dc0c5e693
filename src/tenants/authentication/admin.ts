import { type ExecutionContext, applyDecorators, createParamDecorator } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExtension } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../audit/actor';
import { ADMIN_ROLES, type AdminRole } from '../admin-keys/admin-key.entity';

/** Who calls the admin API. Every finder takes it, and filters by its tenant in SQL. */
export interface Admin {
  /** Tells callers apart; no key has it, so it is nothing to be kept secret. */
  keyId: string;
  role: AdminRole;
  /** Null for platform keys, which see every tenant. */
  tenantId: string | null;
  /** Epoch milliseconds; null for a key that does not expire. No key that it makes lives longer. */
  expiresAt: number | null;
  actor: Actor;
}

/** Of the key that the operator gives, which is never stored. */
export const ENVIRONMENT_KEY_ID = 'environment';

export function mayAct(admin: Admin, required: AdminRole): boolean {
  return ADMIN_ROLES.indexOf(admin.role) >= ADMIN_ROLES.indexOf(required);
}

/** Under this name the OpenAPI document says it of each operation. */
export const LEAST_ROLE_EXTENSION = 'x-least-role';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route of the admin API; one that does not say it answers nobody. */
    leastRole?: AdminRole;
  }
}

/** The least role that may call a route. It is kept with the route, so that it is known before the body is read. */
export const RequiresRole = (leastRole: AdminRole): MethodDecorator =>
  applyDecorators(RouteConfig({ leastRole }), ApiExtension(LEAST_ROLE_EXTENSION, leastRole));

export type AdminRequest = FastifyRequest & {
  /** Set when the key is verified. */
  admin?: Admin;
};

/** The authenticated admin of the request. */
export const CurrentAdmin = createParamDecorator(
  (_: unknown, context: ExecutionContext): Admin => context.switchToHttp().getRequest<AdminRequest>().admin!,
);
