import { Body, Controller, Get, HttpCode, Inject, Post, Query, UseGuards } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
} from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsObject, IsOptional, IsString, Length, Matches, ValidateNested } from 'class-validator';
import { IdParam } from '../admin-api/id-param';
import { PageInfo, PageQuery, isoTimeOrNull } from '../admin-api/page';
import { SETTINGS, type Settings } from '../config/settings';
import { type Admin, CurrentAdmin, RequiresRole } from '../tenants/authentication/admin';
import { AdminGuard } from '../tenants/authentication/admin.guard';
import { INTEGRATION_MODES, type Integration, type IntegrationMode } from './integration.entity';
import { Integrations } from './integrations.service';
import type { IntegrationPolicies } from './policies';

class PoliciesInput implements Partial<IntegrationPolicies> {
  @ApiPropertyOptional({ enum: ['adopt', 'fail'], default: 'adopt' })
  @IsOptional()
  @IsIn(['adopt', 'fail'])
  existingTeams?: 'adopt' | 'fail';

  @ApiPropertyOptional({ enum: ['delete', 'release', 'leave'], default: 'delete' })
  @IsOptional()
  @IsIn(['delete', 'release', 'leave'])
  onGroupDelete?: 'delete' | 'release' | 'leave';
}

class CreateIntegration {
  @ApiProperty({ example: 'pagerduty' })
  @IsString()
  @Length(1, 32)
  provider: string;

  @ApiProperty({ example: 'PagerDuty production', minLength: 1, maxLength: 200 })
  @IsString()
  @Length(1, 200)
  @Matches(/^[^\0]*$/, { message: 'must not hold U+0000' })
  name: string;

  @ApiProperty({
    type: Object,
    description: 'As the schema of the provider demands.',
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
  @IsString()
  @Length(1, 1000)
  secret: string;

  @ApiPropertyOptional({ type: PoliciesInput })
  @IsOptional()
  @ValidateNested()
  @Type(() => PoliciesInput)
  policies?: PoliciesInput;
}

class PoliciesView implements IntegrationPolicies {
  @ApiProperty({ enum: ['adopt', 'fail'] }) existingTeams: 'adopt' | 'fail';
  @ApiProperty({ enum: ['delete', 'release', 'leave'] }) onGroupDelete: 'delete' | 'release' | 'leave';
}

class AccountView {
  @ApiProperty({ example: 'acme' }) name: string;
  @ApiProperty({ example: 'https://acme.pagerduty.com' }) url: string;
}

class ConnectionView {
  @ApiProperty({ enum: ['unknown', 'ok', 'failed'] }) status: string;
  @ApiProperty({ type: String, nullable: true }) reason: string | null;
  @ApiProperty({ type: String, nullable: true }) message: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) checkedAt: string | null;
}

class SuspensionView {
  @ApiProperty({ example: 'invalid_client' }) reason: string;
  @ApiProperty() message: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) since: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) nextProbeAt: string | null;
}

export class IntegrationView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ format: 'uuid' }) tenantId: string;
  @ApiProperty({ example: 'pagerduty' }) provider: string;
  @ApiProperty() name: string;
  @ApiProperty({ enum: INTEGRATION_MODES }) mode: IntegrationMode;
  @ApiProperty({ type: SuspensionView, nullable: true }) suspension: SuspensionView | null;
  @ApiProperty({ type: Object }) settings: object;
  @ApiProperty({ type: PoliciesView }) policies: IntegrationPolicies;
  @ApiProperty({ description: 'What the IdP is given as SCIM base URL' }) scimBaseUrl: string;
  @ApiProperty({ type: AccountView, nullable: true }) account: AccountView | null;
  @ApiProperty({ type: ConnectionView }) connection: ConnectionView;
}

class IntegrationPage extends PageInfo {
  @ApiProperty({ type: [IntegrationView] }) items: IntegrationView[];
}

@ApiTags('Integrations')
@ApiBearerAuth('adminKey')
@UseGuards(AdminGuard)
@Controller('api/v1')
export class IntegrationsController {
  constructor(
    private readonly integrations: Integrations,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Post('tenants/:tenantId/integrations')
  @RequiresRole('admin')
  @ApiOperation({ summary: 'Create an integration; it begins paused' })
  @ApiCreatedResponse({ type: IntegrationView })
  async create(
    @CurrentAdmin() admin: Admin,
    @IdParam('tenantId') tenantId: string,
    @Body() body: CreateIntegration,
  ): Promise<IntegrationView> {
    return this.present(await this.integrations.create(admin, tenantId, body));
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
  async get(@CurrentAdmin() admin: Admin, @IdParam('id') id: string): Promise<IntegrationView> {
    return this.present(await this.integrations.get(admin, id));
  }

  @Post('integrations/:id/enable')
  @HttpCode(200)
  @RequiresRole('admin')
  @ApiOperation({ summary: "Write the IdP's changes to the target" })
  @ApiOkResponse({ type: IntegrationView })
  async enable(@CurrentAdmin() admin: Admin, @IdParam('id') id: string): Promise<IntegrationView> {
    return this.present(await this.integrations.setMode(admin, id, 'enabled'));
  }

  @Post('integrations/:id/pause')
  @HttpCode(200)
  @RequiresRole('admin')
  @ApiOperation({ summary: "Accept the IdP's changes but write nothing to the target" })
  @ApiOkResponse({ type: IntegrationView })
  async pause(@CurrentAdmin() admin: Admin, @IdParam('id') id: string): Promise<IntegrationView> {
    return this.present(await this.integrations.setMode(admin, id, 'paused'));
  }

  @Post('integrations/:id/disable')
  @HttpCode(200)
  @RequiresRole('admin')
  @ApiOperation({
    summary: "Refuse the IdP's changes and write nothing to the target",
    description: 'SCIM answers 403: what the IdP sends meanwhile is lost, unless it is pushed again.',
  })
  @ApiOkResponse({ type: IntegrationView })
  async disable(@CurrentAdmin() admin: Admin, @IdParam('id') id: string): Promise<IntegrationView> {
    return this.present(await this.integrations.setMode(admin, id, 'disabled'));
  }

  private present(integration: Integration): IntegrationView {
    return {
      id: integration.id,
      tenantId: integration.tenantId,
      provider: integration.provider,
      name: integration.name,
      mode: integration.mode,
      suspension:
        integration.suspensionReason === null
          ? null
          : {
              reason: integration.suspensionReason,
              message: integration.suspensionMessage ?? '',
              since: isoTimeOrNull(integration.suspendedSince),
              nextProbeAt: isoTimeOrNull(integration.nextProbeAt),
            },
      settings: integration.settings,
      policies: integration.policies,
      scimBaseUrl: `${this.settings.publicUrl}/scim/v2/${integration.id}`,
      account:
        integration.accountIdentity === null
          ? null
          : { name: integration.accountName ?? '', url: integration.accountUrl ?? '' },
      connection: {
        status: integration.connectionStatus,
        reason: integration.connectionReason,
        message: integration.connectionMessage,
        checkedAt: isoTimeOrNull(integration.connectionCheckedAt),
      },
    };
  }
}
