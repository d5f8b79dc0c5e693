import { Entity, Index } from 'typeorm';
import { IdColumn, KeyColumn, PrimaryIdColumn, TextColumn, TimeColumn } from '../../database/column-types';

/** In rising order of power. Only `platform` is bound to no tenant. */
export const ADMIN_ROLES = ['viewer', 'admin', 'owner', 'platform'] as const;
export type AdminRole = (typeof ADMIN_ROLES)[number];

/** The roles for keys of one tenant. */
export const TENANT_ROLES = ['viewer', 'admin', 'owner'] as const;
export type TenantRole = (typeof TENANT_ROLES)[number];

/** A key of the admin API. Only the hash of the token is stored. */
@Entity('admin_key')
@Index('admin_key_token', ['tokenHash'], { unique: true })
@Index('admin_key_tenant', ['tenantId', 'id'])
@Index('admin_key_live', ['tenantId', 'revokedAt', 'expiresAt'])
export class AdminKey {
  @PrimaryIdColumn() id: string;
  /** Null for platform keys. */
  @IdColumn({ nullable: true }) tenantId: string | null;
  @TextColumn(200) name: string;
  @TextColumn(16) role: AdminRole;
  @TextColumn(40) prefix: string;
  @KeyColumn(64) tokenHash: string;
  @TimeColumn() createdAt: number;
  @TimeColumn({ nullable: true }) expiresAt: number | null;
  @TimeColumn({ nullable: true }) lastUsedAt: number | null;
  @TimeColumn({ nullable: true }) revokedAt: number | null;
}
