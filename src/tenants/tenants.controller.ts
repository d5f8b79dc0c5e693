import { Body, Controller, Get, Patch, Post, Query, UseGuards } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiTags,
} from '@nestjs/swagger';
import { IdParam } from '../admin-api/id-param';
import { ApiIdempotent, Creation, type CreationRequest } from '../admin-api/idempotency/idempotency-key';
import { IdempotentCreations } from '../admin-api/idempotency/idempotent-creations';
import { PageInfo, PageQuery } from '../admin-api/page';
import { IsText } from '../admin-api/text';
import { isoTime } from '../admin-api/time';
import { type Admin, CurrentAdmin, RequiresRole } from './authentication/admin';
import { AdminGuard } from './authentication/admin.guard';
import type { Tenant } from './tenant.entity';
import { Tenants } from './tenants.service';

class TenantInput {
  @ApiProperty({ example: 'Acme' })
  @IsText(1, 200)
  name: string;
}

class TenantView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ example: 'Acme' }) name: string;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
}

class TenantPage extends PageInfo {
  @ApiProperty({ type: [TenantView] }) items: TenantView[];
}

@ApiTags('Tenants')
@ApiBearerAuth('adminKey')
@UseGuards(AdminGuard)
@Controller('api/v1/tenants')
export class TenantsController {
  constructor(
    private readonly tenants: Tenants,
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
  @ApiOperation({ summary: 'Get a tenant' })
  @ApiOkResponse({ type: TenantView })
  async get(@CurrentAdmin() admin: Admin, @IdParam('tenantId') tenantId: string): Promise<TenantView> {
    return present(await this.tenants.get(admin, tenantId));
  }

  @Patch(':tenantId')
  @RequiresRole('owner')
  @ApiOperation({ summary: 'Rename a tenant' })
  @ApiOkResponse({ type: TenantView })
  async rename(
    @CurrentAdmin() admin: Admin,
    @IdParam('tenantId') tenantId: string,
    @Body() body: TenantInput,
  ): Promise<TenantView> {
    return present(await this.tenants.rename(admin, tenantId, body.name));
  }
}

function present(tenant: Tenant): TenantView {
  return { id: tenant.id, name: tenant.name, createdAt: isoTime(tenant.createdAt) };
}
