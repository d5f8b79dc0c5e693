import { type ExecutionContext, SetMetadata, createParamDecorator } from '@nestjs/common';
import type { Actor } from '../../audit/actor';
import { ADMIN_ROLES, type AdminRole } from '../admin-keys/admin-key.entity';

/** Who calls the admin API. Every finder takes it, and filters by its tenant in SQL. */
export interface Admin {
  role: AdminRole;
  /** Null for platform keys, which see every tenant. */
  tenantId: string | null;
  actor: Actor;
}

export function mayAct(admin: Admin, required: AdminRole): boolean {
  return ADMIN_ROLES.indexOf(admin.role) >= ADMIN_ROLES.indexOf(required);
}

const REQUIRED_ROLE = 'scimify:required-role';
/** The least role that may call a route. Every route of the admin API says it. */
export const RequiresRole = (role: AdminRole) => SetMetadata(REQUIRED_ROLE, role);
export { REQUIRED_ROLE };

/** The authenticated admin of the request. */
export const CurrentAdmin = createParamDecorator(
  (_: unknown, context: ExecutionContext): Admin =>
    context.switchToHttp().getRequest<{ admin: Admin }>().admin,
);
