import { type ExecutionContext, applyDecorators, createParamDecorator } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExtension } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../audit/actor';
import { ADMIN_ROLES, type AdminRole } from '../admin-keys/admin-key.entity';

/** The caller of the admin API. Every finder takes it and filters by its tenant in SQL. */
export interface Admin {
  /** Identifies the caller. It is not part of the token, so it is not secret. */
  keyId: string;
  role: AdminRole;
  /** Null for platform keys, which see every tenant. */
  tenantId: string | null;
  /** Epoch milliseconds. Null for a key that does not expire. Keys that it creates cannot expire later. */
  expiresAt: number | null;
  actor: Actor;
}

/** Id of the key in SCIMIFY_ADMIN_KEY, which is never stored. */
export const ENVIRONMENT_KEY_ID = 'environment';

export function mayAct(admin: Admin, required: AdminRole): boolean {
  return ADMIN_ROLES.indexOf(admin.role) >= ADMIN_ROLES.indexOf(required);
}

/** The OpenAPI extension that names the least role of an operation. */
export const LEAST_ROLE_EXTENSION = 'x-least-role';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Each route of the admin API must set it. A route without it refuses every caller. */
    leastRole?: AdminRole;
  }
}

/** The least role that may call a route. The route config has it, so it is known before the body is read. */
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
