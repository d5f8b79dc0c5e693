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
import {
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  ValidateNested,
  Max,
  Min,
} from 'class-validator';
import { IdParam } from '../admin-api/id-param';
import { PageInfo, PageQuery } from '../admin-api/page';
import { SETTINGS, type Settings } from '../config/settings';
import { type Admin, CurrentAdmin, RequiresRole } from '../tenants/authentication/admin';
import { AdminGuard } from '../tenants/authentication/admin.guard';
import type { Integration } from './integration.entity';
import { IntegrationView, presentIntegration } from './integration.view';
import { Integrations } from './integrations.service';
import { type GivenPolicies, type GuardPolicy, MEMBER_ROLES, type MemberRole } from './policies';

class GuardInput implements Partial<GuardPolicy> {
  @ApiPropertyOptional({ minimum: 0, maximum: 100, default: 50, description: 'Of the members of one team' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(100)
  teamPercent?: number;

  @ApiPropertyOptional({ minimum: 0, default: 5, description: 'At least so many of one team' })
  @IsOptional()
  @IsInt()
  @Min(0)
  teamMembers?: number;

  @ApiPropertyOptional({ minimum: 0, maximum: 100, default: 20, description: 'Of all memberships' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(100)
  integrationPercent?: number;

  @ApiPropertyOptional({ minimum: 0, default: 50, description: 'At least so many of all memberships' })
  @IsOptional()
  @IsInt()
  @Min(0)
  integrationMembers?: number;

  @ApiPropertyOptional({
    minimum: 0,
    default: 10,
    description: 'So many teams may be deleted; 0: any number',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  deletedTeams?: number;
}

class PoliciesInput implements GivenPolicies {
  @ApiPropertyOptional({ enum: ['adopt', 'fail'], default: 'adopt' })
  @IsOptional()
  @IsIn(['adopt', 'fail'])
  existingTeams?: 'adopt' | 'fail';

  @ApiPropertyOptional({
    enum: ['keep', 'remove'],
    default: 'keep',
    description: 'Members whom people put into a team by hand and whom the IdP never wanted there',
  })
  @IsOptional()
  @IsIn(['keep', 'remove'])
  unmanagedMembers?: 'keep' | 'remove';

  @ApiPropertyOptional({
    enum: MEMBER_ROLES,
    description: 'Role in the team of whoever is added; left out, the target chooses',
  })
  @IsOptional()
  @IsIn(MEMBER_ROLES)
  memberRole?: MemberRole;

  @ApiPropertyOptional({ enum: ['delete', 'release', 'leave'], default: 'delete' })
  @IsOptional()
  @IsIn(['delete', 'release', 'leave'])
  onGroupDelete?: 'delete' | 'release' | 'leave';

  @ApiPropertyOptional({ minimum: 15, maximum: 10080, default: 360 })
  @IsOptional()
  @IsInt()
  @Min(15)
  @Max(10_080)
  reconcileEveryMinutes?: number;

  @ApiPropertyOptional({
    type: GuardInput,
    description: 'From how many removals within an hour on an admin has to agree; 0 turns a threshold off',
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => GuardInput)
  guard?: GuardInput;
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
    return presentIntegration(integration, this.settings.publicUrl);
  }
}
