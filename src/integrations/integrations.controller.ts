import { Body, Get, HttpCode, Inject, Post, Query, UseInterceptors } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
} from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, IsOptional, ValidateNested } from 'class-validator';
import { ApiProblems } from '../admin-api/api-problems';
import { IdParam } from '../admin-api/id-param';
import { ApiIdempotent, Creation, type CreationRequest } from '../admin-api/idempotency/idempotency-key';
import { IdempotentCreations } from '../admin-api/idempotency/idempotent-creations';
import { ApiIfMatch, type ExpectedVersions, IfMatch, VersionedAnswer } from '../admin-api/if-match';
import { PageInfo, PageQuery } from '../admin-api/page';
import { IsText } from '../admin-api/text';
import { SETTINGS, type Settings } from '../config/settings';
import { type Admin, CurrentAdmin, RequiresRole } from '../tenants/authentication/admin';
import { AdminController } from '../tenants/authentication/admin-controller';
import { IntegrationOf } from './integration-of';
import type { Integration } from './integration.entity';
import { IntegrationView, presentIntegration } from './integration.view';
import { Integrations } from './integrations.service';
import { PoliciesInput } from './policies.input';

class CreateIntegration {
  @ApiProperty({ example: 'pagerduty' })
  @IsText(1, 32)
  provider: string;

  @ApiProperty({ example: 'PagerDuty production' })
  @IsText(1, 200)
  name: string;

  @ApiProperty({
    type: Object,
    description: 'Must match the `settingsSchema` of the provider.',
    example: {
      authMethod: 'oauth',
      clientId: '2c1f6a3e-0000-4000-8000-000000000000',
      accountSubdomain: 'acme',
      accountRegion: 'us',
    },
  })
  @IsObject()
  settings: object;

  @ApiProperty({ description: 'OAuth client secret or API access key. Never shown again.', writeOnly: true })
  @IsText(1, 1000)
  secret: string;

  @ApiPropertyOptional({ type: PoliciesInput, nullable: true })
  @IsOptional()
  // ValidateNested also accepts a list. Its items would be stored under 0, 1 and so on, and have no effect.
  @IsObject()
  @ValidateNested()
  @Type(() => PoliciesInput)
  policies?: PoliciesInput;
}

class IntegrationPage extends PageInfo {
  @ApiProperty({ type: [IntegrationView] }) items: IntegrationView[];
}

@AdminController('', 'Integrations')
@UseInterceptors(VersionedAnswer)
export class IntegrationsController {
  constructor(
    private readonly integrations: Integrations,
    private readonly creations: IdempotentCreations,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Post('tenants/:tenantId/integrations')
  @RequiresRole('admin')
  @ApiOperation({
    summary: 'Create an integration. It starts paused',
    description: 'Only a key with the role owner may set another `policies.guard` than the default.',
  })
  @ApiIdempotent()
  @ApiCreatedResponse({ type: IntegrationView })
  @ApiProblems('quota_reached')
  async create(
    @CurrentAdmin() admin: Admin,
    @IdParam('tenantId') tenantId: string,
    @Body() body: CreateIntegration,
    @Creation() request: CreationRequest,
  ): Promise<IntegrationView> {
    const integration = await this.creations.once(
      request,
      admin.keyId,
      (claim) => this.integrations.create(admin, tenantId, body, claim),
      (id) => this.integrations.get(admin, id),
    );
    return this.present(integration);
  }

  @Get('tenants/:tenantId/integrations')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'List the integrations of a tenant' })
  @ApiOkResponse({ type: IntegrationPage })
  async list(
    @CurrentAdmin() admin: Admin,
    @IdParam('tenantId') tenantId: string,
    @Query() query: PageQuery,
  ): Promise<IntegrationPage> {
    const page = await this.integrations.list(admin, tenantId, query);
    return { ...page, items: page.items.map((integration) => this.present(integration)) };
  }

  @Get('integrations/:id')
  @RequiresRole('viewer')
  @ApiOperation({ summary: 'Get an integration' })
  @ApiOkResponse({ type: IntegrationView })
  get(@IntegrationOf('id') integration: Integration): IntegrationView {
    return this.present(integration);
  }

  @Post('integrations/:id/enable')
  @ApiIfMatch()
  @ApiProblems('integration_deleting')
  @HttpCode(200)
  @RequiresRole('admin')
  @ApiOperation({ summary: "Write the IdP's changes to the target" })
  @ApiOkResponse({ type: IntegrationView })
  async enable(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<IntegrationView> {
    return this.present(await this.integrations.setMode(admin, integration, 'enabled', expected));
  }

  @Post('integrations/:id/pause')
  @ApiIfMatch()
  @ApiProblems('integration_deleting')
  @HttpCode(200)
  @RequiresRole('admin')
  @ApiOperation({ summary: "Accept the IdP's changes but write nothing to the target" })
  @ApiOkResponse({ type: IntegrationView })
  async pause(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<IntegrationView> {
    return this.present(await this.integrations.setMode(admin, integration, 'paused', expected));
  }

  @Post('integrations/:id/disable')
  @ApiIfMatch()
  @ApiProblems('integration_deleting')
  @HttpCode(200)
  @RequiresRole('admin')
  @ApiOperation({
    summary: "Refuse the IdP's changes and write nothing to the target",
    description:
      'SCIM answers 403. Changes that the IdP sends meanwhile are lost unless it pushes them again.',
  })
  @ApiOkResponse({ type: IntegrationView })
  async disable(
    @CurrentAdmin() admin: Admin,
    @IntegrationOf('id') integration: Integration,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<IntegrationView> {
    return this.present(await this.integrations.setMode(admin, integration, 'disabled', expected));
  }

  private present(integration: Integration): IntegrationView {
    return presentIntegration(integration, this.settings.publicUrl);
  }
}
