import { type ExecutionContext, SetMetadata, applyDecorators, createParamDecorator } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
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

export function mayAct(admin: Admin, required: AdminRole): boolean {
  return ADMIN_ROLES.indexOf(admin.role) >= ADMIN_ROLES.indexOf(required);
}

const REQUIRED_ROLE = 'scimify:required-role';
/** Under this name the OpenAPI document says it of each operation. */
export const LEAST_ROLE_EXTENSION = 'x-least-role';
/** The least role that may call a route. Every route of the admin API says it. */
export const RequiresRole = (role: AdminRole) =>
  applyDecorators(SetMetadata(REQUIRED_ROLE, role), ApiExtension(LEAST_ROLE_EXTENSION, role));
export { REQUIRED_ROLE };

/** The authenticated admin of the request. */
export const CurrentAdmin = createParamDecorator(
  (_: unknown, context: ExecutionContext): Admin =>
    context.switchToHttp().getRequest<{ admin: Admin }>().admin,
);
