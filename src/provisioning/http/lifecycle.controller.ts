import { Body, Controller, Delete, HttpCode, Inject, Post, Query, UseGuards } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiConflictResponse,
  ApiOkResponse,
  ApiOperation,
  ApiPropertyOptional,
  ApiTags,
} from '@nestjs/swagger';
import { IsIn, IsObject, IsString, Length, ValidateIf } from 'class-validator';
import { IdParam } from '../../admin-api/id-param';
import { SETTINGS, type Settings } from '../../config/settings';
import { DELETED_TEAMS, type DeletedTeams } from '../../integrations/integration.entity';
import { IntegrationView, presentIntegration } from '../../integrations/integration.view';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminGuard } from '../../tenants/authentication/admin.guard';
import { LifecycleRequests } from '../schedule/lifecycle-requests';

class DeletionQuery {
  @ApiPropertyOptional({
    enum: DELETED_TEAMS,
    default: 'leave',
    description:
      '`leave`: nothing is called; `release`: the members that were added leave; `delete`: the teams that were created ' +
      'go too, adopted ones are released.',
  })
  @IsIn(DELETED_TEAMS)
  teams: DeletedTeams = 'leave';
}

/** Null is no way to leave a field out: it would be taken for a value to be stored. */
const ifGiven = () => ValidateIf((_: object, value: unknown) => value !== undefined);

class RebindIntegration {
  @ApiPropertyOptional({ type: Object, description: 'In place of the stored ones, all of them' })
  @ifGiven()
  @IsObject()
  settings?: object;

  @ApiPropertyOptional({ description: 'In place of the stored one. Never shown again.', writeOnly: true })
  @ifGiven()
  @IsString()
  @Length(1, 1000)
  secret?: string;
}

@ApiTags('Integrations')
@ApiBearerAuth('adminKey')
@UseGuards(AdminGuard)
@Controller('api/v1/integrations/:id')
export class LifecycleController {
  constructor(
    private readonly requests: LifecycleRequests,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Delete()
  @HttpCode(202)
  @RequiresRole('owner')
  @ApiOperation({
    summary: 'Delete an integration, and say what becomes of its teams',
    description:
      'SCIM answers 401 at once. The integration is shown with `deletingSince` until its teams are let go, in whatever ' +
      'mode it is; while the target cannot be reached it stays. A second request with `teams=leave` ends it.',
  })
  @ApiAcceptedResponse()
  async delete(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') id: string,
    @Query() query: DeletionQuery,
  ): Promise<void> {
    await this.requests.delete(admin, id, query.teams);
  }

  @Post('rebind')
  @HttpCode(200)
  @RequiresRole('owner')
  @ApiOperation({
    summary: 'Move an integration to another account',
    description:
      'Everything known of the target is forgotten, its teams stay as they are, and the integration is paused. Once it is ' +
      'enabled, every group is compared with whatever account it reaches then.',
  })
  @ApiOkResponse({ type: IntegrationView })
  @ApiConflictResponse({ description: 'It is being deleted' })
  async rebind(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') id: string,
    @Body() body: RebindIntegration,
  ): Promise<IntegrationView> {
    const integration = await this.requests.rebind(admin, id, body);
    return presentIntegration(integration, this.settings.publicUrl);
  }
}
