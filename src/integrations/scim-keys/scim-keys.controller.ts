import { Body, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
} from '@nestjs/swagger';
import { ApiProblems } from '../../admin-api/api-problems';
import { IdParam } from '../../admin-api/id-param';
import { ApiIdempotent, Creation, type CreationRequest } from '../../admin-api/idempotency/idempotency-key';
import { IdempotentCreations } from '../../admin-api/idempotency/idempotent-creations';
import { KeyInput, KeyPrefix, KeyView, expiryOf, presentKey } from '../../admin-api/key';
import { PageInfo, PageQuery } from '../../admin-api/page';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminController } from '../../tenants/authentication/admin-controller';
import { IntegrationOf } from '../integration-of';
import type { Integration } from '../integration.entity';
import { ScimKeys } from './scim-keys.service';

class ScimKeyView extends KeyView {
  @KeyPrefix('scim') prefix: string;
}

class CreatedScimKeyView extends ScimKeyView {
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Shown once: give it to the IdP. Null if the request repeats an earlier Idempotency-Key',
    example: 'scimify_scim_Ab3dEf…',
  })
  token: string | null;
}

class ScimKeyPage extends PageInfo {
  @ApiProperty({ type: [ScimKeyView] }) items: ScimKeyView[];
}

@AdminController('', 'SCIM keys')
export class ScimKeysController {
  constructor(
    private readonly keys: ScimKeys,
    private readonly creations: IdempotentCreations,
  ) {}

  @Post('integrations/:id/scim-keys')
  @RequiresRole('admin')
  @ApiOperation({ summary: 'Create a key for the IdP. Its token is shown once' })
  @ApiIdempotent()
  @ApiCreatedResponse({ type: CreatedScimKeyView })
  @ApiProblems('integration_deleting', 'quota_reached')
  create(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
    @Body() body: KeyInput,
    @Creation() request: CreationRequest,
  ): Promise<CreatedScimKeyView> {
    return this.creations.once<CreatedScimKeyView>(
      request,
      admin.keyId,
      async (claim) => {
        const input = { name: body.name, expiresAt: expiryOf(body, admin) };
        const { token, ...key } = await this.keys.create(admin, integration, input, claim);
        return { ...presentKey(key), token };
      },
      async (id) => ({ ...presentKey(await this.keys.get(admin, id)), token: null }),
    );
  }

  @Get('integrations/:id/scim-keys')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List the SCIM keys of an integration, including revoked keys' })
  @ApiOkResponse({ type: ScimKeyPage })
  async list(@IntegrationOf('id') integration: Integration, @Query() query: PageQuery): Promise<ScimKeyPage> {
    const page = await this.keys.list(integration, query);
    return { ...page, items: page.items.map(presentKey) };
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
