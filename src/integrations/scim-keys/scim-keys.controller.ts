import { Body, Controller, Delete, Get, HttpCode, Post, Query, UseGuards } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
} from '@nestjs/swagger';
import { IsISO8601, IsOptional, IsString, Length, Matches } from 'class-validator';
import { IdParam } from '../../admin-api/id-param';
import { PageInfo, PageQuery, isoTime, isoTimeOrNull } from '../../admin-api/page';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminGuard } from '../../tenants/authentication/admin.guard';
import type { ScimKey } from './scim-key.entity';
import { ScimKeys } from './scim-keys.service';

class CreateScimKey {
  @ApiProperty({ example: 'Okta', minLength: 1, maxLength: 200 })
  @IsString()
  @Length(1, 200)
  @Matches(/^[^\0]*$/, { message: 'must not hold U+0000' })
  name: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Never, when left out' })
  @IsOptional()
  @IsISO8601({ strict: true })
  expiresAt?: string;
}

class ScimKeyView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty() name: string;
  @ApiProperty({ example: 'scimify_scim_Ab3dEf' }) prefix: string;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) expiresAt: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) lastUsedAt: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) revokedAt: string | null;
}

class CreatedScimKeyView extends ScimKeyView {
  @ApiProperty({ description: 'Shown once: give it to the IdP' }) token: string;
}

class ScimKeyPage extends PageInfo {
  @ApiProperty({ type: [ScimKeyView] }) items: ScimKeyView[];
}

@ApiTags('SCIM keys')
@ApiBearerAuth('adminKey')
@UseGuards(AdminGuard)
@Controller('api/v1')
export class ScimKeysController {
  constructor(private readonly keys: ScimKeys) {}

  @Post('integrations/:id/scim-keys')
  @RequiresRole('admin')
  @ApiOperation({ summary: 'Make a key for the IdP; its token is shown once' })
  @ApiCreatedResponse({ type: CreatedScimKeyView })
  async create(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') integrationId: string,
    @Body() body: CreateScimKey,
  ): Promise<CreatedScimKeyView> {
    const key = await this.keys.create(admin, integrationId, {
      name: body.name,
      expiresAt: body.expiresAt === undefined ? null : Date.parse(body.expiresAt),
    });
    return { ...present(key), token: key.token };
  }

  @Get('integrations/:id/scim-keys')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List the SCIM keys of an integration, revoked ones included' })
  @ApiOkResponse({ type: ScimKeyPage })
  async list(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') integrationId: string,
    @Query() query: PageQuery,
  ): Promise<ScimKeyPage> {
    const page = await this.keys.list(admin, integrationId, query);
    return { ...page, items: page.items.map(present) };
  }

  @Delete('scim-keys/:id')
  @HttpCode(204)
  @RequiresRole('admin')
  @ApiOperation({ summary: 'Revoke a SCIM key at once' })
  @ApiNoContentResponse()
  async revoke(@CurrentAdmin() admin: Admin, @IdParam('id') id: string): Promise<void> {
    await this.keys.revoke(admin, id);
  }
}

function present(key: ScimKey): ScimKeyView {
  return {
    id: key.id,
    name: key.name,
    prefix: key.prefix,
    createdAt: isoTime(key.createdAt),
    expiresAt: isoTimeOrNull(key.expiresAt),
    lastUsedAt: isoTimeOrNull(key.lastUsedAt),
    revokedAt: isoTimeOrNull(key.revokedAt),
  };
}
