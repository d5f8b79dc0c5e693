import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import type { QuotaName, Quotas } from '../config/settings';

const MAX_QUOTA = 100_000_000;

const DESCRIPTIONS: Record<QuotaName, string> = {
  integrations: 'Integrations, including those that are being deleted',
  adminKeys: 'Admin keys that are neither revoked nor expired',
  scimKeys: 'SCIM keys of each integration that are neither revoked nor expired',
  users: 'Users of all integrations, including inactive users',
  groups: 'Groups of all integrations',
  memberships: 'Memberships of all groups',
};

const IsQuota = (name: QuotaName) =>
  applyDecorators(
    ApiPropertyOptional({
      type: 'integer',
      nullable: true,
      minimum: 0,
      maximum: MAX_QUOTA,
      description: DESCRIPTIONS[name],
    }),
    IsOptional(),
    IsInt(),
    Min(0),
    Max(MAX_QUOTA),
  );

/** Null means the quota of the installation. */
export class QuotasInput implements Partial<Record<QuotaName, number | null>> {
  @IsQuota('integrations') integrations?: number | null;
  @IsQuota('adminKeys') adminKeys?: number | null;
  @IsQuota('scimKeys') scimKeys?: number | null;
  @IsQuota('users') users?: number | null;
  @IsQuota('groups') groups?: number | null;
  @IsQuota('memberships') memberships?: number | null;
}

const Limit = (name: QuotaName) => ApiProperty({ minimum: 0, description: DESCRIPTIONS[name] });

/** The maximum numbers for a tenant. */
export class QuotasView implements Quotas {
  @Limit('integrations') integrations: number;
  @Limit('adminKeys') adminKeys: number;
  @Limit('scimKeys') scimKeys: number;
  @Limit('users') users: number;
  @Limit('groups') groups: number;
  @Limit('memberships') memberships: number;
}
