import { Body, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
} from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { ApiProblems } from '../../admin-api/api-problems';
import { IdParam } from '../../admin-api/id-param';
import { ApiIdempotent, Creation, type CreationRequest } from '../../admin-api/idempotency/idempotency-key';
import { IdempotentCreations } from '../../admin-api/idempotency/idempotent-creations';
import { KeyInput, KeyPrefix, KeyView, expiryOf, presentKey } from '../../admin-api/key';
import { type Page, PageInfo, PageQuery } from '../../admin-api/page';
import { type Admin, CurrentAdmin, RequiresRole } from '../authentication/admin';
import { AdminController } from '../authentication/admin-controller';
import {
  ADMIN_ROLES,
  type AdminKey,
  type AdminRole,
  TENANT_ROLES,
  type TenantRole,
} from './admin-key.entity';
import { AdminKeys, type NewAdminKey } from './admin-keys.service';

class TenantKeyInput extends KeyInput {
  @ApiProperty({
    enum: TENANT_ROLES,
    example: 'viewer',
    description:
      '`viewer` reads. `admin` also manages integrations. `owner` also decides about admin keys, secrets, the guard and deletions',
  })
  @IsIn(TENANT_ROLES)
  role: TenantRole;
}

class AdminKeyView extends KeyView {
  @KeyPrefix('admin') prefix: string;
  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'Null for platform keys' })
  tenantId: string | null;
  @ApiProperty({ enum: ADMIN_ROLES }) role: AdminRole;
}

class CreatedAdminKeyView extends AdminKeyView {
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Shown once. Null if the request repeats an earlier Idempotency-Key',
    example: 'scimify_admin_Ab3dEf…',
  })
  token: string | null;
}

class AdminKeyPage extends PageInfo {
  @ApiProperty({ type: [AdminKeyView] }) items: AdminKeyView[];
}

@AdminController('', 'Admin keys')
export class AdminKeysController {
  constructor(
    private readonly keys: AdminKeys,
    private readonly creations: IdempotentCreations,
  ) {}

  @Post('tenants/:tenantId/admin-keys')
  @RequiresRole('owner')
  @ApiOperation({ summary: 'Create an admin key for a tenant. Its token is shown once' })
  @ApiIdempotent()
  @ApiCreatedResponse({ type: CreatedAdminKeyView })
  @ApiProblems('quota_reached')
  create(
    @CurrentAdmin() admin: Admin,
    @IdParam('tenantId') tenantId: string,
    @Body() body: TenantKeyInput,
    @Creation() request: CreationRequest,
  ): Promise<CreatedAdminKeyView> {
    return this.make(admin, request, { tenantId, role: body.role }, body);
  }

  @Get('tenants/:tenantId/admin-keys')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List the admin keys of a tenant, including revoked keys' })
  @ApiOkResponse({ type: AdminKeyPage })
  async list(
    @CurrentAdmin() admin: Admin,
    @IdParam('tenantId') tenantId: string,
    @Query() query: PageQuery,
  ): Promise<AdminKeyPage> {
    return presentPage(await this.keys.list(admin, tenantId, query));
  }

  @Post('admin-keys')
  @RequiresRole('platform')
  @ApiOperation({ summary: 'Create a platform key. Its token is shown once' })
  @ApiIdempotent()
  @ApiCreatedResponse({ type: CreatedAdminKeyView })
  createPlatformKey(
    @CurrentAdmin() admin: Admin,
    @Body() body: KeyInput,
    @Creation() request: CreationRequest,
  ): Promise<CreatedAdminKeyView> {
    return this.make(admin, request, { tenantId: null, role: 'platform' }, body);
  }

  @Get('admin-keys')
  @RequiresRole('platform')
  @ApiOperation({ summary: 'List the platform keys, including revoked keys' })
  @ApiOkResponse({ type: AdminKeyPage })
  async listPlatformKeys(@CurrentAdmin() admin: Admin, @Query() query: PageQuery): Promise<AdminKeyPage> {
    return presentPage(await this.keys.list(admin, null, query));
  }

  @Delete('admin-keys/:id')
  @HttpCode(204)
  @RequiresRole('owner')
  @ApiOperation({
    summary: 'Revoke an admin key at once',
    description:
      'A key cannot revoke a key with a higher role. An owner can revoke an owner key only if another owner key of the tenant does not expire. A platform key can always revoke it.',
  })
  @ApiNoContentResponse()
  @ApiProblems('last_owner_key')
  async revoke(@CurrentAdmin() admin: Admin, @IdParam('id') id: string): Promise<void> {
    await this.keys.revoke(admin, id);
  }

  private make(
    admin: Admin,
    request: CreationRequest,
    belongsTo: Pick<NewAdminKey, 'tenantId' | 'role'>,
    input: KeyInput,
  ): Promise<CreatedAdminKeyView> {
    return this.creations.once<CreatedAdminKeyView>(
      request,
      admin.keyId,
      async (claim) => {
        const key = { ...belongsTo, name: input.name, expiresAt: expiryOf(input, admin) };
        const { token, ...made } = await this.keys.create(admin, key, claim);
        return { ...present(made), token };
      },
      async (id) => ({ ...present(await this.keys.get(admin, id)), token: null }),
    );
  }
}

function present(key: AdminKey): AdminKeyView {
  return { ...presentKey(key), tenantId: key.tenantId, role: key.role };
}

function presentPage({ items, nextCursor }: Page<AdminKey>): AdminKeyPage {
  return { items: items.map(present), nextCursor };
}
