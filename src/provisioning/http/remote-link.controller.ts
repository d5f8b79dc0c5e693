import { Body, Controller, Delete, HttpCode, Put, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { IsString, Matches } from 'class-validator';
import { ApiProblems } from '../../admin-api/api-problems';
import { IdParam } from '../../admin-api/id-param';
import { type Admin, CurrentAdmin, RequiresRole } from '../../tenants/authentication/admin';
import { AdminGuard } from '../../tenants/authentication/admin.guard';
import { LinkRequests } from '../schedule/link-requests';

const REMOTE_ID = /^[A-Za-z0-9_-]{1,100}$/;

class RemoteLink {
  @ApiProperty({
    example: 'PXPGF42',
    description: 'Id of the person in the target: of PagerDuty the last part of the address of their profile',
    pattern: REMOTE_ID.source,
  })
  @IsString()
  @Matches(REMOTE_ID, { message: 'must be an id of the target: letters, digits, _ and -' })
  remoteUserId: string;
}

@ApiTags('Users')
@ApiBearerAuth('adminKey')
@UseGuards(AdminGuard)
@Controller('api/v1/integrations/:id/users/:userId/remote-link')
export class RemoteLinkController {
  constructor(private readonly links: LinkRequests) {}

  @Put()
  @HttpCode(204)
  @RequiresRole('admin')
  @ApiOperation({
    summary: 'Say whom of the target a user is',
    description:
      'The target is asked whether it has that person. No look-up says otherwise from then on, until the IdP makes the user anew or the target no longer has that person. Whom the ' +
      'user was before leaves the teams, unless somebody else wants them there.',
  })
  @ApiNoContentResponse()
  @ApiProblems('integration_deleting', 'remote_user_unknown', 'target_unavailable')
  async pin(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') integrationId: string,
    @IdParam('userId') userId: string,
    @Body() body: RemoteLink,
  ): Promise<void> {
    await this.links.pin(admin, integrationId, userId, body.remoteUserId);
  }

  @Delete()
  @HttpCode(204)
  @RequiresRole('admin')
  @ApiOperation({ summary: 'Forget whom of the target a user is, and look them up afresh' })
  @ApiNoContentResponse()
  @ApiProblems('integration_deleting')
  async undo(
    @CurrentAdmin() admin: Admin,
    @IdParam('id') integrationId: string,
    @IdParam('userId') userId: string,
  ): Promise<void> {
    await this.links.undo(admin, integrationId, userId);
  }
}
