import { Body, Controller, Get, Patch, Post, Query, UseGuards } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiTags,
} from '@nestjs/swagger';
import { IsString, Length, Matches } from 'class-validator';
import { IdParam } from '../admin-api/id-param';
import { PageInfo, PageQuery, isoTime } from '../admin-api/page';
import { type Admin, CurrentAdmin, RequiresRole } from './authentication/admin';
import { AdminGuard } from './authentication/admin.guard';
import type { Tenant } from './tenant.entity';
import { Tenants } from './tenants.service';

class TenantInput {
  @ApiProperty({ example: 'Acme', minLength: 1, maxLength: 200 })
  @IsString()
  @Length(1, 200)
  @Matches(/^[^\0]*$/, { message: 'must not hold U+0000' })
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
  constructor(private readonly tenants: Tenants) {}

  @Post()
  @RequiresRole('platform')
  @ApiOperation({ summary: 'Create a tenant' })
  @ApiCreatedResponse({ type: TenantView })
  async create(@CurrentAdmin() admin: Admin, @Body() body: TenantInput): Promise<TenantView> {
    return present(await this.tenants.create(admin, body.name));
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
