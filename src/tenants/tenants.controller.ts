import { Body, Get, Patch, Post, Query } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
} from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, IsOptional, ValidateIf, ValidateNested } from 'class-validator';
import { IdParam } from '../admin-api/id-param';
import { ApiMergePatch } from '../admin-api/merge-patch-body';
import { ApiIdempotent, Creation, type CreationRequest } from '../admin-api/idempotency/idempotency-key';
import { IdempotentCreations } from '../admin-api/idempotency/idempotent-creations';
import { PageInfo, PageQuery } from '../admin-api/page';
import { IsText } from '../admin-api/text';
import { isoTime } from '../admin-api/time';
import { type Admin, CurrentAdmin, RequiresRole } from './authentication/admin';
import { AdminController } from './authentication/admin-controller';
import { QuotasInput, QuotasView } from './quotas.input';
import { TenantQuotas } from './tenant-quotas.service';
import { TenantUsage, type Usage } from './tenant-usage.service';
import type { Tenant } from './tenant.entity';
import { Tenants } from './tenants.service';

class TenantInput {
  @ApiProperty({ example: 'Acme' })
  @IsText(1, 200)
  name: string;
}

class TenantChange {
  @ApiPropertyOptional({ example: 'Acme' })
  // Null is not a valid name.
  @ValidateIf((_: object, value: unknown) => value !== undefined)
  @IsText(1, 200)
  name?: string;

  @ApiPropertyOptional({
    type: QuotasInput,
    nullable: true,
    description: 'Only a platform key may set quotas. Null means the quota of the installation',
  })
  @IsOptional()
  // ValidateNested also accepts a list.
  @IsObject()
  @ValidateNested()
  @Type(() => QuotasInput)
  quotas?: QuotasInput | null;
}

class TenantView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ example: 'Acme' }) name: string;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
}

class UsageView implements Usage {
  @ApiProperty({ description: 'Including integrations that are being deleted' }) integrations: number;
  @ApiProperty({ description: 'Admin keys that are neither revoked nor expired' }) adminKeys: number;
  @ApiProperty({ description: 'Users of all integrations, including inactive users' }) users: number;
  @ApiProperty({ description: 'Groups of all integrations' }) groups: number;
  @ApiProperty({ description: 'Memberships of all groups' }) memberships: number;
}

class TenantDetailView extends TenantView {
  @ApiProperty({ type: QuotasView, description: 'Maximum numbers for the tenant' }) quotas: QuotasView;
  @ApiProperty({ type: UsageView, description: 'Current numbers of the tenant' }) usage: UsageView;
}

class TenantPage extends PageInfo {
  @ApiProperty({ type: [TenantView] }) items: TenantView[];
}

@AdminController('tenants', 'Tenants')
export class TenantsController {
  constructor(
    private readonly tenants: Tenants,
    private readonly quotas: TenantQuotas,
    private readonly usage: TenantUsage,
    private readonly creations: IdempotentCreations,
  ) {}

  @Post()
  @RequiresRole('platform')
  @ApiOperation({ summary: 'Create a tenant' })
  @ApiIdempotent()
  @ApiCreatedResponse({ type: TenantView })
  async create(
    @CurrentAdmin() admin: Admin,
    @Body() body: TenantInput,
    @Creation() request: CreationRequest,
  ): Promise<TenantView> {
    const tenant = await this.creations.once(
      request,
      admin.keyId,
      (claim) => this.tenants.create(admin, body.name, claim),
      (id) => this.tenants.get(admin, id),
    );
    return present(tenant);
  }

  @Get()
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List the tenants that the key may see' })
  @ApiOkResponse({ type: TenantPage })
  async list(@CurrentAdmin() admin: Admin, @Query() query: PageQuery): Promise<TenantPage> {
    const page = await this.tenants.list(admin, query);
    return { ...page, items: page.items.map(present) };
  }

  @Get(':tenantId')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'Get a tenant with its quotas and its usage' })
  @ApiOkResponse({ type: TenantDetailView })
  async get(@CurrentAdmin() admin: Admin, @IdParam('tenantId') tenantId: string): Promise<TenantDetailView> {
    return this.detailOf(await this.tenants.get(admin, tenantId));
  }

  @Patch(':tenantId')
  @RequiresRole('owner')
  @ApiOperation({
    summary: 'Rename a tenant, or set its quotas',
    description:
      'A merge patch. Only a platform key may set quotas. A quota below the current usage removes nothing, but blocks additions.',
  })
  @ApiMergePatch(TenantChange, {
    'Rename the tenant': { name: 'Acme' },
    'Set a quota': { quotas: { users: 20_000 } },
    'Reset a quota': { quotas: { users: null } },
  })
  @ApiOkResponse({ type: TenantDetailView })
  async change(
    @CurrentAdmin() admin: Admin,
    @IdParam('tenantId') tenantId: string,
    @Body() body: TenantChange,
  ): Promise<TenantDetailView> {
    return this.detailOf(await this.tenants.change(admin, tenantId, body));
  }

  private async detailOf(tenant: Tenant): Promise<TenantDetailView> {
    return {
      ...present(tenant),
      quotas: this.quotas.effective(tenant),
      usage: await this.usage.of(tenant.id),
    };
  }
}

function present(tenant: Tenant): TenantView {
  return { id: tenant.id, name: tenant.name, createdAt: isoTime(tenant.createdAt) };
}
