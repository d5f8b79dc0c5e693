import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import type { QuotaName, Quotas } from '../config/settings';

const MOST = 100_000_000;

const DESCRIPTIONS: Record<QuotaName, string> = {
  integrations: 'Integrations, ones that are being deleted included',
  adminKeys: 'Live admin keys',
  scimKeys: 'Live SCIM keys of each integration',
  users: 'Users of all integrations, inactive ones included',
  groups: 'Groups of all integrations',
  memberships: 'Memberships of all groups',
};

const IsQuota = (name: QuotaName) =>
  applyDecorators(
    ApiPropertyOptional({
      type: 'integer',
      nullable: true,
      minimum: 0,
      maximum: MOST,
      description: DESCRIPTIONS[name],
    }),
    IsOptional(),
    IsInt(),
    Min(0),
    Max(MOST),
  );

/** Null: as the settings of the installation have it. */
export class QuotasInput implements Partial<Record<QuotaName, number | null>> {
  @IsQuota('integrations') integrations?: number | null;
  @IsQuota('adminKeys') adminKeys?: number | null;
  @IsQuota('scimKeys') scimKeys?: number | null;
  @IsQuota('users') users?: number | null;
  @IsQuota('groups') groups?: number | null;
  @IsQuota('memberships') memberships?: number | null;
}

const Limit = (name: QuotaName) => ApiProperty({ minimum: 0, description: DESCRIPTIONS[name] });

/** How much a tenant may have. */
export class QuotasView implements Quotas {
  @Limit('integrations') integrations: number;
  @Limit('adminKeys') adminKeys: number;
  @Limit('scimKeys') scimKeys: number;
  @Limit('users') users: number;
  @Limit('groups') groups: number;
  @Limit('memberships') memberships: number;
}
